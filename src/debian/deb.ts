import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { SnapError } from '../host/error.ts';
import { decompressXz } from '../host/lzma.ts';
import { lastLines, run } from '../host/program.ts';
import { debMembers } from './ar.ts';
import { DebPaths } from './deb-paths.ts';
import { readMembers, readMembersNow, type TarVisitor } from './tar.ts';

/** The control stanza of a deb file, as its maintainer wrote it. */
export async function controlOf(file: string): Promise<string> {
  return await run(['dpkg-deb', '--field', file]);
}

/** The control stanzas of several debs, in their order, by one process. */
export async function controlsOf(files: readonly string[]): Promise<string[]> {
  if (files.length === 0) return [];
  const script = 'for file; do dpkg-deb --field "$file" || exit; printf "\\0"; done';
  const text = await run(['sh', '-c', script, 'sh', ...files]);
  return text.split('\0').slice(0, -1);
}

/**
 * Refuses a deb that would write outside the folder into which it is unpacked. Done once, before a deb gets its name in the store.
 * @throws SnapError DOWNLOAD with the path and the reason.
 */
export async function checkDeb(file: string, name = file): Promise<void> {
  try {
    const paths = new DebPaths();
    await readByDpkgDeb(file, 'data', { member: (member) => void paths.add(member) });
    paths.check();
  } catch (error) {
    throw new SnapError('DOWNLOAD', `Refused package "${name}": ${(error as Error).message}`, {
      hint: 'nothing of it was unpacked; do not trust the archive that it comes from',
      cause: error,
    });
  }
}

type Archive = 'control' | 'data';

/**
 * Reads one of a deb's two archives, here and now if it is compressed as Debian does it.
 * @throws Error with the reason for a damaged deb.
 */
export async function readDeb(file: string, which: Archive, visitor: TarVisitor): Promise<void> {
  const fd = openSync(file, 'r');
  try {
    const { name, offset, size } = debMembers(fd)[which];
    if (name === `${which}.tar.xz`) readMembersNow(decompressXz(partOf(fd, offset, size)), visitor);
    else await readByDpkgDeb(file, which, visitor);
  } finally {
    closeSync(fd);
  }
}

/** Reads a part of a file from its beginning, as much at a time as there is room for. */
function partOf(fd: number, offset: number, size: number): (into: Buffer) => number {
  let done = 0;
  return (into) => {
    const length = readSync(fd, into, 0, Math.min(into.length, size - done), offset + done);
    done += length;
    return length;
  };
}

/** The same with a process of its own: nothing waits for the decompression. */
async function readByDpkgDeb(file: string, which: Archive, visitor: TarVisitor): Promise<void> {
  const option = which === 'control' ? '--ctrl-tarfile' : '--fsys-tarfile';
  const child = spawn('dpkg-deb', [option, file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-1024);
  });
  try {
    await readMembers(child.stdout, visitor);
    const [exitCode] = await ended;
    if (exitCode !== 0) throw new Error(`dpkg-deb exited with ${exitCode}`);
  } catch (error) {
    child.kill('SIGKILL');
    await ended.catch(() => undefined);
    const said = lastLines(stderr, 1)[0];
    throw said === undefined ? error : new Error(`${(error as Error).message} (${said})`, { cause: error });
  }
}
