import { readFileSync } from 'node:fs';
import { giveToCaller } from './host/caller.ts';
import { SnapError } from './host/error.ts';
import { ownFile } from './host/own.ts';
import { writePieces } from './host/write.ts';
import { type Page, pageHtml } from './report/page.ts';

/**
 * Writes a page to a file of the caller's.
 * @throws SnapError USAGE when it cannot be written.
 */
export function writePage(file: string, page: Page): void {
  const [script, style] = ['dist/page.js', 'dist/page.css'].map((part) =>
    readFileSync(ownFile(part), 'utf8').trim(),
  );
  try {
    writePieces(file, pageHtml(page, { script: script!, style: style! }));
  } catch (error) {
    throw new SnapError('USAGE', `Cannot write "${file}": ${(error as Error).message}`, { cause: error });
  }
  giveToCaller(file);
}
