import { SnapError } from '../host/error.ts';
import { scriptletFault } from './declared.ts';
import { didYouMean } from './name.ts';

/** What deciding an order takes of a scriptlet. */
export type Needing = {
  readonly name: string;
  readonly needs: readonly string[];
  readonly needsAll: boolean;
  /** What its build sees, and who sees it does not. */
  readonly buildNeeds?: readonly string[];
  /** Of no image: nobody needs it but builds, and what they need. */
  readonly buildOnly?: boolean;
  readonly lines?: Readonly<Record<string, number>>;
};

/** A learned order: `later` runs on top of `earlier`. */
export type LearnedOrder = { readonly later: string; readonly earlier: string };

/**
 * Scriptlets in an order in which they can run: after their needs and after what learned orders put before them, else as in
 * `scriptlets` (the conf's order); those that need '*' last. An order that names a scriptlet which is not there is ignored.
 * @throws SnapError SCRIPTLET for a need that is unknown or runs in a circle, LOCK for an order that would close a circle.
 */
export function sequence<S extends Needing>(scriptlets: readonly S[], orders: readonly LearnedOrder[]): S[] {
  return inOrder(scriptlets, predecessors(scriptlets, orders, true));
}

/** For each scriptlet with a `build_need` the names in the view that its build has, in running order. */
export function buildViews(
  scriptlets: readonly Needing[],
  orders: readonly LearnedOrder[],
): Map<string, ReadonlySet<string>> {
  const makers = scriptlets.filter(({ buildNeeds = [] }) => buildNeeds.length > 0);
  if (makers.length === 0) return new Map();
  const running = sequence(scriptlets, orders);
  const sees = closures(scriptlets, orders, running);
  const names = running.map(({ name }) => name);
  return new Map(
    makers.map(({ name, buildNeeds = [] }) => {
      const all = new Set(buildNeeds.flatMap((need) => [need, ...(sees.get(need) ?? [])]));
      return [name, new Set(names.filter((one) => all.has(one)))];
    }),
  );
}

/**
 * For each scriptlet all those that it sees, in running order: its needs, theirs, and what learned orders put before any of
 * them; for '*' all that run before it. `running` is what `sequence` gives of them.
 * @throws as `sequence`.
 */
export function closures(
  scriptlets: readonly Needing[],
  orders: readonly LearnedOrder[],
  running: readonly Needing[] = sequence(scriptlets, orders),
): Map<string, ReadonlySet<string>> {
  const before = predecessors(scriptlets, orders, false);
  const positions = new Map(running.map(({ name }, position) => [name, position]));
  const seen = new Map<string, ReadonlySet<string>>();
  for (const { name } of running) {
    const all = new Set<string>();
    for (const other of before.get(name)!) {
      all.add(other);
      for (const below of seen.get(other)!) all.add(below);
    }
    seen.set(name, new Set([...all].sort((a, b) => positions.get(a)! - positions.get(b)!)));
  }
  return seen;
}

/** Always the first of those, in the order given, for which nothing is left to wait for. */
function inOrder<S extends Needing>(scriptlets: readonly S[], before: Edges): S[] {
  const positions = new Map(scriptlets.map(({ name }, position) => [name, position]));
  const after = scriptlets.map((): number[] => []);
  const waitsFor = scriptlets.map(({ name }, position) => {
    for (const other of before.get(name)!) after[positions.get(other)!]!.push(position);
    return before.get(name)!.size;
  });
  /** Positions, the first one last. */
  const ready = [...waitsFor.keys()].filter((position) => waitsFor[position] === 0).reverse();
  const result: S[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    result.push(scriptlets[next]!);
    for (const position of after[next]!) {
      waitsFor[position]!--;
      if (waitsFor[position] === 0) insert(ready, position);
    }
  }
  return result;
}

function insert(ready: number[], position: number): void {
  const at = ready.findLastIndex((other) => other > position);
  ready.splice(at + 1, 0, position);
}

/**
 * Every need must be a scriptlet of the conf. `available` names the scriptlets of the project, in the conf or not.
 * @throws SnapError SCRIPTLET with the line of the need.
 */
export function checkNeeds(scriptlets: readonly Needing[], available: () => readonly string[]): void {
  const names = scriptlets.map(({ name }) => name);
  const all = new Set(names);
  const ofImage = new Set(scriptlets.flatMap(({ name, buildOnly }) => (buildOnly ? [] : [name])));
  for (const { name, needs, lines, buildOnly } of scriptlets) {
    const known = buildOnly ? all : ofImage;
    for (const need of needs) {
      const line = lines?.[`need ${need}`] ?? lines?.[`build_need ${need}`] ?? 0;
      if (need === name)
        throw scriptletFault(name, line, `it needs itself: ${name} -> ${name}`, 'take this need out');
      if (known.has(need)) continue;
      const there = available();
      const hint = there.includes(need)
        ? `scriptlets/${need}.sh is there: add "${need}" to "scriptlets" of the conf`
        : didYouMean(need, [...new Set([...names, ...there])], 'scriptlets');
      throw scriptletFault(name, line, `it needs "${need}", which is not a scriptlet of the conf`, hint);
    }
  }
}

type Edges = ReadonlyMap<string, ReadonlySet<string>>;

/** For each scriptlet those that must run before it. No circle is left in it. */
function predecessors(
  scriptlets: readonly Needing[],
  orders: readonly LearnedOrder[],
  withBuilds: boolean,
): Edges {
  checkNeeds(scriptlets, () => []);
  const edges = new Map(
    scriptlets.map(({ name, needs, buildNeeds = [] }) => [
      name,
      new Set([...needs, ...(withBuilds ? buildNeeds : [])]),
    ]),
  );
  const stars = scriptlets.filter(({ needsAll }) => needsAll);
  for (const star of stars) {
    for (const other of scriptlets)
      if (!other.needsAll && !other.buildOnly) edges.get(star.name)!.add(other.name);
  }
  refuseCircle(scriptlets, edges);
  for (const { later, earlier } of orders) addOrder(edges, later, earlier);
  // Those of '*' see each other too, in the order in which needs, orders and at last the conf put them.
  for (const [index, star] of stars.entries()) {
    for (const other of stars.slice(index + 1)) {
      const [first, second] = wayBetween(edges, star.name, other.name) ? [other, star] : [star, other];
      edges.get(second.name)!.add(first.name);
    }
  }
  return edges;
}

function addOrder(edges: Map<string, Set<string>>, later: string, earlier: string): void {
  if (!edges.has(later) || !edges.has(earlier)) return;
  const way = wayBetween(edges, earlier, later);
  if (way) {
    throw new SnapError(
      'LOCK',
      `Cannot keep "order ${later} after ${earlier}": ${[later, ...way].join(' -> ')}`,
      {
        hint: `take the line "order ${later} after ${earlier}" out of the lock`,
      },
    );
  }
  edges.get(later)!.add(earlier);
}

function refuseCircle(scriptlets: readonly Needing[], edges: Edges): void {
  const finished = new Set<string>();
  for (const { name } of scriptlets) {
    const circle = circleFrom(edges, name, [], finished);
    if (!circle) continue;
    const [asking = '', need = ''] = circle;
    const lines = scriptlets.find((one) => one.name === asking)?.lines;
    const line = lines?.[`need ${need}`] ?? lines?.['need *'] ?? 0;
    throw scriptletFault(
      asking,
      line,
      `its needs run in a circle: ${circle.join(' -> ')}`,
      'take one of these needs out',
    );
  }
}

function circleFrom(edges: Edges, name: string, way: string[], finished: Set<string>): string[] | undefined {
  if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
  if (finished.has(name)) return undefined;
  for (const next of edges.get(name)!) {
    const circle = circleFrom(edges, next, [...way, name], finished);
    if (circle) return circle;
  }
  finished.add(name);
  return undefined;
}

/** Names from `from` to `to` along the edges, both included; undefined where no way leads. */
function wayBetween(edges: Edges, from: string, to: string): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[from, undefined]]);
  for (const name of cameFrom.keys()) {
    if (name === to) {
      const way = [name];
      for (let at = cameFrom.get(name); at !== undefined; at = cameFrom.get(at)) way.unshift(at);
      return way;
    }
    for (const next of edges.get(name)!) if (!cameFrom.has(next)) cameFrom.set(next, name);
  }
  return undefined;
}
