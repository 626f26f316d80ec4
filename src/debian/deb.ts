import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SnapError } from '../host/error.ts';
import { lastLines, run } from '../host/program.ts';
import { DebPaths } from './deb-paths.ts';
import { readMembers } from './tar.ts';

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
  const child = spawn('dpkg-deb', ['--fsys-tarfile', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4096);
  });
  try {
    const paths = new DebPaths();
    await readMembers(child.stdout, { member: (member) => paths.add(member) });
    paths.check();
    const [exitCode] = await ended;
    if (exitCode !== 0) throw new Error(`dpkg-deb exited with ${exitCode}`);
  } catch (error) {
    child.kill();
    await ended.catch(() => undefined);
    throw new SnapError('DOWNLOAD', `Refused package "${name}": ${(error as Error).message}`, {
      lines: stderr === '' ? [] : lastLines(stderr, 5),
      hint: 'nothing of it was unpacked; do not trust the archive that it comes from',
      cause: error,
    });
  }
}
