import { existsSync } from 'node:fs';
import { nearest, SnapError } from '../host/error.ts';
import type { Mirror } from '../project/conf.ts';
import { explanation, type Simulated } from './apt-output.ts';
import {
  type AptRoot,
  areRecent,
  type Indexes,
  readIndexes,
  simulate,
  updateIndexes,
  withAptRoot,
  writeExcerpt,
} from './apt-root.ts';
import { controlOf } from './deb.ts';
import { debPath } from './debs.ts';
import { lookUp, requiredNames } from './listing.ts';
import {
  aptName,
  type Lock,
  type PackageId,
  type Pin,
  packageId,
  pinsByName,
  sameSet,
  uncovered,
} from './lock.ts';
import { field, installedStanza, type Stanza } from './packages.ts';
import {
  allNames,
  findStanzas,
  isOffered,
  type PackagesFile,
  packagesInMemory,
  unknownNames,
} from './packages-file.ts';
import { askers, namedVersions, type Wants } from './wants.ts';

export type ResolveRequest = {
  readonly suite: string;
  readonly arch: string;
  /** Further architectures whose packages may be wanted, as `PKG:ARCH`. */
  readonly foreignArchs?: readonly string[];
  readonly mirrors: readonly Mirror[];
  /** What each scriptlet asks for. */
  readonly wants: Wants;
  /** The lock that there is, and that of the conf which this one extends. */
  readonly lock?: Lock | undefined;
  readonly parent?: Lock | undefined;
  /** Pins to move: all but the parent's, or those of the named packages. */
  readonly update?: 'all' | readonly string[] | undefined;
  /** apt's private root; one for each set of mirrors, suite and architectures. */
  readonly aptDir: string;
  readonly debsDir: string;
  readonly offline: boolean;
  /** Ends a running apt at once. */
  readonly signal?: AbortSignal;
  /** Seconds; asked once, when a lock is made. */
  readonly now: () => number;
  /** Hears of what does not stop a resolution and should be known: a mirror that has fallen behind. */
  readonly note?: (text: string) => void;
  /** Seconds that indexes may be old before a server is asked for newer ones; it is asked at once when they have no solution. */
  readonly indexAge?: number;
};

/** Installed for the build and never in the image. */
const TOOLS = ['libeatmydata1'];

/**
 * The lock that answers for all wants: pins that there are stay where they are unless `update` names them. Asks no server when the lock
 * or the parent's covers everything.
 * @throws SnapError RESOLVE for an archive that cannot be trusted, an unknown package, or what has no solution; SCRIPTLET for a want that
 * is no package; INTERRUPTED when `signal` ended it.
 */
export async function resolve(request: ResolveRequest): Promise<Lock> {
  const versions = namedVersions(request.wants, request.arch);
  const covered = request.update === undefined ? coveredLock(request) : undefined;
  if (covered !== undefined) return covered;
  requireKeyrings(request.mirrors);
  const { aptDir: dir, mirrors, arch, foreignArchs = [], signal } = request;
  return await withAptRoot({ dir, mirrors, arch, foreignArchs, signal }, async (root) => {
    const asksServer = !request.offline;
    const recent =
      asksServer && request.update === undefined && (await areRecent(root, request.indexAge ?? 0));
    if (asksServer && !recent) await update(root, request);
    try {
      return await solve(root, request, versions);
    } catch (error) {
      // What is new in the archives since may be all that is missing.
      if (!recent || !(error instanceof SnapError) || error.code !== 'RESOLVE') throw error;
      await update(root, request);
      return await solve(root, request, versions);
    }
  });
}

async function update(root: AptRoot, { note }: ResolveRequest): Promise<void> {
  for (const { archive, suite, date } of await updateIndexes(root)) {
    note?.(
      `archive "${archive}" suite "${suite}" offers a Release file older than the one of ${minuteOf(date)} that is here: that one stays in use, the mirror lags behind or replays old packages`,
    );
  }
}

async function solve(
  root: AptRoot,
  request: ResolveRequest,
  versions: ReturnType<typeof namedVersions>,
): Promise<Lock> {
  using indexes = await readIndexes(root);
  refuseOlder(indexes, request);
  const pool = await poolOf(root, indexes, request, versions);
  requireKnown(pool, request);
  const base = await resolveBase(pool, request);
  const solution = await resolveAll(pool, base, request);
  const closures = await resolveClosures(pool, base, solution, request);
  return newLock(request, indexes, base, solution, closures);
}

/** Where packages may come from: the indexes, pins that left them, and which versions must stay. */
type Pool = {
  readonly root: AptRoot;
  /** The indexes, and cached debs that they have no more. */
  readonly files: readonly PackagesFile[];
  /** Names of the packages that every system has. */
  readonly required: readonly string[];
  /** The lists that apt sees of the indexes. */
  readonly lists: string;
  /** Stanzas of the cached debs. */
  readonly extra: string;
  /** Pins that must not move, by package as apt calls it. */
  readonly kept: ReadonlyMap<string, Pin>;
  /** Kept pins that neither the indexes nor the cache has. */
  readonly lost: ReadonlyMap<string, Pin>;
  readonly preferences: string;
};

/** A package of the solution with its stanza. */
type Found = { readonly pin: Pin; readonly stanza: string };
/** By package as apt calls it. */
type Solution = ReadonlyMap<string, Found>;

// What needs no apt

/** The lock made of closures that the lock or its parent has already, or undefined when they do not cover all wants. */
function coveredLock(request: ResolveRequest): Lock | undefined {
  const { lock, parent } = request;
  if (lock !== undefined && uncovered(lock, request.wants).length === 0) return lock;
  const sources = [lock, parent].filter((one) => one !== undefined).filter((one) => fits(one, request));
  const first = sources[0];
  if (first === undefined) return undefined;
  const pins = new Map<string, Pin>();
  const closures = new Map<string, Lock['closures'] extends ReadonlyMap<string, infer C> ? C : never>();
  const agree = (from: Lock, ids: readonly PackageId[]) =>
    ids.every((id) => {
      const pin = from.pins.get(id);
      if (pin === undefined) return false;
      const name = aptName(pin, request.arch);
      const other = pins.get(name);
      pins.set(name, other ?? pin);
      return other === undefined || samePin(other, pin);
    });
  if (!agree(first, [...first.base, ...first.tools])) return undefined;
  for (const [name, wants] of asked(request.wants)) {
    const from = sources.find((source) => sameSet(source.closures.get(name)?.wants ?? [], wants));
    const closure = from?.closures.get(name);
    if (from === undefined || closure === undefined || !agree(from, closure.debs)) return undefined;
    closures.set(name, closure);
  }
  const releases = new Map(
    sources
      .toReversed()
      .flatMap((one) => one.releases.map((release) => [`${release.archive} ${release.suite}`, release])),
  );
  return {
    ...learned(request),
    releases: [...releases.values()],
    base: first.base,
    tools: first.tools,
    closures,
    pins: byId([...pins.values()]),
  };
}

function fits(lock: Lock, { suite, arch, mirrors }: ResolveRequest): boolean {
  const names = new Set(mirrors.map((mirror) => mirror.name));
  return (
    lock.suite === suite &&
    lock.arch === arch &&
    [...lock.pins.values()].every((pin) => names.has(pin.archive))
  );
}

/** What no resolution changes: taken from the lock, else from its parent, else new. */
function learned({ suite, arch, lock, parent, now }: ResolveRequest) {
  const from = lock ?? parent;
  return {
    suite,
    arch,
    epoch: from?.epoch ?? now(),
    orders: from?.orders ?? [],
    uids: from?.uids ?? new Map<string, number>(),
    gids: from?.gids ?? new Map<string, number>(),
  };
}

/** Pins that must not move: the lock's, then the parent's; with `update` the parent's stay, so that a conf follows the one it extends. */
function keptPins({ lock, parent, update, suite, arch }: ResolveRequest): Map<string, Pin> {
  const own = pinsByName(lock, arch);
  const fitting = parent !== undefined && parent.suite === suite && parent.arch === arch ? parent : undefined;
  const inherited = pinsByName(fitting, arch);
  if (update === undefined) return new Map([...inherited, ...own]);
  if (update === 'all') return inherited;
  const unknown = update.find((name) => !own.has(name));
  if (unknown !== undefined) throw unknownUpdate(unknown, own.keys());
  // All of one package move together: those that are installed for several architectures must have one version.
  const moving = new Set(update.map((name) => own.get(name)?.name));
  for (const [name, pin] of own) if (moving.has(pin.name)) own.delete(name);
  return new Map([...inherited, ...own]);
}

function unknownUpdate(name: string, names: Iterable<string>): SnapError {
  const near = nearest(name, names);
  return new SnapError('RESOLVE', `Cannot update "${name}": the lock has no such package`, {
    hint:
      near.length > 0
        ? `did you mean ${list(near)}?`
        : 'see the packages of the lock: grep ^deb conf/NAME.lock',
  });
}

// The pool

async function poolOf(
  root: AptRoot,
  indexes: Indexes,
  request: ResolveRequest,
  versions: ReadonlyMap<string, string>,
): Promise<Pool> {
  const kept = keptPins(request);
  for (const [name, version] of versions) if (kept.get(name)?.version !== version) kept.delete(name);
  const absent = [...kept.values()].filter((pin) => !isOffered(indexes.packages, versionKey(pin)));
  const cached = absent.filter((pin) => existsSync(debPath(request.debsDir, pin)));
  const stanzas = await Promise.all(
    cached.map(async (pin) => cachedStanza(pin, await controlOf(debPath(request.debsDir, pin)))),
  );
  const gone = absent.filter((pin) => !cached.includes(pin));
  const lost = new Map(gone.map((pin) => [aptName(pin, request.arch), pin]));
  const pinned = [...[...kept].map(([name, pin]): [string, string] => [name, pin.version]), ...versions];
  const files = [...indexes.packages, ...stanzas.map(packagesInMemory)];
  const native = indexes.packages.filter(({ arch }) => !request.foreignArchs?.includes(arch));
  const required = [...new Set(native.flatMap(({ listing }) => requiredNames(listing))), 'apt'].sort();
  return {
    root,
    files,
    required,
    lists: await writeExcerpt(root, indexes, files, seedsOf(required, request)),
    extra: stanzas.map(({ text }) => `${text}\n`).join('\n'),
    kept,
    lost,
    preferences: pinned.map(preference).join('\n'),
  };
}

/** Whatever apt may be asked for. */
function seedsOf(required: readonly string[], { wants, arch, lock, parent }: ResolveRequest): Set<string> {
  const bases = [lock, parent].flatMap((one) => one?.base.map((id) => one.pins.get(id)!.name) ?? []);
  const wanted = [...askers(wants, arch).keys()].map((name) => name.split(':')[0]!);
  return new Set([...required, ...bases, ...wanted, ...TOOLS]);
}

function preference([name, version]: readonly [string, string]): string {
  return `Package: ${name}\nPin: version ${version}\nPin-Priority: 1001\n`;
}

function cachedStanza(pin: Pin, control: string): Stanza {
  const bytes = Buffer.from(control.trimEnd(), 'utf8').toString('latin1');
  const text = `${bytes}\nFilename: ${pin.path}\nSize: ${pin.size}\nSHA256: ${pin.sha256}`;
  return { archive: pin.archive, text };
}

// The three questions to apt

/** The essential and required packages with what they depend on; a base whose pins all stay is not asked for again. */
async function resolveBase(pool: Pool, request: ResolveRequest): Promise<Solution> {
  const settled = [request.lock, request.parent].find(
    (lock) =>
      lock !== undefined &&
      stays(pool, lock, lock.base) &&
      lock.suite === request.suite &&
      lock.arch === request.arch,
  );
  if (settled !== undefined)
    return await found(
      pool,
      settled.base.map((id) => settled.pins.get(id)!),
    );
  const names = new Set(pool.required);
  // The base is merged when it is made; without this apt takes the first alternative and perl with it.
  const offers = pool.required.flatMap((name) =>
    pool.files.flatMap(({ listing }) => lookUp(listing, name).offers),
  );
  if (offers.some((offer) => ['usrmerge', 'usr-is-merged'].every((name) => offer.needs.includes(name))))
    names.add('usr-is-merged');
  const outcome = await simulate(pool.root, { ...fromPool(pool), status: '', packages: [...names].sort() });
  if (outcome.exitCode !== 0) throw noSolution('the base', explanation(outcome), pool);
  return await found(pool, outcome.result.installed);
}

function stays(pool: Pool, lock: Lock, ids: readonly PackageId[]): boolean {
  return ids.every((id) => {
    const pin = lock.pins.get(id);
    const kept = pin && pool.kept.get(aptName(pin, pool.root.arch));
    return pin !== undefined && kept !== undefined && samePin(pin, kept);
  });
}

/** One solution for all scriptlets at once, over the base. */
async function resolveAll(pool: Pool, base: Solution, request: ResolveRequest): Promise<Solution> {
  const status = statusOf(base);
  const ask = async (wants: Iterable<string>) => {
    const packages = [...[...new Set(wants)].sort(), ...TOOLS];
    const outcome = await simulate(pool.root, { ...fromPool(pool), status, packages });
    return {
      ...outcome,
      conflict: outcome.exitCode === 0 ? removalLines(outcome.result) : explanation(outcome),
    };
  };
  const { result, exitCode, conflict } = await ask([...request.wants.values()].flat());
  if (exitCode === 0 && conflict.length === 0) return await found(pool, result.installed);
  const guilty = mentioned(conflict, request);
  if (guilty.length === 0) {
    await inPairs([...asked(request.wants)], async ([name, wants]) => {
      const alone = await ask(wants);
      if (alone.exitCode !== 0 || alone.conflict.length > 0) guilty.push(name);
    });
  }
  const who = guilty.length > 0 ? scriptlets(guilty) : 'all scriptlets together';
  throw noChoice(conflict, request.wants) ?? noSolution(who, conflict, pool);
}

function removalLines(result: Simulated): string[] {
  return result.removed.map((name) => ` ${name} of the base would have to be removed`);
}

/** The scriptlets whose wants apt's explanation names. */
function mentioned(lines: readonly string[], { wants, arch }: ResolveRequest): string[] {
  const words = new Set(lines.flatMap((line) => line.split(/[^a-z0-9+.-]+/)));
  const isMeant = (name: string) => words.has(name.split(':')[0]!);
  const guilty = [...askers(wants, arch)].filter(([name]) => isMeant(name)).flatMap(([, names]) => names);
  return [...new Set(guilty)];
}

type Closure = { readonly wants: readonly string[]; readonly debs: readonly PackageId[] };

/**
 * What each scriptlet's packages bring over the bare base, from the packages of the one solution alone, so that choices between alternatives
 * agree everywhere. A closure that the lock or the parent has already stays as it is while its pins do.
 */
async function resolveClosures(
  pool: Pool,
  base: Solution,
  solution: Solution,
  request: ResolveRequest,
): Promise<Map<string, Closure>> {
  const status = statusOf(base);
  const extra = [...solution.values()].map(({ stanza }) => `${stanza}\n`).join('\n');
  const everything = new Map([...base, ...solution]);
  const closures = new Map<string, Closure>();
  await inPairs([...asked(request.wants)], async ([name, wants]) => {
    closures.set(name, settledClosure(name, wants, everything, request) ?? (await ask(name, wants)));
  });
  return new Map([...asked(request.wants)].map(([name]) => [name, closures.get(name)!]));

  async function ask(name: string, wants: readonly string[]): Promise<Closure> {
    const outcome = await simulate(pool.root, { status, extra, packages: wants });
    if (outcome.exitCode !== 0) throw noSolution(scriptlets([name]), explanation(outcome), pool);
    return { wants, debs: outcome.result.installed.map(packageId) };
  }
}

function settledClosure(
  name: string,
  wants: readonly string[],
  solution: Solution,
  { arch, lock, parent, update }: ResolveRequest,
): Closure | undefined {
  const sources = update === undefined ? [lock, parent] : [parent, lock];
  for (const source of sources) {
    const closure = source?.closures.get(name);
    if (source === undefined || closure === undefined || !sameSet(closure.wants, wants)) continue;
    const same = closure.debs.every((id) => {
      const pin = source.pins.get(id);
      const now = pin && solution.get(aptName(pin, arch))?.pin;
      return pin !== undefined && now !== undefined && samePin(pin, now);
    });
    if (same) return { wants, debs: closure.debs };
  }
  return undefined;
}

async function inPairs<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all([worker(), worker()]);
}

// From apt's answers to pins

/** Pins and stanzas of packages, in their order; a kept pin stays the pin that it was. */
async function found(pool: Pool, packages: Simulated['installed']): Promise<Solution> {
  const nameOf = (one: { name: string; arch: string }) => aptName(one, pool.root.arch);
  const moved = packages.flatMap((one) => {
    const lost = pool.lost.get(nameOf(one));
    return lost !== undefined && pool.kept.get(nameOf(one)) === lost ? [lost] : [];
  });
  if (moved.length > 0) throw versionsGone(moved);
  const stanzas = findStanzas(pool.files, new Set(packages.map(versionKey)));
  return new Map(
    packages.map((one): [string, Found] => {
      const stanza = stanzas.get(versionKey(one));
      if (stanza === undefined) throw new Error(`apt chose "${versionKey(one)}", which no index has`);
      const kept = pool.kept.get(nameOf(one));
      const pin = kept?.version === one.version ? kept : pinOf(stanza);
      return [nameOf(one), { pin, stanza: stanza.text }];
    }),
  );
}

function pinOf({ archive, text }: Stanza): Pin {
  return {
    name: field(text, 'Package'),
    arch: field(text, 'Architecture'),
    version: field(text, 'Version'),
    size: Number(field(text, 'Size')),
    sha256: field(text, 'SHA256'),
    archive,
    path: field(text, 'Filename').replace(/^(?:\.\/)+/, ''),
  };
}

function newLock(
  request: ResolveRequest,
  indexes: Indexes,
  base: Solution,
  solution: Solution,
  closures: Map<string, Closure>,
): Lock {
  const tools = TOOLS.map((name) => packageId((solution.get(name) ?? base.get(name))!.pin));
  const all = byId([...base.values(), ...solution.values()].map(({ pin }) => pin));
  const baseIds = [...base.values()].map(({ pin }) => packageId(pin));
  const used = [...baseIds, ...tools, ...[...closures.values()].flatMap(({ debs }) => debs)];
  return {
    ...learned(request),
    releases: indexes.releases,
    base: baseIds,
    tools,
    closures,
    pins: new Map([...new Set(used)].map((id) => [id, all.get(id)!])),
  };
}

// Refusals before apt is asked, and after

function requireKeyrings(mirrors: readonly Mirror[]): void {
  for (const { name, signedBy } of mirrors) {
    if (signedBy === undefined || !signedBy.startsWith('/') || existsSync(signedBy)) continue;
    throw new SnapError(
      'RESOLVE',
      `Archive "${name}" is signed by a key in "${signedBy}", and there is no such file`,
      {
        hint: 'install the keyring, for Debian: apt-get install debian-archive-keyring',
      },
    );
  }
}

function refuseOlder({ releases }: Indexes, { lock, parent }: ResolveRequest): void {
  for (const before of [...(lock?.releases ?? []), ...(parent?.releases ?? [])]) {
    const now = releases.find((one) => one.archive === before.archive && one.suite === before.suite);
    if (now === undefined || now.date >= before.date) continue;
    throw new SnapError(
      'RESOLVE',
      `Cannot use archive "${now.archive}" suite "${now.suite}": its Release file of ${minuteOf(now.date)} is older than the one of ${minuteOf(before.date)} that the lock was made from`,
      { hint: 'the mirror lags behind or replays old packages: use another, or wait until it has caught up' },
    );
  }
}

function requireKnown(pool: Pool, { wants, arch }: ResolveRequest): void {
  const asking = askers(wants, arch);
  const unknown = unknownNames(pool.files, [...asking.keys(), ...TOOLS]);
  const [first, ...others] = unknown;
  if (first === undefined) return;
  const lost = unknown.flatMap((name) => pool.lost.get(name) ?? []);
  if (lost.length > 0) throw versionsGone(lost);
  const names = allNames(pool.files);
  const near = (name: string) => nearest(name.split(':')[0]!, names);
  const who = (name: string) => scriptlets(asking.get(name) ?? []);
  const hint = near(first);
  throw new SnapError('RESOLVE', `Cannot find package "${first}", which ${who(first)} installs`, {
    lines: others.map(
      (name) =>
        `nor "${name}" of ${who(name)}${near(name).length > 0 ? `: did you mean ${list(near(name))}?` : ''}`,
    ),
    hint: hint.length > 0 ? `did you mean ${list(hint)}?` : 'see the names: apt-cache search WORD',
  });
}

/** What apt says of a single want: a version that is nowhere, or a name that several packages provide. */
function noChoice(lines: readonly string[], wants: Wants): SnapError | undefined {
  const text = lines.join('\n');
  const version = /^E: Version '(.*)' for '(.*)' was not found/m.exec(text);
  const virtual = /^E: Package '(.*)' has no installation candidate/m.exec(text);
  const who = (want: string) =>
    scriptlets([...wants].filter(([, texts]) => texts.includes(want)).map(([scriptlet]) => scriptlet));
  if (version !== null) {
    const [, wanted = '', name = ''] = version;
    return new SnapError(
      'RESOLVE',
      `Cannot find version "${wanted}" of package "${name}", which ${who(`${name}=${wanted}`)} installs`,
      {
        hint: `see the versions: apt-cache madison ${name}`,
      },
    );
  }
  if (virtual === null) return undefined;
  const [, name = ''] = virtual;
  return new SnapError(
    'RESOLVE',
    `Cannot install "${name}" of ${who(name)}: it is a name that other packages provide`,
    {
      lines: lines.filter((line) => line.startsWith('  ')),
      hint: 'name the one that you want',
    },
  );
}

function noSolution(what: string, lines: readonly string[], pool: Pool): SnapError {
  const needed = lines.flatMap((line) => /Depends: (\S+) \(/.exec(line)?.[1] ?? []);
  const pinned = [...new Set(needed)].filter((name) => pool.kept.has(name)).sort();
  return new SnapError('RESOLVE', `Cannot install the packages of ${what}: they do not fit together`, {
    lines,
    hint:
      pinned.length > 0
        ? `if a pinned version is in the way: snap lock --update ${pinned.join(' ')}`
        : 'leave one of the packages out',
  });
}

function versionsGone(pins: readonly Pin[]): SnapError {
  const [first] = pins;
  const rest = pins.length > 1 ? ` and ${pins.length - 1} more` : '';
  return new SnapError(
    'RESOLVE',
    `Package "${first?.name}" ${first?.version}${rest} is gone from archive "${first?.archive}", and the store has no copy`,
    {
      lines: pins.length > 1 ? pins.map(({ name, version }) => `${name} ${version}`) : [],
      hint: `move to the version that is there: snap lock --update ${pins.map(({ name }) => name).join(' ')}`,
    },
  );
}

// Small words

function* asked(wants: Wants): Generator<[string, readonly string[]]> {
  for (const [name, packages] of wants) if (packages.length > 0) yield [name, packages];
}

function fromPool(pool: Pool) {
  const { lists, preferences, extra } = pool;
  return { lists, preferences, ...(extra === '' ? {} : { extra }) };
}

function statusOf(solution: Solution): string {
  return [...solution.values()].map(({ stanza }) => `${installedStanza(stanza)}\n`).join('\n');
}

function byId(pins: readonly Pin[]): Map<PackageId, Pin> {
  return new Map(pins.map((pin) => [packageId(pin), pin]));
}

function minuteOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
}

function versionKey({ name, version, arch }: Pick<Pin, 'name' | 'version' | 'arch'>): string {
  return `${name} ${version} ${arch}`;
}

function samePin(a: Pin, b: Pin): boolean {
  return a.sha256 === b.sha256 && a.version === b.version && a.arch === b.arch;
}

function scriptlets(names: readonly string[]): string {
  return names.length === 0 ? 'snap itself' : `scriptlet${names.length > 1 ? 's' : ''} ${list(names)}`;
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
