import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { errno } from './error.ts';

/** Milliseconds between two looks. */
const PERIOD = 200;

/** Tells what is appended to a file, which need not be there yet, until it is disposed of; then what has come until then. */
export function followFile(file: string, onText: (text: string) => void): Disposable {
  const decoder = new StringDecoder('utf8');
  const buffer = Buffer.alloc(65_536);
  let fd: number | undefined;
  const look = (): void => {
    fd ??= openIfThere(file);
    if (fd === undefined) return;
    for (;;) {
      const length = readSync(fd, buffer);
      if (length === 0) return;
      onText(decoder.write(buffer.subarray(0, length)));
    }
  };
  const timer = setInterval(look, PERIOD).unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      look();
      if (fd !== undefined) closeSync(fd);
    },
  };
}

function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw error;
  }
}
