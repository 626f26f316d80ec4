import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debPath } from '../debian/debs.ts';
import type { Lock, PackageId } from '../debian/lock.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import { pinOf } from './key.ts';
import type { Bind, Step } from './sandbox.ts';
import { stageFiles, stageInput } from './stage.ts';

const RUN = '/run/snap';

const resource = (name: string): string =>
  fileURLToPath(new URL(`../../src/layers/${name}`, import.meta.url));

/** The environment of everything that runs in an image: nothing of the host's, and no time but SOURCE_DATE_EPOCH. */
export function imageEnvironment(epoch: number): Record<string, string> {
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    DEBIAN_FRONTEND: 'noninteractive',
    DEBCONF_NONINTERACTIVE_SEEN: 'true',
    SOURCE_DATE_EPOCH: String(epoch),
    LD_PRELOAD: `${RUN}/libeatmydata.so`,
    POLICYRCD: `${RUN}/policy-rc.d`,
  };
}

/** What lies under /run/snap for every step. */
export function commonBinds(eatmydata: string): Bind[] {
  return [
    { from: eatmydata, to: `${RUN}/libeatmydata.so` },
    { from: resource('policy-rc.d'), to: `${RUN}/policy-rc.d` },
  ];
}

/** dpkg's answers to its own questions: the package's file where nobody changed it, else the one that is there. */
const DPKG = 'dpkg --no-triggers --force-confdef --force-confold';

/** Unpacks debs in the given order, which is apt's, and configures them; triggers wait for settle. */
export function packageStep(
  lock: Lock,
  debs: readonly PackageId[],
  debsDir: string,
  folder: string,
  eatmydata: string,
): Step {
  const shown = join(folder, 'debs');
  mkdirSync(shown, { mode: 0o755 });
  const names = debs.map((id) => {
    const file = debPath(debsDir, pinOf(lock, id));
    linkSync(file, join(shown, basename(file)));
    return `${RUN}/debs/${basename(file)}`;
  });
  return {
    command: [
      '/bin/sh',
      '-c',
      `umask 022; ${DPKG} --unpack "$@" && ${DPKG} --configure -a`,
      'dpkg',
      ...names,
    ],
    env: imageEnvironment(lock.epoch),
    binds: [...commonBinds(eatmydata), { from: shown, to: `${RUN}/debs` }],
    network: false,
  };
}

export type ScriptletStepOptions = {
  readonly project: string;
  readonly lock: Lock;
  readonly sourcesDir: string;
  readonly folder: string;
  readonly eatmydata: string;
};

/** Runs do_run with what the scriptlet declared, and nothing else of the project. */
export function scriptletStep(scriptlet: Scriptlet, options: ScriptletStepOptions): Step {
  const { lock, folder } = options;
  const inputs = join(folder, 'inputs');
  mkdirSync(inputs, { mode: 0o755 });
  if (scriptlet.dataDir === undefined) mkdirSync(join(inputs, 'data'), { mode: 0o755 });
  else stageInput(scriptlet.dataDir, join(inputs, 'data'), lock.epoch);
  stageFiles(options.project, scriptlet.files, join(inputs, 'home'), lock.epoch);
  mkdirSync(join(inputs, 'sources'), { mode: 0o755 });
  for (const { url, sha256 } of scriptlet.sources) {
    linkSync(join(options.sourcesDir, sha256), join(inputs, 'sources', url.split('/').at(-1) ?? sha256));
  }
  writeFileSync(join(inputs, 'variables.sh'), variablesOf(scriptlet));
  const bind = (name: string): Bind => ({ from: join(inputs, name), to: `${RUN}/${name}` });
  return {
    command: ['/bin/bash', `${RUN}/prelude.sh`],
    env: {
      ...imageEnvironment(lock.epoch),
      ARCH: lock.arch,
      SUITE: lock.suite,
      IMAGE_DIR: '/',
      DATA_DIR: `${RUN}/data`,
      RUN_HOME: `${RUN}/home`,
      SOURCES_DIR: `${RUN}/sources`,
    },
    binds: [
      ...commonBinds(options.eatmydata),
      { from: resource('prelude.sh'), to: `${RUN}/prelude.sh` },
      { from: scriptlet.file, to: `${RUN}/scriptlet.sh` },
      ...['variables.sh', 'data', 'home', 'sources'].map(bind),
      ...(scriptlet.network ? [{ from: '/etc/resolv.conf', to: '/etc/resolv.conf' }] : []),
    ],
    network: scriptlet.network,
  };
}

function variablesOf(scriptlet: Scriptlet): string {
  const declared = Object.entries(scriptlet.vars).map(
    ([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'`,
  );
  return `${scriptlet.variables}\n${declared.join('\n')}\n`;
}
