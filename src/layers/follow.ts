import { parentOf, type TreePath } from '../store/manifest.ts';

/** What has to be known of a path to go on from it. */
export type Step = { readonly type: string; readonly target?: string };

/** Where a path leads in an image. */
export type Reached =
  | { readonly kind: 'there'; readonly path: TreePath }
  /** `folder` is there, and what is called `name` in it is not, or is no folder, or the way goes round in a circle. */
  | { readonly kind: 'missing'; readonly folder: TreePath; readonly name: string };

/** As many as the kernel follows. */
const MOST_LINKS = 40;

/**
 * Looks a path up as a program in the image would, to which no link leads out of it. A link at the end is followed with `last`, or where
 * a slash comes after it.
 */
export function follow(
  look: (path: TreePath) => Step | undefined,
  path: string,
  { last = false }: { readonly last?: boolean } = {},
): Reached {
  const open = path.split('/');
  let at = '' as TreePath;
  for (let links = 0; ; ) {
    const name = open.shift();
    if (name === undefined) return { kind: 'there', path: at };
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = parentOf(at);
      continue;
    }
    const next = (at === '' ? name : `${at}/${name}`) as TreePath;
    const step = look(next);
    const isEnd = open.every((part) => part === '' || part === '.');
    if (step?.type === 'symlink' && (last || open.length > 0)) {
      if (links++ === MOST_LINKS) return { kind: 'missing', folder: at, name };
      const target = step.target ?? '';
      if (target.startsWith('/')) at = '' as TreePath;
      open.unshift(...target.split('/'));
    } else if (step === undefined || (!isEnd && step.type !== 'dir')) {
      return { kind: 'missing', folder: at, name };
    } else {
      at = next;
    }
  }
}

/**
 * What a person may have meant by a path, as bytes: what is written, and what that stands for where a listing shows bytes as `\\xNN`.
 */
export function spellings(text: string): string[] {
  const plain = Buffer.from(text).toString('latin1');
  const meant = plain.replace(/\\(?:x([0-9a-f]{2})|\\)/g, (_, code?: string) =>
    code === undefined ? '\\' : String.fromCharCode(Number.parseInt(code, 16)),
  );
  return meant === plain ? [plain] : [plain, meant];
}
