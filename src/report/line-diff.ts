/** Lines of both texts around one that is in one of them only. */
const CONTEXT = 2;
const PATCH_CONTEXT = 3;
/** Milliseconds: texts that take longer have little in common. */
const PATIENCE = 2_000;

/**
 * The lines in which two texts differ, with two lines around them: `-` before a line of the first text only, `+` before one of the
 * second only, a space before the others. A line `...` stands for what is left out in between.
 */
export async function lineDiff(before: string, now: string): Promise<readonly string[]> {
  const { structuredPatch } = await import('diff');
  const { hunks } = structuredPatch('', '', before, now, '', '', { context: CONTEXT });
  return hunks.flatMap(({ lines }, at) => [
    ...(at > 0 ? ['...'] : []),
    ...lines.filter((line) => !line.startsWith('\\')).map((line) => line.trimEnd()),
  ]);
}

/** A part of a patch: where it begins in both texts (from 1), how many lines it has of each, and these. */
export type Hunk = {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly lines: readonly string[];
};

/** What makes the second text of the first, byte for byte. */
export type Hunks = (before: string, now: string) => readonly Hunk[];

/** Where comparing takes too long, all goes and all comes. */
export async function loadHunks(): Promise<Hunks> {
  const { structuredPatch } = await import('diff');
  const options = { context: PATCH_CONTEXT, timeout: PATIENCE };
  return (before, now) =>
    structuredPatch('', '', before, now, '', '', options)?.hunks ?? [wholeHunk(before, now)];
}

function wholeHunk(before: string, now: string): Hunk {
  const [old, fresh] = [linesOf(before), linesOf(now)];
  const lines = [...signed('-', old, before), ...signed('+', fresh, now)];
  return { oldStart: 1, oldLines: old.length, newStart: 1, newLines: fresh.length, lines };
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function signed(sign: string, lines: readonly string[], text: string): string[] {
  const cut = text !== '' && !text.endsWith('\n');
  return [...lines.map((line) => `${sign}${line}`), ...(cut ? ['\\ No newline at end of file'] : [])];
}
