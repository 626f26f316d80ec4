import { type WriteFileOptions, writeFileSync } from 'node:fs';
import { naming } from './error.ts';

/** Node's own, whose errors name no file when the disk fails. */
export function writeFile(file: string | Buffer, content: string | Buffer, options?: WriteFileOptions): void {
  naming(file.toString(), () => writeFileSync(file, content, options));
}
