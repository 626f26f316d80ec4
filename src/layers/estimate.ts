/** A layer of a plan: what it may take, and the layers that it waits for. */
export type Timed = {
  readonly name: string;
  readonly seconds?: number | undefined;
  readonly sees: readonly string[];
};

/**
 * How long the layers named in `run` take, `jobs` at a time, in the order given wherever more are ready than may run: seconds. All
 * others are there at once. What a layer takes of which nobody knows that counts as nothing.
 */
export function expectedSeconds(layers: readonly Timed[], jobs: number, run: ReadonlySet<string>): number {
  const there = new Set(layers.filter(({ name }) => !run.has(name)).map(({ name }) => name));
  const names = new Set(layers.map(({ name }) => name));
  const waiting = new Set(layers.filter(({ name }) => run.has(name)));
  const running: { readonly name: string; readonly end: number }[] = [];
  let now = 0;
  for (;;) {
    for (const layer of waiting) {
      if (running.length >= Math.max(1, jobs)) break;
      if (!layer.sees.every((name) => there.has(name) || !names.has(name))) continue;
      waiting.delete(layer);
      running.push({ name: layer.name, end: now + (layer.seconds ?? 0) });
    }
    const next = running.toSorted((a, b) => a.end - b.end)[0];
    if (!next) return now;
    running.splice(running.indexOf(next), 1);
    now = next.end;
    there.add(next.name);
  }
}
