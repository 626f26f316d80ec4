import { type Manifest, pathAt, type TreePath } from '../store/manifest.ts';
import { bytesOf, outlineOf } from '../store/sorted-manifest.ts';

/** What tells whether lines of manifests are of one path, worked out once for each. */
type Lines = {
  readonly bytes: Buffer;
  /** Where each begins, and where the last one ends. */
  readonly starts: Uint32Array;
  /** Of each line's path. */
  readonly hashes: Uint32Array;
};

/**
 * The paths at which merging layers above a base can come to a conflict or a correction: those of which two have different lines, and the
 * base's folders that one has too. Undefined where one left no folder in the place of a folder of the base: then all beneath that counts too,
 * as it does beneath a path of which some of the lines are folders. Costs a look at each line's hash; a merge would decode them all.
 */
export function contestedPaths(base: Manifest, others: readonly Manifest[]): Set<TreePath> | undefined {
  const paths = new Set<TreePath>();
  for (const one of others) {
    const folders = foldersOver(base, one);
    if (folders === undefined) return undefined;
    for (const folder of folders) paths.add(folder);
  }
  for (const path of differingPaths(others.map(linesOf))) paths.add(path);
  return paths;
}

/** The paths of which two lists have different lines. */
function* differingPaths(lists: readonly Lines[]): Generator<TreePath> {
  const total = lists.reduce((sum, { hashes }) => sum + hashes.length, 0);
  /** A hash table, in open addressing, of the first line that has each hash: the list's position and the line's, counted from 1. */
  const size = 2 ** Math.ceil(Math.log2(2 * total + 1));
  const [ofList, ofLine] = [new Uint32Array(size), new Uint32Array(size)];
  for (const [position, list] of lists.entries()) {
    for (let line = 0; line < list.hashes.length; line++) {
      const hash = list.hashes[line]!;
      let slot = hash & (size - 1);
      while (ofList[slot] !== 0 && lists[ofList[slot]! - 1]!.hashes[ofLine[slot]!] !== hash)
        slot = (slot + 1) & (size - 1);
      if (ofList[slot] === 0) {
        ofList[slot] = position + 1;
        ofLine[slot] = line;
      } else if (!haveSameLine(lists[ofList[slot]! - 1]!, ofLine[slot]!, list, line)) {
        // Or two paths with one hash: then it is named for nothing.
        yield pathAt(list.bytes, list.starts[line]!);
      }
    }
  }
}

function haveSameLine(a: Lines, one: number, b: Lines, other: number): boolean {
  const [start, end] = [a.starts[one]!, a.starts[one + 1]!];
  const [from, to] = [b.starts[other]!, b.starts[other + 1]!];
  return end - start === to - from && a.bytes.compare(b.bytes, from, to, start, end) === 0;
}

const TAB = 9;
const NEWLINE = 10;

const known = new WeakMap<Manifest, Lines>();

function linesOf(manifest: Manifest): Lines {
  const there = known.get(manifest);
  if (there) return there;
  const bytes = bytesOf(manifest);
  const starts = new Uint32Array(manifest.size + 1);
  const hashes = new Uint32Array(manifest.size);
  let at = 0;
  for (let line = 0; line < hashes.length; line++) {
    starts[line] = at;
    let hash = 0x811c9dc5; // FNV-1a
    for (; bytes[at] !== TAB; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    hashes[line] = hash;
    at = bytes.indexOf(NEWLINE, at) + 1;
  }
  starts[hashes.length] = at;
  const lines = { bytes, starts, hashes };
  known.set(manifest, lines);
  return lines;
}

type Over = { readonly base: Manifest; readonly folders: readonly TreePath[] | undefined };

const knownOver = new WeakMap<Manifest, Over>();

/** The folders of a base that a layer has too; undefined where it has something else in the place of one. */
function foldersOver(base: Manifest, layer: Manifest): readonly TreePath[] | undefined {
  const there = knownOver.get(layer);
  if (there?.base === base) return there.folders;
  const folders = lookOver(base, layer);
  knownOver.set(layer, { base, folders });
  return folders;
}

function lookOver(base: Manifest, layer: Manifest): TreePath[] | undefined {
  const folders: TreePath[] = [];
  for (const { path, type } of outlineOf(layer)) {
    if (base.get(path)?.type !== 'dir') continue;
    if (type !== 'dir') return undefined;
    folders.push(path);
  }
  return folders;
}
