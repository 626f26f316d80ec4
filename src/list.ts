import { existsSync, readFileSync } from 'node:fs';
import { SnapError } from './host/error.ts';
import { currentSlot, slotsOf } from './layers/image.ts';
import { logFile } from './layers/run.ts';
import { listConfs } from './project/conf.ts';
import { Store } from './store/layers.ts';

export type ListedConf = {
  readonly name: string;
  readonly image?: string;
  /** ISO 8601. */
  readonly built?: string;
  readonly paths?: number;
  readonly bytes?: number;
  readonly layers?: number;
};

/** The confs of a project with their images. */
export async function list(project: string): Promise<readonly ListedConf[]> {
  using store = new Store(project);
  return listConfs(project).map((name) => {
    const build = store.lastBuild(name);
    const slots = slotsOf(store.layout.images, name);
    const image = currentSlot(slots) === undefined ? {} : { image: slots.link };
    if (!build) return { name, ...image };
    const { paths, bytes, made, layers } = build;
    return {
      name,
      ...image,
      built: new Date(made * 1000).toISOString(),
      paths,
      bytes,
      layers: (JSON.parse(layers) as unknown[]).length,
    };
  });
}

/** The log of a layer's last run. */
export async function logOf(project: string, layer: string): Promise<string> {
  using store = new Store(project);
  const file = logFile(store, layer);
  if (existsSync(file)) return readFileSync(file, 'utf8');
  throw new SnapError('USAGE', `There is no log of a layer "${layer}"`, {
    hint: 'layers that ran have one: snap plan',
  });
}
