import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { controlsOf } from '../debian/deb.ts';
import { debPath } from '../debian/debs.ts';
import type { Pin } from '../debian/lock.ts';
import { makeNode } from '../host/syscall.ts';
import { writeFile } from '../host/write.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import type { TreePath } from '../store/manifest.ts';
import { type DebTrees, treesOf } from './deb-trees.ts';
import { type Inputs, pinOf } from './key.ts';
import { type LayerJob, runLayer, type Workshop } from './run.ts';
import { readOnlyProc, type Step } from './sandbox.ts';
import { isFolder, stageFixed } from './stage.ts';
import { baseStep } from './steps.ts';
import { infoNameOf, layOut, planStacking } from './unpacked.ts';
import { mergeView } from './view.ts';

const ROOT = '/run/snap/root';
/** mmdebstrap's own hook that makes /bin, /lib and the like links before anything is unpacked. */
const MERGED_USR = '/usr/share/mmdebstrap/hooks/merged-usr';
const REPOSITORY = '/run/snap/repository';

/**
 * Makes the base from the locked debs alone: from their trees, or, where the conf says so or a deb has to be unpacked by dpkg, by
 * mmdebstrap.
 */
export async function runBase(workshop: Workshop, trees: DebTrees, inputs: Inputs): Promise<LayerRow> {
  const { lock, store, conf } = workshop;
  const otherwise = () => mmdebstrapJob(workshop, inputs);
  if (conf.bootstrap === 'mmdebstrap') return runLayer(workshop, await otherwise());
  // Begun last, a large one would keep one thread busy when the others have nothing to do.
  const largestFirst = lock.base.toSorted((a, b) => pinOf(lock, b).size - pinOf(lock, a).size);
  const unpacked = await treesOf(trees, largestFirst);
  const debs = lock.base.map((id) => ({ id, tree: unpacked.get(id)! }));
  const rows = new Map(
    debs.flatMap(({ id, tree }) => (tree.kind === 'tree' ? [[id, tree.row] as const] : [])),
  );
  const view = mergeView(store, []);
  const stacking = planStacking(
    store,
    view,
    [...rows].map(([name, row]) => ({ name, row })),
  );
  const { stacked } = stacking;
  const isMerged = stacked.some(({ n }) => store.manifestOf(n).get('bin' as TreePath)?.type === 'symlink');
  if (stacked.length < debs.length || !(isMerged || lock.base.some((id) => MERGED.test(id)))) {
    return runLayer(workshop, await otherwise());
  }
  const stackedDebs = new Map([...rows].map(([id, row]) => [id, { row, infoName: infoNameOf(store, row) }]));
  return runLayer(workshop, {
    name: 'base',
    kind: 'base',
    inputs,
    view,
    earlierDone: async () => {},
    layOut(folder) {
      const unpacked = layOut(store, view, stacking, folder, lock.epoch);
      for (const name of aliasesOf(store, stacked)) {
        if (!existsSync(join(folder, name))) symlinkSync(`usr/${name}`, join(folder, name));
      }
      return unpacked;
    },
    prepare: (folder) => [baseStep(workshop, stackedDebs, folder)],
    finish(upper) {
      if (conf.foreignArchs.length > 0) {
        writeFile(join(upper, 'var/lib/dpkg/arch'), `${[lock.arch, ...conf.foreignArchs].join('\n')}\n`);
      }
      writeFile(join(upper, 'etc/fstab'), FSTAB);
      makeDevices(upper);
    },
    otherwise,
    what: `${debs.length} packages`,
  });
}

/** As debootstrap and mmdebstrap leave it: no package brings one, and mount(8) wants it. */
const FSTAB = '# UNCONFIGURED FSTAB FOR BASE SYSTEM\n';

/** A suite whose /usr is merged has one of these in its base, or the links in base-files. */
const MERGED = /^(usr-is-merged|usrmerge):/;

/** The links of a merged /usr: those that every image has, and those below which the base has something. */
function aliasesOf(store: Store, trees: readonly LayerRow[]): string[] {
  const names = new Set(['bin', 'lib', 'sbin']);
  for (const row of trees) {
    const list = join(store.treeOf(row.n), 'var/lib/dpkg/info', `${infoNameOf(store, row)}.list`);
    for (const [, name] of readFileSync(list, 'latin1').matchAll(/^\/(lib\w+)(?:\/|$)/gm)) names.add(name!);
  }
  return [...names].sort();
}

/**
 * mmdebstrap in a sandbox without network, the host read-only, from a flat repository that holds just the locked debs. It writes to an overlay
 * over nothing, which is volatile, so that dpkg's fsyncs cost nothing.
 */
async function mmdebstrapJob(workshop: Workshop, inputs: Inputs): Promise<LayerJob> {
  const { lock, store } = workshop;
  const pins = lock.base.map((id) => pinOf(lock, id));
  const index = await repositoryIndex(pins, store.layout.debs);
  return {
    name: 'base',
    kind: 'base',
    inputs,
    view: mergeView(store, []),
    earlierDone: async () => {},
    prepare: (folder) => [mmdebstrapStep(folder, workshop, pins, index)],
    finish: makeDevices,
    what: `mmdebstrap, ${pins.length} packages`,
  };
}

function mmdebstrapStep(
  folder: string,
  { lock, store, conf }: Workshop,
  pins: readonly Pin[],
  index: string,
): Step {
  const repository = join(folder, 'repository');
  mkdirSync(repository, { mode: 0o755 });
  chmodSync(repository, 0o755);
  for (const pin of pins) {
    const file = debPath(store.layout.debs, pin);
    stageFixed(file, join(repository, basename(file)));
  }
  writeFile(join(repository, 'Packages'), index);
  const hook = `rm -f "$1/etc/resolv.conf" "$1/etc/hostname" "$1/etc/apt/sources.list" "$1/etc/apt/apt.conf.d/99mmdebstrap"`;
  return {
    command: [
      ...[
        'mmdebstrap',
        '--mode=root',
        '--format=directory',
        '--variant=custom',
        `--architectures=${[lock.arch, ...conf.foreignArchs].join(',')}`,
      ],
      `--include=${pins.map(({ name }) => name).join(',')}`,
      ...[
        '--skip=check/empty,chroot/mount',
        '--aptopt=APT::Sandbox::User "root"',
        `--customize-hook=${hook}`,
      ],
      ...(pins.some(({ name }) => name === 'usr-is-merged') ? [`--hook-directory=${MERGED_USR}`] : []),
      ...[lock.suite, ROOT, `deb [trusted=yes] copy:${REPOSITORY} ./`],
    ],
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      HOME: '/root',
      SOURCE_DATE_EPOCH: String(lock.epoch),
    },
    binds: [{ from: repository, to: REPOSITORY }],
    network: false,
    mounts: [
      ...['--ro-bind', '/', '/', '--dev', '/dev', '--tmpfs', '/run', '--perms', '1777', '--tmpfs', '/tmp'],
      ...[...readOnlyProc('/proc'), '--bind', 'root', ROOT, '--proc', `${ROOT}/proc`],
      // tar sets owner and time of proc/ itself there.
      ...['sys', 'sysrq-trigger', 'irq', 'bus', 'fs', 'acpi', 'scsi'].flatMap((name) => [
        '--ro-bind-try',
        `/proc/${name}`,
        `${ROOT}/proc/${name}`,
      ]),
      ...['--tmpfs', `${ROOT}/dev`],
      ...['null', 'zero', 'full', 'random', 'urandom'].flatMap((name) => [
        '--dev-bind',
        `/dev/${name}`,
        `${ROOT}/dev/${name}`,
      ]),
    ],
  };
}

/** The Packages file of a flat repository of debs. */
async function repositoryIndex(pins: readonly Pin[], debsDir: string): Promise<string> {
  const files = pins.map((pin) => debPath(debsDir, pin));
  const controls = await controlsOf(files);
  return pins
    .map(({ size, sha256 }, index) => {
      const file = `./${basename(files[index]!)}`;
      return `${controls[index]}Filename: ${file}\nSize: ${size}\nSHA256: ${sha256}\n`;
    })
    .join('\n');
}

/** The nodes that a chroot needs, as debootstrap makes them; a booted system mounts its own /dev over them. */
const DEVICES = [
  ['console', 5, 1, 0o600],
  ['full', 1, 7, 0o666],
  ['null', 1, 3, 0o666],
  ['ptmx', 5, 2, 0o666],
  ['random', 1, 8, 0o666],
  ['tty', 5, 0, 0o666],
  ['urandom', 1, 9, 0o666],
  ['zero', 1, 5, 0o666],
] as const;

const DEVICE_LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
] as const;

function makeDevices(upper: string): void {
  const folder = join(upper, 'dev');
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  for (const path of [folder, join(folder, 'pts'), join(folder, 'shm')])
    if (!existsSync(path)) mkdirSync(path);
  if (isFolder(join(folder, 'shm'))) chmodSync(join(folder, 'shm'), 0o1777);
  for (const [name, major, minor, mode] of DEVICES) {
    const file = join(folder, name);
    if (existsSync(file)) continue;
    makeNode(Buffer.from(file), 'char', mode, major, minor);
    chmodSync(file, mode);
  }
  for (const [name, target] of DEVICE_LINKS) {
    if (!lstatSync(join(folder, name), { throwIfNoEntry: false })) symlinkSync(target, join(folder, name));
  }
}
