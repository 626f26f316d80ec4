import type { Hunk, Hunks } from './line-diff.ts';

/** A file or a symlink in one of two trees. Contents and paths are bytes, each as one character. */
export type PatchEnd = {
  /** As git writes it: 100644, 100755, 120000. */
  readonly mode: string;
  /** Of a symlink its target; undefined where nobody has it. */
  readonly content: string | undefined;
};

/** Characters: what is larger is no text that somebody reads. */
const LARGEST_TEXT = 2 ** 24;

/**
 * One path in a patch as git writes it, a line an element, without their ends. Nothing where both ends are the same. A link goes and
 * comes anew: patch(1) changes none.
 */
export function patchLines(
  path: string,
  before: PatchEnd | undefined,
  after: PatchEnd | undefined,
  hunksOf: Hunks,
): string[] {
  const isSame = before?.content === after?.content && before?.content !== undefined;
  if (before && after && !(isSame && before.mode === after.mode) && (isLink(before) || isLink(after)))
    return [...patchLines(path, before, undefined, hunksOf), ...patchLines(path, undefined, after, hunksOf)];
  if (isSame && before?.mode === after?.mode) return [];
  const [a, b] = [quotedPath(`a/${path}`), quotedPath(`b/${path}`)];
  const head = [`diff --git ${a} ${b}`, ...modeLines(before, after)];
  if (isSame) return head;
  const [from, to] = [before ? a : '/dev/null', after ? b : '/dev/null'];
  if ([before, after].some((end) => end && !isText(end.content)))
    return [...head, `Binary files ${from} and ${to} differ`];
  const hunks = hunksOf(before?.content ?? '', after?.content ?? '');
  // As git does: a path with a space has a tab after it, or its end could not be told.
  const end = path.includes(' ') && !a.startsWith('"') ? '\t' : '';
  const names = [`--- ${from}${before ? end : ''}`, `+++ ${to}${after ? end : ''}`];
  return hunks.length === 0 ? head : [...head, ...names, ...hunks.flatMap(hunkLines)];
}

function isLink({ mode }: PatchEnd): boolean {
  return mode === '120000';
}

function isText(content: string | undefined): boolean {
  return content !== undefined && content.length <= LARGEST_TEXT && !content.includes('\0');
}

function modeLines(before: PatchEnd | undefined, after: PatchEnd | undefined): string[] {
  if (!before) return [`new file mode ${after?.mode}`, ...(after?.content === '' ? [EMPTY_COMES] : [])];
  if (!after) return [`deleted file mode ${before.mode}`, ...(before.content === '' ? [EMPTY_GOES] : [])];
  return before.mode === after.mode ? [] : [`old mode ${before.mode}`, `new mode ${after.mode}`];
}

/** Without lines of its own an empty file is known by what git calls it. */
const EMPTY_COMES = 'index 0000000..e69de29';
const EMPTY_GOES = 'index e69de29..0000000';

function hunkLines({ oldStart, oldLines, newStart, newLines, lines }: Hunk): string[] {
  return [`@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`, ...lines];
}

function range(start: number, lines: number): string {
  return lines === 1 ? String(start) : `${lines === 0 ? Math.max(0, start - 1) : start},${lines}`;
}

/** As git quotes what would be read otherwise. */
function quotedPath(path: string): string {
  if (!/[\x00-\x1f\x7f-\xff"\\]/.test(path)) return path;
  const escaped = path.replace(/[\x00-\x1f\x7f-\xff"\\]/g, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return `"${escaped}"`;
}
