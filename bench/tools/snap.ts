import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Ran, run } from '../measure.ts';
import type { Place, Tool } from './tool.ts';

/** snap, from `bin/snap`. It asks no server: what it needs is in the store, apt's indexes too. */
export function snap({ own, example: { project, conf } }: Pick<Place, 'own' | 'example'>): Tool {
  return {
    name: 'snap',
    version: run({ argv: [join(own, 'bin/snap'), '--version'] }).stdout.trim(),
    forget: () => forgetLayers(project),
    async build() {
      const { seconds, stdout } = runSnap(own, project, 'build', conf, '--offline', '--json');
      const { layers } = JSON.parse(stdout) as {
        layers: { name: string; state: string; seconds: number }[];
      };
      const base = layers.find(({ name, state }) => name === 'base' && state === 'run')?.seconds;
      return { seconds, base };
    },
  };
}

export function runSnap(own: string, project: string, ...args: string[]): Ran {
  return run({ argv: [join(own, 'bin/snap'), '-C', project, ...args] });
}

/** Debs and indexes stay. */
export function forgetLayers(project: string): void {
  for (const name of ['layers', 'checkpoints', 'index.db', 'index.db-wal', 'index.db-shm']) {
    rmSync(join(project, 'store', name), { recursive: true, force: true });
  }
  forgetImages(project);
}

/** Trees of debs stay too. What goes is put into the folder `aside`, which is new. */
export function forgetAllButTrees(own: string, project: string, aside: string): void {
  const layers = join(project, 'store/layers');
  mkdirSync(aside);
  for (const n of readdirSync(layers)) {
    const { kind } = JSON.parse(readFileSync(join(layers, n, 'layer.json'), 'utf8')) as { kind: string };
    if (kind !== 'deb') renameSync(join(layers, n), join(aside, n));
  }
  for (const name of ['store/builds', 'store/checkpoints', 'images']) {
    if (existsSync(join(project, name))) renameSync(join(project, name), join(aside, name.replace('/', '-')));
  }
  runSnap(own, project, 'verify', '--rebuild-index');
}

function forgetImages(project: string): void {
  rmSync(join(project, 'images'), { recursive: true, force: true });
}
