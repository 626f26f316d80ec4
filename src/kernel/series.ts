/** One line of a quilt series. */
export type SeriesLine = {
  /** Relative to the folder of the series. */
  readonly name: string;
  /** How many parts of a path `patch` takes off: `-p1`. */
  readonly strip: number;
  readonly reverse: boolean;
  /** From 1 on. */
  readonly line: number;
};

export type SeriesFault = { readonly line: number; readonly what: string };

/** Reads what quilt calls a series: a patch a line with `-pN` and `-R` after it, `#` begins a comment, blank lines count for nothing. */
export function readSeries(text: string): { lines: SeriesLine[]; faults: SeriesFault[] } {
  const lines: SeriesLine[] = [];
  const faults: SeriesFault[] = [];
  const first = new Map<string, number>();
  for (const [index, written] of text.split('\n').entries()) {
    const line = index + 1;
    const [name, ...options] = written
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .split(/\s+/);
    if (name === undefined || name === '') continue;
    const odd = options.find((option) => !/^-(?:R|p\d{1,2}|pab)$/.test(option));
    if (odd !== undefined) faults.push({ line, what: `"${odd}" is neither -pN nor -R` });
    else if (isOutside(name))
      faults.push({ line, what: `"${name}" does not lie in the folder of the series` });
    else if (first.has(name)) faults.push({ line, what: `"${name}" is in line ${first.get(name)} already` });
    first.set(name, first.get(name) ?? line);
    const strip = options.findLast((option) => option.startsWith('-p'))?.slice(2);
    lines.push({
      name,
      strip: strip === undefined || strip === 'ab' ? 1 : Number(strip),
      reverse: options.includes('-R'),
      line,
    });
  }
  return { lines, faults };
}

function isOutside(name: string): boolean {
  return name.startsWith('/') || name.split('/').some((part) => part === '' || part === '..' || part === '.');
}

/** Why `patch` failed, read from what it printed. */
export type PatchFailure = {
  /** Of the source; undefined when it names none. */
  readonly file: string | undefined;
  /** The hunks that failed: number in the patch's part for that file, and the line where it was looked for. */
  readonly hunks: readonly { readonly number: number; readonly line: number | undefined }[];
  /** The file that holds what was not applied, as `patch` names it. */
  readonly reject: string | undefined;
  /** The sentence of `patch` itself where no hunk failed: no such file, not a patch, ... */
  readonly reason: string | undefined;
};

/** Reads what GNU patch printed; the first file with a failure counts. */
export function readPatchOutput(text: string): PatchFailure {
  let file: string | undefined;
  const hunks: { number: number; line: number | undefined }[] = [];
  for (const line of text.split('\n')) {
    const patching = /^(?:patching|checking) (?:file|symbolic link) '?(.*?)'?(?: \(.*\))?$/.exec(line);
    const failed = /^Hunk #(\d+) FAILED(?: at (\d+))?/.exec(line);
    const saving = /^\d+ out of \d+ hunks? (?:FAILED|ignored)(?: -- saving rejects to file '?(.*?)'?)?$/.exec(
      line,
    );
    if (patching && hunks.length === 0) file = patching[1];
    else if (failed) {
      hunks.push({
        number: Number(failed[1]),
        line: failed[2] === undefined ? undefined : Number(failed[2]),
      });
    } else if (saving && hunks.length > 0) return { file, hunks, reject: saving[1], reason: undefined };
  }
  const missing = /^\|(?:\+\+\+|---|\*\*\*) (\S+)/m.exec(text)?.[1];
  const reason = text
    .split('\n')
    .find((line) => /^patch: |can't find file to patch|Only garbage|already exists|does not exist/.test(line))
    ?.replace(/^(?:patch: )?(?:\*+ )?/, '');
  return { file: hunks.length > 0 ? file : (missing ?? file), hunks, reject: undefined, reason };
}
