import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = rootAbove(import.meta.dirname);

/** Snap's own folder: that of its package.json, whether this runs from src/ or from dist/. */
function rootAbove(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  if (folder === dirname(folder)) throw new Error(`There is no package.json above "${import.meta.dirname}"`);
  return rootAbove(dirname(folder));
}

/** Absolute path of a file of snap's own, `path` being relative to its folder. */
export function ownFile(path: string): string {
  return join(ROOT, path);
}

/** Absolute path of a thread's program, `path` being that of its source in src/ without the ending; where this runs from dist/, what was made of it. */
export function threadFile(path: string): string {
  return import.meta.filename.endsWith('.ts') ? ownFile(`src/${path}.ts`) : ownFile(`dist/${path}.cjs`);
}
