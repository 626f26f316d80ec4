/** `buildah build --layers`: one RUN for each scriptlet, over a minbase that is an image already. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Parts, readParts } from '../example.ts';
import { run } from '../measure.ts';
import { MERGED_USR } from './bootstraps.ts';
import {
  CONTRACT,
  digestOfFolder,
  dpkgExcludes,
  REPOSITORY,
  removeExcluded,
  SETTINGS,
  STEPS,
  writeContract,
  writeFiles,
  writeSteps,
} from './steps.ts';
import type { Place, Tool } from './tool.ts';

const BASE = 'localhost/base';
const IMAGE = 'localhost/image';

export async function buildah(place: Place): Promise<Tool> {
  const { folder, own, example } = place;
  mkdirSync(folder, { recursive: true });
  writeContract(join(folder, 'contract'), own, await readParts(example), join(example.project, 'store/debs'));
  let hasBase = false;
  const forget = (): void => {
    rmSync(join(folder, 'storage'), { recursive: true, force: true });
    rmSync(join(folder, 'run'), { recursive: true, force: true });
    hasBase = false;
  };
  return {
    name: 'buildah',
    version: run({ argv: ['buildah', '--version'] }).stdout.trim(),
    forget,
    async build() {
      const parts = await readParts(example);
      const base = hasBase ? undefined : makeBase(place, parts);
      hasBase = true;
      writeSteps(join(folder, 'steps'), parts);
      writeFileSync(join(folder, 'Containerfile'), containerfile(parts, join(folder, 'steps')));
      return { seconds: (base ?? 0) + buildImage(place), base };
    },
  };
}

/** Seconds. The base is an image of one layer: a tar that is added in the Containerfile would be hashed at each build. */
function makeBase({ folder, repository }: Place, { lock, scriptlets }: Parts): number {
  const begun = performance.now();
  const settings = join(folder, 'settings');
  writeFiles(settings, {
    ...SETTINGS,
    'etc/dpkg/dpkg.cfg.d/excludes': dpkgExcludes(scriptlets),
    'etc/apt/sources.list': `deb [trusted=yes] file://${REPOSITORY} ${lock.suite} main\n`,
    'usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n',
  });
  const tar = join(folder, 'base.tar');
  const dpkgOptions = dpkgExcludes(scriptlets).trim().split('\n').filter(Boolean);
  run({
    argv: [
      ...([
        'mmdebstrap',
        '--quiet',
        '--mode=root',
        '--variant=minbase',
        `--hook-directory=${MERGED_USR}`,
      ] as const),
      ...dpkgOptions.map((option) => `--dpkgopt=${option}`),
      `--customize-hook=cp -r ${settings}/. "$1" && chmod 0755 "$1/usr/sbin/policy-rc.d"`,
      ...[lock.suite, tar, `deb [trusted=yes] copy://${repository} ${lock.suite} main`],
    ],
  });
  const container = tool(folder, 'from', 'scratch').stdout.trim();
  tool(folder, 'add', container, tar, '/');
  tool(folder, 'commit', '--rm', '--quiet', container, BASE);
  rmSync(tar);
  return (performance.now() - begun) / 1000;
}

/** A step's files are in a volume, and their digest in its line: a COPY would make a second layer for each of them. */
function containerfile({ scriptlets }: Parts, steps: string): string {
  const lines = [
    `FROM ${BASE}`,
    `ENV DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LD_PRELOAD=${CONTRACT}/libeatmydata.so`,
    'RUN apt-get update -qq',
  ];
  for (const { name, packages, hasRun } of scriptlets) {
    const install = packages.length > 0 ? [`apt-get install -qq -y ${packages.join(' ')}`] : [];
    const step = `: ${digestOfFolder(join(steps, name))}; ${CONTRACT}/step ${STEPS}/${name}`;
    const commands = [...install, ...(hasRun ? [step] : [])];
    if (commands.length > 0) lines.push(`RUN ${commands.join(' && ')}`);
  }
  const rest = '/etc/apt/sources.list /usr/sbin/policy-rc.d';
  lines.push(`RUN ["/bin/bash", "-c", ${JSON.stringify(`${removeExcluded(scriptlets)}; rm -rf ${rest}`)}]`);
  return `${lines.join('\n')}\n`;
}

/** Seconds. */
function buildImage({ folder, repository }: Place): number {
  return tool(
    folder,
    ...['build', '--layers', '--isolation', 'chroot', '--pull-never', '--quiet'],
    ...[
      '--volume',
      `${repository}:${REPOSITORY}:ro`,
      '--volume',
      `${join(folder, 'contract')}:${CONTRACT}:ro`,
    ],
    ...['--volume', `${join(folder, 'steps')}:${STEPS}:ro`],
    ...['--tag', IMAGE, '--file', join(folder, 'Containerfile'), folder],
  ).seconds;
}

/** buildah on a storage of its own. */
function tool(folder: string, ...args: string[]) {
  const storage = [
    '--root',
    join(folder, 'storage'),
    '--runroot',
    join(folder, 'run'),
    '--storage-driver',
    'overlay',
  ];
  return run({ argv: ['buildah', ...storage, ...args] });
}
