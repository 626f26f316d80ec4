import { spawnSync } from 'node:child_process';
import { findProgram } from '../host/path.ts';
import { asDigest, type Digest } from './digest.ts';
import { digestFile } from './tree.ts';

/** A regular file, and its length in bytes. */
export type Sized = { readonly file: Buffer; readonly size: number };

/** Fewer bytes than these are hashed before a program has started. */
const WORTH_IT = 4 * 1024 * 1024;
/** Bytes of file names that a command line takes, with room for the environment. */
const COMMAND_LINE = 100_000;

/**
 * The digests of regular files, or what reading one of them failed with. Debian's b3sum does it several times as fast as
 * WebAssembly, where it is installed.
 */
export function digestFiles(files: readonly Sized[]): (Digest | Error)[] {
  const digests = new Map<Sized, Digest>();
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const program = total < WORTH_IT ? undefined : findProgram('b3sum');
  for (const batch of program === undefined ? [] : batches(files.filter(isText))) {
    for (const [at, digest] of hashed(program!, batch).entries()) digests.set(batch[at]!, digest);
  }
  return files.map((one) => digests.get(one) ?? digestOrError(one));
}

/** An argument of a program is text: names that are no UTF-8 are not. */
function isText({ file }: Sized): boolean {
  return Buffer.from(file.toString()).equals(file);
}

function* batches(files: readonly Sized[]): Generator<Sized[]> {
  let batch: Sized[] = [];
  let length = 0;
  for (const one of files) {
    if (length + one.file.length > COMMAND_LINE) {
      yield batch;
      batch = [];
      length = 0;
    }
    batch.push(one);
    length += one.file.length + 9; // and a pointer
  }
  if (batch.length > 0) yield batch;
}

/** In the order of the files; nothing when one of them could not be read, as nobody knows which line is whose then. */
function hashed(program: string, files: readonly Sized[]): Digest[] {
  const names = files.map(({ file }) => file.toString());
  // One thread: there is one of ours on each processor.
  const { status, stdout } = spawnSync(program, ['--no-names', '--num-threads', '1', '--', ...names], {
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  const digests = (stdout ?? '').split('\n').flatMap((line) => asDigest(line) ?? []);
  return status === 0 && digests.length === files.length ? digests : [];
}

function digestOrError({ file, size }: Sized): Digest | Error {
  try {
    return digestFile(file, BigInt(size));
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}
