import { run } from '../host/program.ts';

/** The control stanza of a deb file, as its maintainer wrote it. */
export async function controlOf(file: string): Promise<string> {
  return await run(['dpkg-deb', '--field', file]);
}
