export type ErrorCode =
  | 'USAGE'
  | 'CONF'
  | 'SCRIPTLET'
  | 'LOCK'
  | 'RESOLVE'
  | 'DOWNLOAD'
  | 'HOST'
  | 'STORE'
  | 'RUN'
  | 'CONFLICT'
  | 'CHECK'
  /** An input changed while it was being read. */
  | 'CHANGED'
  | 'INTERRUPTED';

/**
 * A failure that a person can mend: what failed and where in one sentence without a full stop, and in `hint` what to do next.
 * Anything else that is thrown is a bug and prints its stack.
 */
export class SnapError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** Further lines for the reader, printed as they are between sentence and hint. */
  readonly lines: readonly string[];

  constructor(
    code: ErrorCode,
    sentence: string,
    options: { hint?: string; cause?: unknown; lines?: readonly string[] } = {},
  ) {
    super(sentence, { cause: options.cause });
    this.name = 'SnapError';
    this.code = code;
    this.hint = options.hint;
    this.lines = options.lines ?? [];
  }
}

/** The `code` of a system error (ENOENT, EXDEV, ...), or undefined. */
export function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Does something with an open file: an error that names none gets the file's name. */
export function naming<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (errno(error) === undefined || 'path' in (error as Error)) throw error;
    throw Object.assign(error as Error, { path });
  }
}

/** What the system refuses for reasons that lie outside of snap, and what can be done. */
const REFUSALS: Readonly<Record<string, readonly [state: string, hint: string]>> = {
  EIO: [
    'the disk reports an error',
    'look at what the kernel says of the disk (dmesg); then, what is damaged: snap verify --deep',
  ],
  EROFS: ['the filesystem is read-only', 'mount it writable'],
  ENOSPC: ['no space is left', 'make room on the disk'],
  EDQUOT: ['the quota is used up', 'make room on the disk'],
  // SQLite tells of a removal, or a file's length, that failed without the reason.
  SQLITE_IOERR: [
    'the disk reports an error, or has no room left',
    'look at what the kernel says of the disk (dmesg) and at the room on it; then, what is damaged: snap verify --deep',
  ],
  SQLITE_CANTOPEN: [
    'it, or a file beside it, cannot be opened',
    'look at who may write there, and at what the kernel says of the disk (dmesg)',
  ],
};

/**
 * The failure of a disk in words for a person; undefined for any other error. `file` is what it was about where the error does not name
 * it.
 */
export function diskFailure(error: unknown, file?: string): SnapError | undefined {
  const code = errno(error) ?? '';
  const known = code.startsWith('SQLITE_IOERR') ? 'SQLITE_IOERR' : code === 'SQLITE_FULL' ? 'ENOSPC' : code;
  const refusal = REFUSALS[known];
  if (refusal === undefined || error instanceof SnapError || !(error instanceof Error)) return undefined;
  const [state, hint] = refusal;
  const { syscall = 'access', path = file, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const names = [path, dest].flatMap((one) => (one === undefined ? [] : [`"${one}"`])).join(' to ');
  return new SnapError('HOST', `Cannot ${syscall} ${names === '' ? 'a file' : names}: ${state}`, {
    hint,
    cause: error,
  });
}

/** The up to `most` names nearest to `name` by edit distance, for "did you mean". */
export function nearest(name: string, names: Iterable<string>, most = 3): string[] {
  const limit = Math.max(1, Math.floor(name.length / 2));
  return [...names]
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate, limit) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** Levenshtein distance, or `limit + 1` as soon as it is known to exceed `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    if (Math.min(...next) > limit) return limit + 1;
    row = next;
  }
  return row[b.length]!;
}
