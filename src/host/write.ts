import { closeSync, openSync, type WriteFileOptions, writeFileSync } from 'node:fs';
import { naming } from './error.ts';

/** Node's own, whose errors name no file when the disk fails. */
export function writeFile(file: string | Buffer, content: string | Buffer, options?: WriteFileOptions): void {
  naming(file.toString(), () => writeFileSync(file, content, options));
}

/** Characters that are written at once. */
const GATHERED = 65_536;

/** Pieces of a text, put together to such as are worth a write. */
export function* gathered(pieces: Iterable<string>): Generator<string> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < GATHERED) continue;
    yield text;
    text = '';
  }
  yield text;
}

/** A text that nobody holds whole. */
export function writePieces(file: string, pieces: Iterable<string>): void {
  naming(file, () => {
    const fd = openSync(file, 'w');
    try {
      for (const text of gathered(pieces)) writeFileSync(fd, text);
    } finally {
      closeSync(fd);
    }
  });
}
