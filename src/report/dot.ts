import { columns, cut, printable } from './printable.ts';
import { duration, size } from './quantity.ts';

/** What is drawn of a layer. */
export type Box = {
  readonly name: string;
  /** `all`: it sees every layer of the kind `scriptlet`. */
  readonly kind: 'base' | 'scriptlet' | 'all' | 'settle';
  readonly state: 'hit' | 'run' | 'unknown';
  readonly reason: string;
  readonly seconds?: number;
  readonly bytes?: number;
};

export type Arrow =
  | { readonly kind: 'need'; readonly from: string; readonly to: string }
  /** A learned order, for both wrote `path`. */
  | { readonly kind: 'order'; readonly from: string; readonly to: string; readonly path: string };

export type Picture = {
  readonly title: string;
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
};

/** How a state looks: by words and line too, not by colour alone. */
const LOOKS: Readonly<Record<Box['state'], string>> = {
  hit: 'style="rounded,filled", color="#4c8c5a", fillcolor="#eaf5ec"',
  run: 'style="filled,bold", color="#c25700", fillcolor="#ffe6cc"',
  unknown: 'style="rounded,filled,dashed", color="#6b7280", fillcolor="#f3f4f6"',
};

const FONT = 'fontname="Helvetica,Arial,sans-serif"';

/** A reason in a box has so many columns at most. */
const REASON = 32;

/**
 * A picture in Graphviz's language, from left to right: the base, a frame with the scriptlets, those that see everything, a frame with
 * what settles. What is below or above everything has one arrow from or to a frame, and what no arrow touches stands in columns.
 */
export function dotOf({ title, boxes, arrows }: Picture): string {
  const ids = new Map(boxes.map(({ name }, at) => [name, `layer${at}`]));
  const groups = groupsOf(boxes, ids);
  const { base, scriptlets, all, settle } = groups;
  return [
    `digraph ${quoted(title)} {`,
    `  graph [rankdir=LR, compound=true, newrank=true, nodesep=0.1, ranksep=0.75, ${FONT}, fontsize=14];`,
    `  graph [labelloc=t, label=${quoted(title)}];`,
    `  node [shape=box, height=0.45, margin="0.05,0.03", ${FONT}, fontsize=12];`,
    `  edge [color="#8a919c", arrowsize=0.6, ${FONT}, fontsize=10, tailport=e, headport=w];`,
    ...boxLines(base, ids),
    ...frame('cluster_scriptlets', '', boxLines(scriptlets, ids)),
    ...boxLines(all, ids),
    ...frame('cluster_settle', 'settle', boxLines(settle, ids)),
    ...arrows.map((arrow) => `  ${ids.get(arrow.from)} -> ${ids.get(arrow.to)}${arrowAttributes(arrow)};`),
    ...placing(groups, arrows, ids),
    '}',
    '',
  ].join('\n');
}

type Ids = ReadonlyMap<string, string>;
type Groups = Readonly<Record<'base' | 'scriptlets' | 'all' | 'settle', readonly Box[]>>;

function groupsOf(boxes: readonly Box[], ids: Ids): Groups {
  const ofKind = (kind: Box['kind']) => boxes.filter((box) => box.kind === kind && ids.has(box.name));
  return {
    base: ofKind('base'),
    scriptlets: ofKind('scriptlet'),
    all: ofKind('all'),
    settle: ofKind('settle'),
  };
}

/** The boxes of a group are of one width. */
function boxLines(boxes: readonly Box[], ids: Ids): string[] {
  const width = Math.max(...boxes.map(boxWidth)).toFixed(2);
  return boxes.map((box) => `    ${ids.get(box.name)} [width=${width}, ${boxAttributes(box)}];`);
}

/** Inches, with room for a font that is wider than Graphviz believes. */
function boxWidth(box: Box): number {
  const small = Math.max(columns(factsOf(box)), columns(shownReason(box)));
  return Math.max(columns(nameOf(box)) * 8.4, small * 6.2) / 72 + 0.2;
}

function boxAttributes(box: Box): string {
  const { name, state, reason } = box;
  const lines = [nameOf(box), factsOf(box), shownReason(box)].filter((line) => line !== '');
  const label = `"${lines.map(escaped).join('\\n')}"`;
  return `label=${label}, tooltip=${quoted(reason === '' ? name : `${name}: ${reason}`)}, ${LOOKS[state]}`;
}

/** The frame of settle's layers says what they are. */
function nameOf({ name, kind }: Box): string {
  return printable(kind === 'settle' ? name.replace(/^settle\//, '') : name);
}

function factsOf({ state, seconds, bytes }: Box): string {
  const took = seconds === undefined ? '' : duration(seconds);
  return [state, took, bytes === undefined ? '' : size(bytes)].filter((fact) => fact !== '').join(' · ');
}

function shownReason({ state, reason }: Box): string {
  return state === 'run' ? cut(printable(reason), REASON) : '';
}

function arrowAttributes(arrow: Arrow): string {
  if (arrow.kind === 'need') return '';
  return ` [style=dashed, color="#7a3fa0", fontcolor="#7a3fa0", label=${quoted(` ${arrow.path} `)}]`;
}

function frame(name: string, label: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const look = `label=${quoted(label)}, style=rounded, color="#c9ced6", margin=12, fontsize=12`;
  return [`  subgraph ${name} {`, `    graph [${look}];`, ...lines, '  }'];
}

/** One arrow each from the base, to those that see everything, and to settle; and unseen ones that keep the order from left to right. */
function placing({ base, scriptlets, all, settle }: Groups, arrows: readonly Arrow[], ids: Ids): string[] {
  const way = longestWay(scriptlets, arrows);
  const frame = scriptlets.length > 0 ? 'cluster_scriptlets' : undefined;
  const firsts = scriptlets.filter(({ name }) => !arrows.some(({ to }) => to === name));
  const before = all.at(-1) ?? way.at(-1) ?? base[0];
  return [
    ...columnArrows(scriptlets, arrows, way.length, ids),
    ...step({ box: base[0] }, { box: way[0], frame }, firsts, ids),
    ...step({ box: way.at(-1), frame }, { box: all[0] }, [], ids),
    ...all.slice(1).flatMap((box, at) => step({ box: all[at] }, { box }, [], ids)),
    ...step(
      { box: before, frame: all.length > 0 ? undefined : frame },
      { box: settle[Math.floor(settle.length / 2)], frame: 'cluster_settle' },
      settle,
      ids,
    ),
  ];
}

type End = { readonly box: Box | undefined; readonly frame?: string | undefined };

/** An arrow between two boxes, or the frames that they stand in; the other boxes of the second's column follow unseen. */
function step(from: End, to: End, column: readonly Box[], ids: Ids): string[] {
  if (!from.box || !to.box) return [];
  const start = ids.get(from.box.name);
  const ends = [
    ...(from.frame === undefined ? [] : [`ltail=${from.frame}`]),
    ...(to.frame === undefined ? [] : [`lhead=${to.frame}`]),
  ];
  const unseen = column.filter((box) => box !== to.box);
  return [
    `  ${start} -> ${ids.get(to.box.name)} [${ends.join(', ')}];`,
    ...unseen.map(({ name }) => `  ${start} -> ${ids.get(name)} [style=invis, weight=0];`),
  ];
}

/** The scriptlets, one below the other, that make the picture as wide as it is. */
function longestWay(scriptlets: readonly Box[], arrows: readonly Arrow[]): Box[] {
  const depths = depthsOf(scriptlets, arrows);
  const deepest = Math.max(...depths.values());
  const boxes = new Map(scriptlets.map((box) => [box.name, box]));
  const way = scriptlets.filter(({ name }) => depths.get(name) === deepest).slice(0, 1);
  for (let depth = deepest - 1; depth >= 0; depth--) {
    const arrow = arrows.find(({ from, to }) => to === way[0]?.name && depths.get(from) === depth);
    way.unshift(boxes.get(arrow?.from ?? '')!);
  }
  return way;
}

/** How many arrows lead to a scriptlet, at most. */
function depthsOf(scriptlets: readonly Box[], arrows: readonly Arrow[]): Map<string, number> {
  const depths = new Map<string, number>();
  const below = Map.groupBy(arrows, ({ to }) => to);
  const depthOf = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    depths.set(name, 0);
    const depth = Math.max(0, ...(below.get(name) ?? []).map(({ from }) => depthOf(from) + 1));
    depths.set(name, depth);
    return depth;
  };
  for (const { name } of scriptlets) depthOf(name);
  return depths;
}

/** Scriptlets that no arrow touches, side by side. */
function columnArrows(
  scriptlets: readonly Box[],
  arrows: readonly Arrow[],
  count: number,
  ids: Ids,
): string[] {
  const touched = new Set(arrows.flatMap(({ from, to }) => [from, to]));
  const alone = scriptlets.filter(({ name }) => !touched.has(name)).map(({ name }) => ids.get(name)!);
  const rows = Math.ceil(alone.length / count);
  return alone.slice(rows).map((id, at) => `  ${alone[at]} -> ${id} [style=invis];`);
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

/** Within a string of the language: nothing is left in it that begins an escape or an entity. */
function escaped(text: string): string {
  return printable(text).replaceAll('&', '&amp;').replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}
