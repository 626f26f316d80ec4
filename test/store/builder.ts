/** Builds as a build does, as far as the store sees it: PROJECT CONF ROUNDS. Fails when a layer of it was taken away meanwhile. */
import { setTimeout as wait } from 'node:timers/promises';
import { planOfBuild } from '../../src/named-build.ts';
import { readBuild } from '../../src/store/builds.ts';
import { Store } from '../../src/store/layers.ts';
import { holdLock } from '../../src/store/locks.ts';
import { addBuild, addLayers } from './collected.ts';

const [project = '', conf = '', rounds = ''] = process.argv.slice(2);
for (let round = 0; round < Number(rounds); round++) {
  using store = new Store(project);
  using _held = await holdLock(store.layout.lock, 'shared');
  const layers = [
    ...addLayers(store, 2, 8192, `${conf}-${round % 3}`),
    ...addLayers(store, 1, 8192, 'common'),
  ];
  await wait(20);
  const number = addBuild(store, conf, layers);
  const plan = planOfBuild(store, readBuild(store.layout, { conf, number })!);
  for (const part of plan.parts()) if (part.entry.type === 'file') plan.sourceOf(part);
  for (const n of layers) if (!store.layerNumbered(n)) throw new Error(`layer ${n} is gone`);
}
