/** The conf that is measured: a copy of the project in a folder of its own, and the changes that cases make to it. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import type { Lock } from '../src/debian/lock.ts';
import { readLock } from '../src/debian/lock-file.ts';
import { type Conf, loadConf } from '../src/project/conf.ts';
import { sequence } from '../src/project/order.ts';
import { readScriptlets, type Scriptlet } from '../src/project/scriptlet.ts';

export type Example = {
  /** The copy. */
  readonly project: string;
  readonly conf: string;
  /** A data file of a scriptlet that no other one needs, relative to `scriptlets/`. */
  readonly data: string;
  /** A data file of the scriptlet that most others need. */
  readonly sharedData: string;
  /** A scriptlet in the middle that others need, and a small package that the conf does not have. */
  readonly middle: { readonly scriptlet: string; readonly package: string };
};

export type Parts = { readonly conf: Conf; readonly lock: Lock; readonly scriptlets: readonly Scriptlet[] };

/** Leaves with few needs of their own, the smallest first. */
const SMALL_PACKAGES = ['tree', 'pv', 'ed', 'bc'];

/** Copies conf/, scriptlets/ and, as links, the debs. */
export function copyProject(from: string, to: string): void {
  for (const name of ['conf', 'scriptlets']) cpSync(join(from, name), join(to, name), { recursive: true });
  linkDebs(join(from, 'store/debs'), join(to, 'store/debs'));
}

export function linkDebs(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  if (!existsSync(from)) return;
  for (const name of readdirSync(from).filter((one) => one.endsWith('.deb'))) {
    try {
      linkSync(join(from, name), join(to, name));
    } catch {
      cpSync(join(from, name), join(to, name));
    }
  }
}

/** What snap reads of a project: the scriptlets in running order. */
export async function readParts({ project, conf: name }: Pick<Example, 'project' | 'conf'>): Promise<Parts> {
  const conf = loadConf(project, name);
  const lock = await readLock(join(project, 'conf', `${name}.lock`));
  if (!lock) throw new Error(`"${name}" has no lock`);
  const evaluations = new Map<string, string>();
  const cache = {
    get: (key: string) => evaluations.get(key),
    set: (key: string, value: string) => void evaluations.set(key, value),
    keyOf: (text: string) => text,
  };
  const scriptlets = await readScriptlets(conf, { cache });
  return { conf, lock, scriptlets: sequence(scriptlets, lock.orders) };
}

/** What the person did not choose is chosen here. */
export function chooseExample(
  project: string,
  conf: string,
  { lock, scriptlets }: Parts,
  chosen: { readonly data?: string | undefined; readonly package?: string | undefined },
): Example {
  const [scriptlet = middleOf(scriptlets), name] = chosen.package?.split('=') ?? [];
  const taken = new Set([...lock.pins.values()].map((pin) => pin.name));
  const extra = name ?? SMALL_PACKAGES.find((one) => !taken.has(one));
  if (extra === undefined)
    throw new Error('The conf has every small package; name one: --package SCRIPTLET=PACKAGE');
  return {
    project,
    conf,
    data: chosen.data ?? leafData(project, scriptlets),
    sharedData: firstData(project, mostNeeded(scriptlets)),
    middle: { scriptlet, package: extra },
  };
}

/** Of the last scriptlet that no other one needs: the kindest place for tools that build in a chain. */
function leafData(project: string, scriptlets: readonly Scriptlet[]): string {
  const leaf = scriptlets.findLast(
    ({ name, dataDir, needsAll }) => dataDir !== undefined && !needsAll && !isNeeded(name, scriptlets),
  );
  if (!leaf?.dataDir) throw new Error('No scriptlet at the end has data; name a file: --data SCRIPTLET/FILE');
  return firstData(project, leaf);
}

function mostNeeded(scriptlets: readonly Scriptlet[]): Scriptlet {
  const count = ({ name }: Scriptlet): number =>
    scriptlets.filter(({ needs }) => needs.includes(name)).length;
  const [most] = scriptlets
    .filter(({ dataDir }) => dataDir !== undefined)
    .toSorted((a, b) => count(b) - count(a));
  if (!most) throw new Error('No scriptlet has data');
  return most;
}

function firstData(project: string, { dataDir = '' }: Scriptlet): string {
  const [first] = readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return relative(join(project, 'scriptlets'), first!);
}

function middleOf(scriptlets: readonly Scriptlet[]): string {
  const distance = (at: number): number => Math.abs(at - (scriptlets.length - 1) / 2);
  const [nearest] = scriptlets
    .map(({ name, packages }, at) => ({ name, packages, at }))
    .filter(({ name, packages }) => packages.length > 0 && isNeeded(name, scriptlets))
    .sort((a, b) => distance(a.at) - distance(b.at));
  if (!nearest)
    throw new Error('No scriptlet with packages is needed by another; name one: --package SCRIPTLET=PACKAGE');
  return nearest.name;
}

function isNeeded(name: string, scriptlets: readonly Scriptlet[]): boolean {
  return scriptlets.some(({ needs }) => needs.includes(name));
}

/** One more line in the data file; never the same twice. */
export function changeData({ project }: Example, data: string, change: number): void {
  appendFileSync(join(project, 'scriptlets', data), `# change ${change}\n`);
}

/** One more package, and a file that differs each time, so that no build meets layers of an earlier run. */
export function addPackage({ project, middle }: Example, original: string, change: number): void {
  const line = `  printf '%s\\n' 'change ${change}' >/etc/bench\n`;
  const begin = /^do_run\(\) \{\n/m;
  const text = begin.test(original)
    ? original.replace(begin, (head) => head + line)
    : `${original}\ndo_run() {\n${line}}\n`;
  writeFileSync(fileOf(project, middle.scriptlet), `${text}\ninstall_debian_deb ${middle.package}\n`);
}

export function middleText({ project, middle }: Example): string {
  return readFileSync(fileOf(project, middle.scriptlet), 'utf8');
}

export function restoreMiddle({ project, middle }: Example, original: string): void {
  writeFileSync(fileOf(project, middle.scriptlet), original);
}

function fileOf(project: string, scriptlet: string): string {
  return join(project, 'scriptlets', `${scriptlet}.sh`);
}

/** A project with a lock for a conf `name` over the base alone: that of another conf, without what its scriptlets asked for. */
export function makeBaseProject(
  project: string,
  name: string,
  from: Pick<Example, 'project' | 'conf'>,
): void {
  mkdirSync(join(project, 'conf'), { recursive: true });
  mkdirSync(join(project, 'scriptlets'), { recursive: true });
  linkDebs(join(from.project, 'store/debs'), join(project, 'store/debs'));
  writeFileSync(join(project, 'conf', `${name}.lock`), baseLock(readFileSync(lockFile(from), 'utf8')));
}

export function lockFile({ project, conf }: Pick<Example, 'project' | 'conf'>): string {
  return join(project, 'conf', `${conf}.lock`);
}

/** The lines of a lock that the base and the tools need. Pure. */
export function baseLock(text: string): string {
  const lines = text.split('\n');
  const kept = new Set(
    lines.flatMap((line) => (/^(?:base|tool) (\S+):/.exec(line)?.[1] ?? []) as string | []),
  );
  return lines
    .filter((line) => {
      const [word = '', name = ''] = line.split(' ');
      if (['want', 'closure', 'order', 'uid', 'gid'].includes(word)) return false;
      return word !== 'deb' || kept.has(name);
    })
    .join('\n');
}

/** The suite and architecture of a lock as the first lines of a conf. Pure. */
export function targetLines(lock: string): string {
  return [...lock.matchAll(/^(suite|arch) (\S+)$/gm)]
    .map(([, key, value]) => `${key} = "${value}"\n`)
    .join('');
}
