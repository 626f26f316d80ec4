import type { BuildNote, KeptLayer } from '../../src/store/builds.ts';
import type { Digest } from '../../src/store/digest.ts';

/** A build of a conf whose image is made from layer 1 alone. */
export function someBuild(conf: string): Omit<BuildNote, 'format' | 'number'> {
  const digest = 'ab'.repeat(32) as Digest;
  const layers: KeptLayer[] = [['base', 1, []]];
  const recipe = { layers, excludes: [], epoch: 0, records: '' };
  const extent = { digest, paths: 2, bytes: 3 };
  return { conf, made: 1, seconds: 0.5, ...extent, ...recipe, lock: digest, ran: [], commit: null };
}
