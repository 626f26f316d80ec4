import { cpSync, existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../commands/launcher.ts';

/** The repository's own debs: what one test has fetched, no other fetches again. */
export const SHARED_DEBS = join(ROOT, 'store', 'debs');

/** Links the debs of one folder into another; to another filesystem they are copied. */
export function shareDebs(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  if (!existsSync(from)) return;
  for (const name of readdirSync(from).filter((file) => file.endsWith('.deb'))) {
    if (existsSync(join(to, name))) continue;
    try {
      linkSync(join(from, name), join(to, name));
    } catch {
      cpSync(join(from, name), join(to, name), { force: true });
    }
  }
}
