import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debPath } from '../debian/debs.ts';
import type { Lock, PackageId } from '../debian/lock.ts';
import { sourceFile } from '../project/declared.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import { PRELUDE, pinOf } from './key.ts';
import type { Bind, Step } from './sandbox.ts';
import { stageFiles, stageInput } from './stage.ts';

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

/** Configures by name those of the named packages that are not: with -a dpkg would run the triggers too that wait since the layers below. */
const CONFIGURE = `configure() {
  set -- $(dpkg-query -W -f '\${db:Status-Abbrev}\${binary:Package}\\n' "$@" | sed -n 's/^i[UFHR] //p')
  [ $# = 0 ] || ${DEFERRED} --configure "$@"
}`;

/**
 * Runs the script that comes before a package is unpacked as dpkg does: name, architecture, and the name of dpkg's files about it. Where it
 * diverts a file that is there by now, dpkg would have put that elsewhere.
 */
const PREINST = `preinst() {
  info=/var/lib/dpkg/info/$3
  [ -e "$info.preinst" ] || return 0
  ci=/var/lib/dpkg/tmp.ci
  rm -rf $ci; mkdir $ci
  for file in "$info".*; do
    case \${file#"$info."} in *.*) ;; *) cp -p "$file" "$ci/\${file##*.}" ;; esac
  done
  dpkg-query -s "$1" > $ci/control
  diversions=$(cat /var/lib/dpkg/diversions 2>/dev/null || :)
  DPKG_MAINTSCRIPT_PACKAGE=$1 DPKG_MAINTSCRIPT_ARCH=$2 DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 \\
  DPKG_MAINTSCRIPT_DEBUG=0 DPKG_ADMINDIR=/var/lib/dpkg DPKG_ROOT= DPKG_RUNNING_VERSION=$(dpkg-query -W -f '\${Version}' dpkg) \\
  $ci/preinst install
  rm -rf $ci
  [ "$diversions" = "$(cat /var/lib/dpkg/diversions 2>/dev/null || :)" ] && return
  while read -r path && read -r _ && read -r _; do
    case $diversions in *"$path"*) continue ;; esac
    if grep -Fxq -e "$path" /var/lib/dpkg/info/*.list; then echo "$1 diverts $path"; exit 1; fi
  done < /var/lib/dpkg/diversions
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
    readonly debsDir: string;
    /** By deb, how dpkg names its files about it. */
    readonly stacked?: ReadonlyMap<PackageId, string>;
  },
): Step {
  const shown = join(options.folder, 'debs');
  mkdirSync(shown, { mode: 0o755 });
  const script = ['umask 022; set -e', CONFIGURE, PREINST];
  const names: string[] = [];
  const all = batches(debs, preDepends);
  for (const [index, batch] of all.entries()) {
    let files: string[] = [];
    const unpack = (): void => {
      if (files.length > 0) script.push(`${DEFERRED} --unpack ${files.join(' ')}`);
      files = [];
    };
    for (const id of batch) {
      const { name, version, arch } = pinOf(lock, id);
      names.push(name);
      const stacked = options.stacked?.get(id);
      if (stacked !== undefined) {
        unpack();
        script.push(`preinst ${name} ${arch} ${stacked}`);
        continue;
      }
      const file = `${name}_${encodeURIComponent(version)}_${arch}.deb`;
      linkSync(debPath(options.debsDir, pinOf(lock, id)), join(shown, file));
      files.push(`'${RUN}/debs/${file}'`);
    }
    unpack();
    script.push(`configure ${names.join(' ')}${index < all.length - 1 ? ' || true' : ''}`);
  }
  return {
    command: ['/bin/sh', '-c', script.join('\n')],
    env: imageEnvironment(lock.epoch),
    binds: [...commonBinds(options.eatmydata), { from: shown, to: `${RUN}/debs` }],
    network: false,
  };
}

/** What all else in a base rests on: its users, and the folders and links that no package depends on. */
const FIRST_CONFIGURED = ['base-passwd', 'base-files'];

/** Configures the debs of a base, none of which dpkg has unpacked: all lie there, and nothing of them has run. */
export function baseStep(lock: Lock, infoNames: ReadonlyMap<PackageId, string>, eatmydata: string): Step {
  const names = [...infoNames.keys()].map((id) => pinOf(lock, id).name);
  const first = FIRST_CONFIGURED.filter((name) => names.includes(name));
  const preinsts = [...infoNames].map(
    ([id, info]) => `preinst ${pinOf(lock, id).name} ${pinOf(lock, id).arch} ${info}`,
  );
  const isFirst = (line: string): boolean => first.some((name) => line.startsWith(`preinst ${name} `));
  const script = [
    'umask 022; set -e; cd /',
    PREINST,
    ...[...preinsts.filter(isFirst), ...preinsts.filter((line) => !isFirst(line))],
    ...first.map((name) => `${DEFERRED} --force-depends --configure ${name}`),
    `${DEFERRED} --configure ${names.filter((name) => !first.includes(name)).join(' ')}`,
    'while read -r path _; do [ ! -e "$path" ] || dpkg-trigger --no-await --by-package=dpkg "$path"; done < /var/lib/dpkg/triggers/File',
    'dpkg --triggers-only -a',
  ];
  return {
    command: ['/bin/sh', '-c', script.join('\n')],
    env: imageEnvironment(lock.epoch),
    binds: commonBinds(eatmydata),
    network: false,
  };
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
    linkSync(join(options.sourcesDir, source.sha256), join(inputs, 'sources', sourceFile(source)));
  }
  // Not the project's own file: whoever saves it now would have it run under the key of what it was.
  writeFileSync(join(inputs, 'scriptlet.sh'), scriptlet.text);
  writeFileSync(join(inputs, 'variables.sh'), scriptlet.variables);
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
