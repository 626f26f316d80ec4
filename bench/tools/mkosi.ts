/** mkosi 14, that of Debian 12: all packages in one list and cached (`Incremental=`), every do_run in mkosi.postinst. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Parts, readParts } from '../example.ts';
import { run } from '../measure.ts';
import {
  CONTRACT,
  dpkgExcludes,
  removeExcluded,
  SETTINGS,
  STEPS,
  writeContract,
  writeFiles,
  writeSteps,
} from './steps.ts';
import type { Place, Tool } from './tool.ts';

export async function mkosi(place: Place): Promise<Tool> {
  const { folder, own, example } = place;
  const contract = join(folder, `mkosi.extra${CONTRACT}`);
  writeContract(contract, own, await readParts(example), join(example.project, 'store/debs'));
  preload(folder, join(contract, 'libeatmydata.so'));
  let cached: string | undefined;
  const forget = (): void => {
    for (const name of ['image', 'image.cache-pre-inst', 'image.cache-pre-dev']) {
      rmSync(join(folder, name), { recursive: true, force: true });
    }
    cached = undefined;
  };
  return {
    name: 'mkosi',
    version: run({ argv: ['mkosi', '--version'] }).stdout.trim(),
    forget,
    async build() {
      const parts = await readParts(example);
      const packages = writeProject(place, parts);
      // It does not see that the list of packages is another one: then a person says --force twice.
      const force = cached === packages ? ['--force'] : ['--force', '--force'];
      const { seconds } = run({
        argv: ['mkosi', ...force, 'build'],
        cwd: folder,
        env: { LD_PRELOAD: join(folder, 'libeatmydata.so') },
      });
      cached = packages;
      // It looks for the cache of a build script too and, as there is none, would make its cache again each time.
      writeFileSync(join(folder, 'image.cache-pre-dev'), '');
      return { seconds };
    },
  };
}

/** The library lies at one path outside and inside, so that dpkg in the image finds it too. */
function preload(folder: string, library: string): void {
  const inside = join(folder, 'mkosi.skeleton', folder);
  mkdirSync(inside, { recursive: true });
  for (const place of [folder, inside]) copyFileSync(library, join(place, 'libeatmydata.so'));
}

/** Returns the list of packages. */
function writeProject({ folder, repository }: Place, parts: Parts): string {
  const { lock, scriptlets } = parts;
  writeSteps(join(folder, `mkosi.extra${STEPS}`), parts);
  writeFiles(join(folder, 'mkosi.skeleton'), {
    ...SETTINGS,
    'etc/dpkg/dpkg.cfg.d/excludes': dpkgExcludes(scriptlets),
  });
  const packages = [...new Set(scriptlets.flatMap((scriptlet) => scriptlet.packages))].join(',');
  writeFileSync(
    join(folder, 'mkosi.default'),
    `[Distribution]
Distribution=debian
Release=${lock.suite}
LocalMirror=file://${repository}
RepositoryKeyCheck=no

[Output]
Format=directory
Output=image
Incremental=yes

[Content]
WithDocs=yes
Packages=${packages}

[Host]
NspawnKeepUnit=yes
`,
  );
  const steps = scriptlets
    .filter(({ hasRun }) => hasRun)
    .map(({ name }) => `${CONTRACT}/step ${STEPS}/${name}\n`);
  const rest = `${CONTRACT} ${STEPS} ${folder}`;
  writeFileSync(
    join(folder, 'mkosi.postinst'),
    `#!/bin/bash\nset -e\n${UNDO}${steps.join('')}${removeExcluded(scriptlets)}\nrm -rf ${rest}\n`,
    { mode: 0o755 },
  );
  return packages;
}

/** mkosi makes these links for its own images; the packages' scripts want the files. */
const UNDO = 'rm -f /etc/default/locale /etc/resolv.conf\n';
