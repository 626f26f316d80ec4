import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errno, SnapError } from '../host/error.ts';
import { makeFolders } from '../host/folder.ts';
import { attempt, type Outcome } from '../host/program.ts';
import type { Mirror } from '../project/conf.ts';
import { bare, fetchedReleases, parseSimulation, type Simulated, updateProblems } from './apt-output.ts';
import { hostProxySettings, proxyVariables } from './host-proxy.ts';
import { reachable } from './listing.ts';
import type { Lock } from './lock.ts';
import { openPackages, type PackagesFile } from './packages-file.ts';
import { DEBIAN_KEYRING } from './sources.ts';

/** apt with a configuration, sources and lists of its own: nothing of the host's is read but its proxies. */
export type AptRoot = {
  readonly dir: string;
  readonly mirrors: readonly Mirror[];
  readonly arch: string;
  readonly foreignArchs: readonly string[];
  /** Ends a running apt with all that it started. */
  readonly signal: AbortSignal | undefined;
  /** A folder below `dir` for this run alone, relative. */
  readonly run: string;
};

/** What the archives offer, open until it is disposed of. */
export type Indexes = Disposable & {
  readonly packages: readonly IndexFile[];
  readonly releases: Lock['releases'];
};

/** A `Packages` file in apt's lists; all files of its suite begin with `prefix`. */
export type IndexFile = PackagesFile & { readonly file: string; readonly prefix: string };

/** One `apt-get -s install`. */
export type Simulation = {
  /** dpkg's status of the system to install on. */
  readonly status: string;
  readonly packages: readonly string[];
  /** apt preferences: what is pinned. */
  readonly preferences?: string;
  /** Stanzas of a further `Packages` file. */
  readonly extra?: string;
  /** What apt sees of the archives: a folder that `writeExcerpt` made. Without it apt sees `extra` alone. */
  readonly lists?: string;
};

/**
 * Makes or reuses the private root in `dir`, runs `use` with it, and removes what the run left there. Paths given to apt are relative,
 * since its configuration has no way to write some characters.
 */
export async function withAptRoot<T>(
  own: Omit<AptRoot, 'run'>,
  use: (root: AptRoot) => Promise<T>,
): Promise<T> {
  const { dir, mirrors } = own;
  const archs = [own.arch, ...own.foreignArchs];
  for (const folder of [`${LISTS}/partial`, 'cache/archives/partial', 'sources.d', 'none']) {
    makeFolders(join(dir, folder), 0o700);
  }
  await writeFile(join(dir, 'apt.conf'), configuration(archs, await hostProxySettings()));
  await writeFile(
    join(dir, 'sources.d/snap.sources'),
    mirrors.map((one) => sourceStanza(one, archs)).join('\n'),
  );
  const run = await mkdtemp(join(dir, 'run-'));
  try {
    return await use({ ...own, run: basename(run) });
  } finally {
    await rm(run, { recursive: true, force: true });
  }
}

/** An archive that offers an older Release file than the one that is here already; `date` is of that one, seconds. */
export type Outdated = { readonly archive: string; readonly suite: string; readonly date: number };

/**
 * Brings the indexes up to date, checked by apt against their signed Release files. An index never becomes older: archives that would have
 * made it so are returned.
 * @throws SnapError RESOLVE naming archive, suite and reason.
 */
export async function updateIndexes(root: AptRoot): Promise<Outdated[]> {
  // Nothing that apt is asked needs all packages.
  const options = given(['pkgCacheFile::Generate=false', 'Debug::pkgAcquire::Auth=true']);
  const update = ['apt-get', 'update', '-q', '--error-on=any', ...options];
  const outcome = await apt(root, ['flock', 'lists.lock', ...update]);
  if (outcome.exitCode === 0) {
    await writeFile(join(root.dir, UPDATED), '');
    return await outdated(root, fetchedReleases(outcome.stderr));
  }
  const [first, ...others] = updateProblems(outcome.stderr, root.mirrors);
  const where = first?.archive === undefined ? '' : ` "${first.archive}"`;
  const suite = first?.suite === undefined ? '' : ` suite "${first.suite}"`;
  throw new SnapError(
    'RESOLVE',
    `Cannot use archive${where}${suite}: ${first?.reason ?? `apt-get exited with ${outcome.exitCode}`}`,
    {
      lines: others.map(
        ({ archive, suite: other, reason }) => `${archive ?? 'apt'} ${other ?? ''}: ${reason}`,
      ),
      hint: 'no package was taken from it; see what apt said with: LC_ALL=C apt-get update',
    },
  );
}

/** apt passes over an older Release file without a word: what it fetched is not what it keeps. */
async function outdated(root: AptRoot, fetched: ReadonlyMap<string, string>): Promise<Outdated[]> {
  const found = new Map<string, Outdated>();
  for (const { prefix, uri, suite, archive } of await indexTargets(root)) {
    for (const name of ['InRelease', 'Release']) {
      const sha256 = fetched.get(`${bare(uri)}/dists/${suite}/${name}`);
      const kept = sha256 && (await readFile(prefix + name).catch(() => undefined));
      if (kept && createHash('sha256').update(kept).digest('hex') !== sha256)
        found.set(prefix, { archive, suite, date: await releaseDate(prefix) });
    }
  }
  return [...found.values()];
}

/** What apt has fetched and checked. */
const LISTS = 'state/lists';

/** A file whose time tells when the indexes were last brought up to date. */
const UPDATED = 'updated';

/** Whether the indexes were brought up to date within so many seconds, for these very mirrors. */
export async function areRecent(root: AptRoot, seconds: number): Promise<boolean> {
  const made = await stat(join(root.dir, UPDATED)).catch(() => undefined);
  const age = made === undefined ? Number.POSITIVE_INFINITY : (Date.now() - made.mtimeMs) / 1000;
  return age >= 0 && age < seconds;
}

/**
 * The indexes that are there, in the order of the sources.
 * @throws SnapError RESOLVE when an archive has none.
 */
export async function readIndexes(root: AptRoot): Promise<Indexes> {
  const packages: (IndexFile & Disposable)[] = [];
  const dispose = () => {
    for (const file of packages) file[Symbol.dispose]();
  };
  try {
    const releases = new Map<string, Lock['releases'][number]>();
    for (const { file, prefix, archive, arch, names, suite } of await indexTargets(root)) {
      if (!existsSync(file)) continue;
      const opened = openPackages(file, { archive, arch }, listingPlace(root, file));
      packages.push({ ...opened, file, prefix });
      const date = await releaseDate(prefix);
      for (const name of names) releases.set(`${name} ${suite}`, { archive: name, suite, date });
    }
    requireAll(root, releases);
    return { packages, releases: [...releases.values()], [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** A `Packages` file that the sources ask for, whether it is there or not. */
type Target = {
  readonly file: string;
  readonly prefix: string;
  readonly uri: string;
  readonly suite: string;
  readonly arch: string;
  /** The first of the mirrors that offer it. */
  readonly archive: string;
  /** All of them. */
  readonly names: readonly string[];
};

async function indexTargets(root: AptRoot): Promise<Target[]> {
  const format = '$(FILENAME)|$(METAKEY)|$(REPO_URI)|$(RELEASE)|$(ARCHITECTURE)|$(CREATED_BY)';
  // With the lists at hand apt would go through all packages first.
  const options = ['Dir::State::lists=./none/', 'APT::Get::IndexTargets::ReleaseInfo=false'];
  const { stdout } = await apt(root, ['apt-get', 'indextargets', ...given(options), '--format', format]);
  const targets = stdout.split('\n').map((line) => line.split('|'));
  return targets.flatMap(([list = '', metaKey = '', uri = '', suite = '', arch = '', kind]) => {
    const offering = root.mirrors.filter((one) => sameUri(one.uri, uri) && one.suites.includes(suite));
    const names = offering.map(({ name }) => name);
    if (kind !== 'Packages' || names[0] === undefined) return [];
    const file = join(root.dir, LISTS, basename(list));
    const prefix = file.slice(0, file.length - metaKey.length);
    return [{ file, prefix, uri, suite, arch, archive: names[0], names }];
  });
}

function listingPlace({ dir, run }: AptRoot, file: string) {
  const name = `${basename(file)}.listing`;
  return { kept: join(dir, 'cache', name), scratch: join(dir, run, name) };
}

/**
 * Lists of their own for apt, in a folder of the run: of the archives' packages those that `seeds` lead to through `files`, in the order in
 * which they stand there. apt reads, and goes through, some hundred packages instead of 65,000 for each question, and answers the same.
 */
export async function writeExcerpt(
  root: AptRoot,
  { packages }: Indexes,
  files: readonly PackagesFile[],
  seeds: Iterable<string>,
): Promise<string> {
  const folder = await mkdtemp(join(root.dir, root.run, 'lists-'));
  const offers = reachable(files, seeds);
  for (const one of packages) {
    const text = one.stanzas(offers.get(one) ?? []).map((stanza) => `${stanza}\n\n`);
    await writeFile(join(folder, basename(one.file)), text.join(''), 'latin1');
  }
  for (const prefix of new Set(packages.map((one) => one.prefix))) await copyRelease(prefix, folder);
  return `./${root.run}/${basename(folder)}/`;
}

/** What apt knows of a suite beside its packages: origin, priority, whether it is to be taken without being asked for. */
async function copyRelease(prefix: string, folder: string): Promise<void> {
  for (const name of ['InRelease', 'Release', 'Release.gpg']) {
    await copyFile(prefix + name, join(folder, basename(prefix) + name)).catch((error) => {
      if (errno(error) !== 'ENOENT') throw error;
    });
  }
}

/** Asks apt; the outcome is apt's, whatever its exit code. */
export async function simulate(
  root: AptRoot,
  simulation: Simulation,
): Promise<Outcome & { result: Simulated }> {
  const run = await mkdtemp(join(root.dir, root.run, 'sim-'));
  const place = `./${root.run}/${basename(run)}`;
  await writeFile(join(run, 'status'), simulation.status, 'latin1');
  await writeFile(join(run, 'preferences'), simulation.preferences ?? '', 'latin1');
  await writeFile(join(run, 'Packages'), simulation.extra ?? '', 'latin1');
  const options = [
    `Dir::State::status=${place}/status`,
    `Dir::Etc::preferences=${place}/preferences`,
    ...(simulation.lists === undefined ? EXTRA_ALONE : [`Dir::State::lists=${simulation.lists}`]),
  ];
  const outcome = await apt(root, [
    'apt-get',
    '-s',
    '-q',
    ...given(options),
    ...(simulation.extra === undefined ? [] : ['--with-source', `${place}/Packages`]),
    'install',
    '--',
    ...simulation.packages,
  ]);
  return { ...outcome, result: parseSimulation(outcome.stdout) };
}

const EXTRA_ALONE = ['Dir::Etc::sourceparts=./none/', 'Dir::State::lists=./none/'];

function given(options: readonly string[]): string[] {
  return options.flatMap((option) => ['-o', option]);
}

function apt(root: AptRoot, command: readonly string[]): Promise<Outcome> {
  const env = { ...proxyVariables(), APT_CONFIG: './apt.conf' };
  return attempt(command, { cwd: root.dir, env, signal: root.signal, apart: true });
}

/** apt's simulation goes through all buckets for each line that it prints: by default 196,613, for all of Debian. A prime. */
const BUCKETS = 10_007;

function configuration(archs: readonly string[], proxies: readonly string[]): string {
  return `Dir::State "./state/";
Dir::State::lists "lists/";
Dir::State::status "/dev/null";
Dir::Cache "./cache/";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Cache-HashTableSize "${BUCKETS}";
Dir::Etc "./";
Dir::Etc::parts "./none/";
Dir::Etc::main "/dev/null";
Dir::Etc::netrc "/dev/null";
Dir::Etc::netrcparts "./none/";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "./sources.d/";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "./none/";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d/";
Dir::Log::Planner "/dev/null";
APT::Architecture "${archs[0]}";
APT::Architectures { ${archs.map((arch) => `"${arch}";`).join(' ')} };
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::Show-Upgraded "false";
Acquire::Languages "none";
Acquire::Check-Valid-Until "true";
Acquire::Check-Date "true";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Debug::NoLocking "true";
${proxies.join('\n')}
`;
}

function sourceStanza(mirror: Mirror, archs: readonly string[]): string {
  const key = (mirror.signedBy ?? DEBIAN_KEYRING).trimEnd().split('\n');
  const signedBy =
    key.length === 1 ? ` ${key[0]}` : key.map((line) => `\n ${line === '' ? '.' : line}`).join('');
  return [
    'Types: deb',
    `URIs: ${mirror.uri.replace(/\/*$/, '/')}`,
    `Suites: ${mirror.suites.join(' ')}`,
    `Components: ${mirror.components.join(' ')}`,
    `Architectures: ${archs.join(' ')}`,
    `Signed-By:${signedBy}`,
    '',
  ].join('\n');
}

/** The `Date` of the Release file whose indexes begin with `prefix`, seconds. */
async function releaseDate(prefix: string): Promise<number> {
  for (const name of ['InRelease', 'Release']) {
    const text = await readFile(prefix + name, 'latin1').catch(() => '');
    const date = Date.parse(/^Date: (.*)$/m.exec(text)?.[1] ?? '');
    if (!Number.isNaN(date)) return date / 1000;
  }
  throw new SnapError('RESOLVE', `The Release file of "${basename(prefix)}" has no date`);
}

function requireAll(root: AptRoot, releases: ReadonlyMap<string, unknown>): void {
  for (const mirror of root.mirrors) {
    const missing = mirror.suites.find((suite) => !releases.has(`${mirror.name} ${suite}`));
    if (missing === undefined) continue;
    throw new SnapError(
      'RESOLVE',
      `Archive "${mirror.name}" suite "${missing}" has no index for "${root.arch}" and "${mirror.components.join(' ')}"`,
      { hint: 'run without --offline, or correct the suite, architecture or components in the conf' },
    );
  }
}

function sameUri(a: string, b: string): boolean {
  return bare(a) === bare(b);
}
