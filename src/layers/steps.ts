import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { debPath } from '../debian/debs.ts';
import type { Lock, PackageId } from '../debian/lock.ts';
import { writeFile } from '../host/write.ts';
import { sourceFile } from '../project/declared.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import type { Store } from '../store/layers.ts';
import { PRELUDE, pinOf } from './key.ts';
import { PREINSTS, STAGED, type StackedDeb, stagePreinst } from './preinst.ts';
import type { Workshop } from './run.ts';
import type { Bind, Step } from './sandbox.ts';
import { stageFiles, stageFixed, stageInput } from './stage.ts';

const RUN = '/run/snap';

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
  };
}

/** What lies under /run/snap for every step. */
export function commonBinds(eatmydata: string): Bind[] {
  return [{ from: eatmydata, to: `${RUN}/libeatmydata.so` }];
}

/** dpkg's answers to its own questions: the package's file where nobody changed it, else the one that is there. */
const DPKG = 'dpkg --force-confdef --force-confold';
const DEFERRED = `${DPKG} --no-triggers`;

/**
 * Configures by name those of the named packages that are not, some of which an earlier batch may have: with -a dpkg would run the triggers too that
 * wait since the layers below.
 */
const CONFIGURE = `configure() {
  set -- $(dpkg-query -W -f '\${db:Status-Abbrev}\${binary:Package}\\n' "$@" | sed -n 's/^i[UFHR] //p')
  [ $# = 0 ] || ${DEFERRED} --configure "$@"
}`;

/**
 * Unpacks debs in the given order, which is apt's, and configures them; triggers wait for settle. `preDepends` tells for each deb the
 * packages that must be configured before it is unpacked: dpkg refuses otherwise. Those in `stacked` lie in the view already, unpacked.
 */
export function packageStep(
  lock: Lock,
  debs: readonly PackageId[],
  preDepends: ReadonlyMap<PackageId, readonly string[]>,
  options: Pick<ScriptletStepOptions, 'folder' | 'eatmydata'> & {
    readonly store: Store;
    readonly stacked?: ReadonlyMap<PackageId, StackedDeb>;
  },
): Step {
  const shown = join(options.folder, 'debs');
  mkdirSync(shown, { mode: 0o755 });
  const { store, stacked } = options;
  const staged = stageAll(store, lock, stacked ?? new Map(), options.folder);
  const all = batches(debs, preDepends);
  // Then none of them is configured, and none was taken away by another one: nobody need ask dpkg.
  const isPlain = all.length === 1 && debs.every((id) => stacked?.has(id));
  const script = ['umask 022; set -e', ...(isPlain ? [] : [CONFIGURE]), ...staged.functions];
  const names: string[] = [];
  for (const [index, batch] of all.entries()) {
    let files: string[] = [];
    let preinsts: string[] = [];
    const flush = (): void => {
      if (files.length > 0) script.push(`${DEFERRED} --unpack ${files.join(' ')}`);
      script.push(...inARow(preinsts));
      files = [];
      preinsts = [];
    };
    for (const id of batch) {
      const { name, version, arch } = pinOf(lock, id);
      names.push(arch === 'all' ? name : `${name}:${arch}`);
      const isStacked = stacked?.has(id) === true;
      if (isStacked ? files.length > 0 : preinsts.length > 0) flush();
      if (isStacked) {
        preinsts.push(...(staged.preinsts.get(id) ?? []));
        continue;
      }
      const file = `${name}_${encodeURIComponent(version)}_${arch}.deb`;
      stageFixed(debPath(store.layout.debs, pinOf(lock, id)), join(shown, file));
      files.push(`'${RUN}/debs/${file}'`);
    }
    flush();
    if (isPlain) script.push(`${DEFERRED} --configure ${names.join(' ')}`);
    else script.push(`configure ${names.join(' ')}${index < all.length - 1 ? ' || true' : ''}`);
  }
  return {
    command: ['/bin/sh', '-c', script.join('\n')],
    env: imageEnvironment(lock.epoch),
    binds: [...commonBinds(options.eatmydata), { from: shown, to: `${RUN}/debs` }, ...staged.binds],
    network: false,
  };
}

/** What all else in a base rests on: its users, and the folders and links that no package depends on. */
const FIRST_CONFIGURED = ['base-passwd', 'base-files'];

/** Configures the debs of a base, none of which dpkg has unpacked: all lie there, and nothing of them has run. */
export function baseStep(
  { lock, store, eatmydata }: Pick<Workshop, 'lock' | 'store' | 'eatmydata'>,
  stacked: ReadonlyMap<PackageId, StackedDeb>,
  folder: string,
): Step {
  const nameOf = (id: PackageId): string => pinOf(lock, id).name;
  const names = [...stacked.keys()].map(nameOf);
  const first = FIRST_CONFIGURED.filter((name) => names.includes(name));
  const isFirst = (id: PackageId): boolean => first.includes(nameOf(id));
  const staged = stageAll(store, lock, stacked, folder);
  const order = [...stacked.keys()].sort((a, b) => Number(isFirst(b)) - Number(isFirst(a)));
  const script = [
    'umask 022; set -e; cd /',
    ...staged.functions,
    ...inARow(order.flatMap((id) => staged.preinsts.get(id) ?? [])),
    ...first.map((name) => `${DEFERRED} --force-depends --configure ${name}`),
    `${DEFERRED} --configure ${names.filter((name) => !first.includes(name)).join(' ')}`,
    'while read -r path _; do [ ! -e "$path" ] || dpkg-trigger --no-await --by-package=dpkg "$path"; done < /var/lib/dpkg/triggers/File',
    'dpkg --triggers-only -a',
  ];
  return {
    command: ['/bin/sh', '-c', script.join('\n')],
    env: imageEnvironment(lock.epoch),
    binds: [...commonBinds(eatmydata), ...staged.binds],
    network: false,
  };
}

type StagedPreinsts = {
  readonly functions: readonly string[];
  /** By deb, the call that runs it; none where it has no preinst. */
  readonly preinsts: ReadonlyMap<PackageId, readonly string[]>;
  readonly binds: readonly Bind[];
};

function stageAll(
  store: Store,
  lock: Lock,
  stacked: ReadonlyMap<PackageId, StackedDeb>,
  work: string,
): StagedPreinsts {
  const folder = join(work, 'preinst');
  const preinsts = new Map<PackageId, string[]>();
  const ids = [...stacked.keys()];
  for (const [id, deb] of stacked) {
    if (!stagePreinst(store, deb, folder)) continue;
    const { name, arch } = pinOf(lock, id);
    const later = ids.slice(ids.indexOf(id) + 1).filter((other) => pinOf(lock, other).name === name);
    preinsts.set(id, [`preinst ${name} ${arch} ${deb.infoName} ${later.length}`]);
  }
  if (preinsts.size === 0) return { functions: [], preinsts, binds: [] };
  return {
    functions: [`DPKG_VERSION='${dpkgVersion(lock)}'`, PREINSTS],
    preinsts,
    binds: [{ from: folder, to: STAGED }],
  };
}

/** That of the dpkg which every base has. */
function dpkgVersion({ base, pins }: Lock): string {
  return base.map((id) => pins.get(id)).find((pin) => pin?.name === 'dpkg')?.version ?? '';
}

/** Calls of preinsts with nothing between them. */
function inARow(preinsts: readonly string[]): readonly string[] {
  return preinsts.length > 0 ? ['preinsts_begin', ...preinsts, 'preinsts_end'] : [];
}

/** Works off all triggers that wait, as apt does after it has installed packages. */
export function triggerStep(lock: Lock, eatmydata: string): Step {
  return {
    command: ['/bin/sh', '-c', `umask 022; ${DPKG} --configure -a`],
    env: imageEnvironment(lock.epoch),
    binds: commonBinds(eatmydata),
    network: false,
  };
}

/** Makes the linker's cache anew, where the image has one. */
export function linkerStep({ epoch }: Lock, eatmydata: string): Step {
  return {
    command: ['/bin/sh', '-c', 'umask 022; [ ! -x /sbin/ldconfig ] || ldconfig'],
    env: imageEnvironment(epoch),
    binds: commonBinds(eatmydata),
    network: false,
  };
}

/** Puts a layer's tree on the view as it is: one that is not made by what runs in the image. */
export function copyStep(tree: string, { epoch }: Lock): Step {
  return {
    command: ['/bin/cp', '-a', '--no-target-directory', `${RUN}/layer`, '/'],
    env: imageEnvironment(epoch),
    binds: [{ from: tree, to: `${RUN}/layer` }],
    network: false,
  };
}

/** A shell for a person, or a command of theirs. */
export function shellStep(command: readonly string[]): Step {
  return {
    command: command.length > 0 ? command : ['/bin/bash', '-i'],
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      LC_ALL: 'C.UTF-8',
      TERM: process.env.TERM ?? 'dumb',
    },
    binds: [],
    network: false,
  };
}

/** Debs that can be unpacked in one go: a batch ends before a deb that needs one of it configured. */
export function batches(
  debs: readonly PackageId[],
  preDepends: ReadonlyMap<PackageId, readonly string[]>,
): PackageId[][] {
  const all: PackageId[][] = [[]];
  for (const id of debs) {
    const batch = all.at(-1)!;
    const names = new Set(batch.map((one) => one.split(':')[0]));
    if (preDepends.get(id)?.some((name) => names.has(name))) all.push([id]);
    else batch.push(id);
  }
  return all;
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
  for (const source of scriptlet.sources) {
    stageFixed(join(options.sourcesDir, source.sha256), join(inputs, 'sources', sourceFile(source)));
  }
  // Not the project's own file: whoever saves it now would have it run under the key of what it was.
  writeFile(join(inputs, 'scriptlet.sh'), scriptlet.text);
  writeFile(join(inputs, 'variables.sh'), scriptlet.variables);
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
      { from: PRELUDE, to: `${RUN}/prelude.sh` },
      ...['scriptlet.sh', 'variables.sh', 'data', 'home', 'sources'].map(bind),
      ...(scriptlet.network ? [{ from: '/etc/resolv.conf', to: '/etc/resolv.conf' }] : []),
    ],
    network: scriptlet.network,
  };
}
