import { rmSync } from 'node:fs';
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
  for (const name of ['layers', 'index.db', 'index.db-wal', 'index.db-shm']) {
    rmSync(join(project, 'store', name), { recursive: true, force: true });
  }
  forgetImages(project);
}

function forgetImages(project: string): void {
  rmSync(join(project, 'images'), { recursive: true, force: true });
}
