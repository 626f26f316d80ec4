import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { readFolderNote } from '../layers/image.ts';
import { type GcPlan, type Holding, keptIds, type Root } from '../store/gc.ts';
import { layerId, listHoldings, wasteHolding } from '../store/holdings.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import { type Layout, namesIn } from '../store/layout.ts';
import { layerRows, layerUses } from '../store/rows.ts';
import { buildRoots, imageRoots, type Keep, youngRoots } from './builds.ts';
import { inputRoots, treeRoots } from './inputs.ts';
import { surveyProject } from './project.ts';
import { staleResults } from './stale-results.ts';

/** What there is, and what keeps it. */
export type Survey = {
  readonly rows: readonly LayerRow[];
  readonly holdings: readonly Holding[];
  readonly roots: readonly Root[];
  readonly notes: readonly string[];
  /** Keys of cached results that nothing asks for any more when this has gone. */
  staleResults(plan: GcPlan): string[];
};

/** Everything in the store that may go, and the roots. Needs the store's lock, shared at least. */
export async function surveyStore(
  store: Store,
  options: Keep & { readonly project: string },
): Promise<Survey> {
  const rows = layerRows(store.index);
  const holdings = listHoldings(store.layout, rows, layerUses(store.index));
  requireRows(store, rows, holdings);
  const notes: string[] = [];
  const projects = await surveyProject(store, options.project, notes);
  const images = imageRoots(store.layout);
  const ofLayers = [
    ...images,
    ...buildRoots(store.layout, options, images),
    ...projects.roots,
    ...youngRoots(holdings, options.keepYounger),
  ];
  const pinned = keptIds(projects.roots);
  ofLayers.push(...treeRoots(store.layout, rows, (deb) => projects.unknown.has('deb') || pinned.has(deb)));
  const kept = keptIds(ofLayers);
  for (const { id, name } of holdings) {
    const wanted = id.replace(/^row /, 'layer ');
    if (wanted !== id && kept.has(wanted))
      notes.push(`layer "${name}" (${id.slice(4)}) has no folder: snap verify`);
  }
  const roots = [
    ...ofLayers,
    ...inputRoots(
      store.layout,
      rows.filter(({ n }) => kept.has(layerId(n))),
    ),
  ];
  const all = [...roots, ...keepAll(holdings, projects.unknown)];
  return {
    rows,
    holdings: [...holdings, ...outputNotes(store.layout)],
    roots: all,
    notes,
    staleResults: (plan) => staleResults(store, rows, plan, projects),
  };
}

/** An index that was lost knows of no layer: then everything would look like something that dead builds left. */
function requireRows({ layout }: Store, rows: readonly LayerRow[], holdings: readonly Holding[]): void {
  if (rows.length > 0 || !holdings.some(({ id }) => id.startsWith('layer '))) return;
  throw new SnapError(
    'STORE',
    `Cannot tell what the store "${layout.root}" needs: its index knows of no layer`,
    {
      hint: 'make the index anew: snap verify --rebuild-index',
    },
  );
}

function keepAll(holdings: readonly Holding[], kinds: ReadonlySet<string>): Root[] {
  return [...kinds].map((kind): Root => {
    const keeps = holdings
      .filter((one) => one.kind === kind || (kind === 'deb' && one.id.startsWith('part ')))
      .map(({ id }) => id);
    return { kind: 'conf', name: 'that cannot be read', because: 'nobody can tell what it needs', keeps };
  });
}

/** Notes of folders that `--output` named, where there is no folder any more. */
function outputNotes({ root }: Layout): Holding[] {
  return namesIn(join(root, 'outputs')).flatMap((file): Holding[] => {
    const path = join('outputs', file);
    const { folder } = readFolderNote(join(root, path)) ?? {};
    if (folder === undefined || existsSync(folder)) return [];
    const inode = path.replace(/json$/, 'inode');
    return [path, ...(existsSync(join(root, inode)) ? [inode] : [])].map((one) => ({
      ...wasteHolding('note', one),
      name: folder,
    }));
  });
}
