import type { PageData } from '../report/page.ts';
import { byId, element } from './element.ts';
import { type Box, squarify } from './squarify.ts';
import { type Branch, type Grouping, heaviest, shortened, treeOf } from './tree.ts';
import { filesWords, shareWords, sizeWords, toneOf } from './words.ts';

/** Pixels. */
const HEADER = 19;
const GAP = 2;
const LEAST_SIDE = 4;
/** Levels that are drawn of the folder that is looked at. */
const DEEPEST = 4;
const HUES = 10;
const MOST = 0.5;

type Cell = { readonly branch: Branch; readonly path: string };

/** Draws the treemap into the page: a click goes into a folder, the trail above leads back, a grouping divides it anew. */
export function showTreemap(files: PageData): void {
  const groupings = groupingsOf(files);
  if (files.rows.every(([, before, after]) => before === 0 && after === 0)) return;
  byId('map').hidden = false;
  const stage = byId('treemap');
  const cells = new WeakMap<Element, Cell>();
  let trail: Branch[] = [];

  const draw = (): void => {
    const at = trail.at(-1)!;
    const width = stage.clientWidth;
    const height = stage.clientHeight;
    stage.replaceChildren();
    drawChildren(at, { x: 0, y: 0, width, height }, 1, undefined);
    drawTrail();
  };
  const drawChildren = (at: Branch, box: Box, depth: number, hue: number | undefined): void => {
    const children = heaviest(at);
    const boxes = squarify(
      children.map(({ weight }) => weight),
      box,
    );
    for (const [index, place] of boxes.entries()) {
      if (place.width < LEAST_SIDE || place.height < LEAST_SIDE) continue;
      drawBranch(children[index]!, place, depth, hue ?? ownHue(at, children[index]!, index));
    }
  };
  const drawBranch = (child: Branch, place: Box, depth: number, hue: number | undefined): void => {
    const { label, end } = shortened(child);
    const inner = insideOf(place);
    const opens = end.file === undefined && depth < DEEPEST && inner.width > 30 && inner.height > 16;
    const cell = element(
      'button',
      `cell depth-${depth} ${opens ? 'folder' : 'leaf'} ${look(files, end, hue)}`,
    );
    cell.type = 'button';
    cell.tabIndex = depth === 1 ? 0 : -1;
    if (place.width > 34 && place.height > 15) cell.append(element('span', 'label', label));
    if (place.width > 80 && place.height > 34 && !opens)
      cell.append(element('span', 'amount', sizeWords(files.kind, end.before, end.after)));
    cell.setAttribute('aria-label', `${end.path}, ${sizeWords(files.kind, end.before, end.after)}`);
    put(cell, place);
    cells.set(cell, { branch: end, path: end.path });
    stage.append(cell);
    if (opens) drawChildren(end, inner, depth + 1, hue);
  };
  const drawTrail = (): void => {
    const steps = trail.map((branch, index) => {
      const step = element(
        'button',
        'step',
        index === 0 ? 'all' : branch.path.slice((trail[index - 1]?.path.length ?? 0) + (index > 1 ? 1 : 0)),
      );
      step.type = 'button';
      step.disabled = index === trail.length - 1;
      step.addEventListener('click', () => enter(trail.slice(0, index + 1)));
      return step;
    });
    const { before, after } = trail.at(-1)!;
    byId('trail').replaceChildren(
      ...steps,
      element('span', 'trail-size', sizeWords(files.kind, before, after)),
    );
  };
  const enter = (to: Branch[]): void => {
    trail = to;
    draw();
  };
  const group = (grouping: Grouping): void => {
    for (const button of byId('grouping').querySelectorAll('button'))
      button.setAttribute('aria-pressed', String(button.value === grouping));
    enter([treeOf(files, grouping)]);
  };

  stage.addEventListener('click', ({ target }) => {
    const cell = cellAt(cells, target);
    if (!cell) return;
    const folder = cell.branch.file === undefined ? cell.branch : parentIn(trail.at(-1)!, cell.path);
    if (folder && folder !== trail.at(-1)) enter([...trail, folder]);
  });
  showTip(
    stage,
    files,
    (target) => cellAt(cells, target)?.branch,
    () => trail[0]!.weight,
  );
  for (const grouping of groupings) {
    const button = element('button', '', grouping);
    button.type = 'button';
    button.value = grouping;
    button.addEventListener('click', () => group(grouping));
    byId('grouping').append(button);
  }
  group(groupings[0]!);
  let width = stage.clientWidth;
  new ResizeObserver(() => {
    if (stage.clientWidth === width) return;
    width = stage.clientWidth;
    draw();
  }).observe(stage);
}

function groupingsOf({ layers, packages }: PageData): Grouping[] {
  return [
    'folders',
    ...(packages.length > 0 ? (['packages'] as const) : []),
    ...(layers.length > 0 ? (['layers'] as const) : []),
  ];
}

/** A folder that is most of what is above it has no colour, those in it have. */
function ownHue(at: Branch, child: Branch, index: number): number | undefined {
  const isMost = child.weight > at.weight * MOST && shortened(child).end.file === undefined;
  return isMost ? undefined : index % HUES;
}

function insideOf({ x, y, width, height }: Box): Box {
  return { x: x + GAP, y: y + HEADER, width: width - 2 * GAP, height: height - HEADER - GAP };
}

/** By place where sizes are shown, by what became of it where trees differ. */
function look({ kind }: PageData, end: Branch, hue: number | undefined): string {
  if (kind === 'sizes') return hue === undefined ? 'mixed' : `hue-${hue}`;
  return end.file ? toneOf(end.file[5]) : 'mixed';
}

function put(cell: HTMLElement, { x, y, width, height }: Box): void {
  cell.style.left = `${x}px`;
  cell.style.top = `${y}px`;
  cell.style.width = `${Math.max(1, width - 1)}px`;
  cell.style.height = `${Math.max(1, height - 1)}px`;
}

function cellAt(cells: WeakMap<Element, Cell>, target: EventTarget | null): Cell | undefined {
  const found = target instanceof Element ? target.closest('.cell') : null;
  return found ? cells.get(found) : undefined;
}

/** The folder of a file, below one that is looked at. */
function parentIn(at: Branch, path: string): Branch | undefined {
  for (const child of at.children.values()) {
    if (child.path === path) return at;
    if (path.startsWith(`${child.path}/`)) return parentIn(child, path);
  }
  return undefined;
}

function showTip(
  stage: HTMLElement,
  files: PageData,
  branchAt: (target: EventTarget | null) => Branch | undefined,
  whole: () => number,
): void {
  const tip = byId('tip');
  stage.addEventListener('pointermove', ({ target, clientX, clientY }) => {
    const branch = branchAt(target);
    tip.hidden = branch === undefined;
    if (!branch) return;
    const detail = branch.file?.[6] ?? '';
    tip.replaceChildren(
      element('b', '', branch.path),
      element('span', '', tipWords(files, branch, whole())),
      ...(detail === '' ? [] : [element('span', '', detail)]),
    );
    const { offsetWidth, offsetHeight } = tip;
    tip.style.left = `${Math.max(4, Math.min(clientX + 14, window.innerWidth - offsetWidth - 8))}px`;
    tip.style.top = `${clientY + 18 + offsetHeight > window.innerHeight ? clientY - offsetHeight - 10 : clientY + 18}px`;
  });
  stage.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });
}

function tipWords(files: PageData, branch: Branch, whole: number): string {
  const size = sizeWords(files.kind, branch.before, branch.after);
  const share = files.kind === 'sizes' ? ` · ${shareWords(branch.weight, whole)}` : '';
  return `${size}${share}${branch.file ? '' : ` · ${filesWords(branch)}`}`;
}
