import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder under a name that tempts careless code; it goes when the test file ends. */
export function someFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'snap store, \\:'));
  folders.push(folder);
  return folder;
}
