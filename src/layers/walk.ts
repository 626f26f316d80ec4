import type { Entry, Manifest, TreePath } from '../store/manifest.ts';
import type { Change } from './merge.ts';

type Source = { readonly layer: number; readonly rest: Iterator<Entry>; entry: Entry };

/** Walks through manifests side by side: each path once, in byte order, with what the layers have there in their order. */
export function* mergeSorted(manifests: readonly Manifest[]): Generator<[TreePath, Change<Entry>[]]> {
  const heap: Source[] = [];
  for (const [layer, manifest] of manifests.entries()) {
    const rest = manifest.values()[Symbol.iterator]();
    const first = rest.next();
    if (!first.done) push(heap, { layer, rest, entry: first.value });
  }
  while (heap.length > 0) {
    const { path } = heap[0]!.entry;
    const changes: Change<Entry>[] = [];
    while (heap[0]?.entry.path === path) {
      const source = heap[0];
      changes.push({ layer: source.layer, value: source.entry });
      advance(heap, source);
    }
    yield [path, changes];
  }
}

function advance(heap: Source[], top: Source): void {
  const next = top.rest.next();
  if (!next.done) {
    top.entry = next.value;
    sink(heap);
    return;
  }
  const last = heap.pop()!;
  if (heap.length === 0) return;
  heap[0] = last;
  sink(heap);
}

function comesBefore(a: Source, b: Source): boolean {
  return a.entry.path < b.entry.path || (a.entry.path === b.entry.path && a.layer < b.layer);
}

function push(heap: Source[], source: Source): void {
  let at = heap.push(source) - 1;
  for (let parent = (at - 1) >> 1; at > 0 && comesBefore(source, heap[parent]!); parent = (at - 1) >> 1) {
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = source;
}

function sink(heap: Source[]): void {
  const source = heap[0]!;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && comesBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!comesBefore(heap[child]!, source)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = source;
}
