/** Lines of both texts around one that is in one of them only. */
const CONTEXT = 2;

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
