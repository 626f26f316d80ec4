import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planOfRecipe } from '../../src/layers/image.ts';
import type { KeptLayer } from '../../src/store/builds.ts';
import { type LayerKey, Store } from '../../src/store/layers.ts';
import { someBuild } from './some-build.ts';
import { someLayer } from './some-layer.ts';

/** A conf without scriptlets, so that a folder is a project. */
export function makeConf(project: string, name: string, more = ''): void {
  mkdirSync(join(project, 'conf'), { recursive: true });
  writeFileSync(
    join(project, 'conf', `${name}.toml`),
    `suite = "bookworm"\narch = "amd64"\nscriptlets = []\n${more}`,
  );
}

/** Layers of so many bytes each, in two files; returns their numbers. */
export function addLayers(store: Store, count: number, bytes = 8192, prefix = 'layer'): number[] {
  return Array.from({ length: count }, (_, at) => {
    const name = `${prefix}-${at}`;
    const files = { 'usr/one': `${name}${'x'.repeat(bytes / 2)}`, [`usr/${name}`]: 'y'.repeat(bytes / 2) };
    const { folder, tree, layer } = someLayer(store, files, { name, key: `key of ${name}` as LayerKey });
    store.shareFiles(tree, layer.manifest, name);
    const { n } = store.publish(folder, layer);
    store.dropWorkDir(folder);
    return n;
  });
}

/** A build of a conf that is made from these layers. */
export function addBuild(store: Store, conf: string, layers: readonly number[]): number {
  store.settleDisk();
  const kept: KeptLayer[] = layers.map((n) => [store.layerNumbered(n)!.name, n, []]);
  const build = { ...someBuild(conf), layers: kept };
  return store.addBuild({ ...build, digest: planOfRecipe(store, build)!.digest });
}

/** What is wrong with a store: rows without folders, folders without rows, things in between. */
export function faultsOf(project: string): string[] {
  using store = new Store(project);
  const { layers, trash, tmp } = store.layout;
  const rows = store.index
    .prepare<[], { n: number }>('SELECT n FROM layers')
    .all()
    .map(({ n }) => String(n));
  const folders = readdirSync(layers);
  const whole = (n: string): boolean =>
    ['tree', 'manifest', 'layer.json'].every((name) => existsSync(join(layers, n, name))) &&
    [...store.manifestOf(Number(n)).values()].every(
      ({ path }) => lstatSync(join(layers, n, 'tree', path), { throwIfNoEntry: false }) !== undefined,
    );
  return [
    ...rows.filter((n) => !folders.includes(n)).map((n) => `row ${n} has no folder`),
    ...folders.filter((n) => !rows.includes(n)).map((n) => `folder ${n} has no row`),
    ...rows.filter((n) => folders.includes(n) && !whole(n)).map((n) => `layer ${n} is not whole`),
    ...readdirSync(trash).map((name) => `trash ${name}`),
    ...readdirSync(tmp).map((name) => `tmp ${name}`),
  ];
}
