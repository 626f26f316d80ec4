import { parentPort } from 'node:worker_threads';
import { encodeManifest } from '../store/manifest.ts';
import { NeedsDpkg, unpackDeb } from './unpack.ts';
import type { UnpackReply, UnpackTask } from './unpacker.ts';

/** A thread that unpacks one deb after the other. */
parentPort!.on('message', async ({ file, folder }: UnpackTask) => {
  parentPort!.postMessage(await unpack(file, folder));
});

async function unpack(file: string, folder: string): Promise<UnpackReply> {
  try {
    const { manifest, records, ids } = await unpackDeb(file, folder);
    return { kind: 'unpacked', manifest: encodeManifest(manifest.values()), records, ids };
  } catch (error) {
    if (error instanceof NeedsDpkg) return { kind: 'dpkg', reason: error.message };
    const { message, code } = error as Error & { readonly code?: string };
    return { kind: 'failed', message, ...(code === undefined ? {} : { code }) };
  }
}
