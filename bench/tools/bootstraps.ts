/** What makes a base and nothing else, from an archive in a folder, with the debs in a cache where it has one. */
import { mkdirSync } from 'node:fs';
import { run } from '../measure.ts';

export const MERGED_USR = '/usr/share/mmdebstrap/hooks/merged-usr';

export type Bootstrap = {
  readonly name: string;
  /** Makes the base in a folder that is not there yet; returns the seconds. */
  readonly make: (folder: string) => number;
};

export function bootstraps(suite: string, repository: string, cache: string): Bootstrap[] {
  mkdirSync(cache, { recursive: true });
  const source = `deb [trusted=yes] copy://${repository} ${suite} main`;
  const shared = ['--mode=root', '--format=directory', '--variant=minbase', '--dpkgopt=force-unsafe-io'];
  return [
    {
      name: 'mmdebstrap',
      make: (folder) =>
        run({
          argv: [
            'eatmydata',
            'mmdebstrap',
            '--quiet',
            ...shared,
            `--hook-directory=${MERGED_USR}`,
            suite,
            folder,
            source,
          ],
        }).seconds,
    },
    {
      name: 'debootstrap',
      make: (folder) =>
        run({
          argv: [
            ...(['eatmydata', 'debootstrap', '--variant=minbase', '--no-check-gpg'] as const),
            ...[`--cache-dir=${cache}`, suite, folder, `file://${repository}`],
          ],
        }).seconds,
    },
  ];
}
