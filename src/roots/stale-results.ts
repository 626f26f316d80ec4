import { imageNames } from '../layers/image.ts';
import type { GcPlan } from '../store/gc.ts';
import { layerId } from '../store/holdings.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import { resultKeys } from '../store/rows.ts';
import type { ProjectSurvey } from './project.ts';

/** Keys of the cached results that nobody asks for any more once a plan is carried out. */
export function staleResults(
  store: Store,
  rows: readonly LayerRow[],
  plan: GcPlan,
  { asked, confs, unknown }: ProjectSurvey,
): string[] {
  const gone = new Set(plan.going.map(({ holding }) => holding.id));
  const stay = rows.filter(({ n }) => !gone.has(layerId(n)) && !gone.has(`row ${n}`));
  const [numbers, digests] = [
    new Set(stay.map(({ n }) => n)),
    new Set<string>(stay.map(({ digest }) => digest)),
  ];
  const known = new Set([...confs, ...imageNames(store.layout.images)]);
  const keys = resultKeys(store.index);
  const shown = new Set(
    keys.filter((key) => key.startsWith('slot ')).map((key) => store.results.get(key)?.split(' ').at(-1)),
  );
  const layersOf = (key: string): number[] => {
    const { layers } = JSON.parse(store.results.get(key) ?? '{}') as { layers?: [name: string, n: number][] };
    return (layers ?? []).map(([, n]) => n);
  };
  const isStale = (key: string): boolean => {
    const [kind = '', subject = ''] = key.split(' ');
    switch (kind) {
      case 'unchanged':
      case 'slot':
      case 'stacking':
      case 'scriptlets':
        return !known.has(subject);
      case 'view':
      case 'settling':
        return !known.has(subject) || !layersOf(key).every((n) => numbers.has(n));
      case 'image':
        return (
          !shown.has((JSON.parse(store.results.get(key) ?? '{}') as { digest?: string }).digest) ||
          !layersOf(key).every((n) => numbers.has(n))
        );
      case 'contribution':
      case 'links':
        return !digests.has(subject);
      case 'standing':
        return !numbers.has(Number(store.results.get(key)));
      case 'pre-depends':
        return gone.has(`deb ${subject}`);
      case 'dpkg':
        return gone.has(`deb ${key.split(' ').at(-1)}`);
      case 'check':
      case 'content':
        return !unknown.has('result') && !asked.has(key);
      default:
        return /^[0-9a-f]{64}$/.test(key) && !unknown.has('result') && !asked.has(key);
    }
  };
  return keys.filter(isStale);
}
