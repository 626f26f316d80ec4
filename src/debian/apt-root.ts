import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { attempt, type Outcome } from '../host/program.ts';
import type { Mirror } from '../project/conf.ts';
import { parseSimulation, type Simulated, updateProblems } from './apt-output.ts';
import { hostProxySettings, proxyVariables } from './host-proxy.ts';
import type { Lock } from './lock.ts';
import type { PackagesText } from './packages.ts';
import { DEBIAN_KEYRING } from './sources.ts';

/** apt with a configuration, sources and lists of its own: nothing of the host's is read but its proxies. */
export type AptRoot = {
  readonly dir: string;
  readonly mirrors: readonly Mirror[];
  readonly arch: string;
  /** A folder below `dir` for this run alone, relative. */
  readonly run: string;
};

export type Indexes = { readonly packages: readonly PackagesText[]; readonly releases: Lock['releases'] };

/** One `apt-get -s install`. */
export type Simulation = {
  /** dpkg's status of the system to install on. */
  readonly status: string;
  readonly packages: readonly string[];
  /** apt preferences: what is pinned. */
  readonly preferences?: string;
  /** Stanzas of a further `Packages` file. */
  readonly extra?: string;
  /** apt sees the archives, or `extra` alone. */
  readonly universe: 'archives' | 'extra';
};

/**
 * Makes or reuses the private root in `dir`, runs `use` with it, and removes what the run left there. Paths given to apt are relative,
 * since its configuration has no way to write some characters.
 */
export async function withAptRoot<T>(
  { dir, mirrors, arch }: Omit<AptRoot, 'run'>,
  use: (root: AptRoot) => Promise<T>,
): Promise<T> {
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'sources.d', 'none']) {
    await mkdir(join(dir, folder), { recursive: true, mode: 0o700 });
  }
  await writeFile(join(dir, 'apt.conf'), configuration(arch, await hostProxySettings()));
  await writeFile(
    join(dir, 'sources.d/snap.sources'),
    mirrors.map((one) => sourceStanza(one, arch)).join('\n'),
  );
  const run = await mkdtemp(join(dir, 'run-'));
  try {
    return await use({ dir, mirrors, arch, run: basename(run) });
  } finally {
    await rm(run, { recursive: true, force: true });
  }
}

/**
 * Brings the indexes up to date, checked by apt against their signed Release files.
 * @throws SnapError RESOLVE naming archive, suite and reason.
 */
export async function updateIndexes(root: AptRoot): Promise<void> {
  const outcome = await apt(root, ['flock', 'lists.lock', 'apt-get', 'update', '-q', '--error-on=any']);
  if (outcome.exitCode === 0) {
    await writeFile(join(root.dir, UPDATED), '');
    return;
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
  const format = '$(FILENAME)|$(METAKEY)|$(REPO_URI)|$(RELEASE)|$(CREATED_BY)';
  const { stdout } = await apt(root, ['apt-get', 'indextargets', '--format', format]);
  const targets = stdout
    .split('\n')
    .map((line) => line.split('|'))
    .filter((words) => words[4] === 'Packages');
  const packages: PackagesText[] = [];
  const releases = new Map<string, Lock['releases'][number]>();
  for (const [file = '', metaKey = '', uri = '', suite = ''] of targets) {
    const offering = root.mirrors.filter((one) => sameUri(one.uri, uri) && one.suites.includes(suite));
    if (offering[0] === undefined) continue;
    packages.push({ archive: offering[0].name, text: await readFile(join(root.dir, file), 'latin1') });
    const date = await releaseDate(join(root.dir, file.slice(0, file.length - metaKey.length)));
    for (const { name } of offering) releases.set(`${name} ${suite}`, { archive: name, suite, date });
  }
  requireAll(root, releases);
  return { packages, releases: [...releases.values()] };
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
    ...(simulation.universe === 'archives' ? [] : EXTRA_ALONE),
  ];
  const outcome = await apt(root, [
    'apt-get',
    '-s',
    '-q',
    ...options.flatMap((option) => ['-o', option]),
    ...(simulation.extra === undefined ? [] : ['--with-source', `${place}/Packages`]),
    'install',
    '--',
    ...simulation.packages,
  ]);
  return { ...outcome, result: parseSimulation(outcome.stdout) };
}

const EXTRA_ALONE = [
  'Dir::Etc::sourceparts=./none/',
  'Dir::State::lists=./none/',
  'Dir::Cache::pkgcache=',
  'Dir::Cache::srcpkgcache=',
];

function apt(root: AptRoot, command: readonly string[]): Promise<Outcome> {
  return attempt(command, { cwd: root.dir, env: { ...proxyVariables(), APT_CONFIG: './apt.conf' } });
}

function configuration(arch: string, proxies: readonly string[]): string {
  return `Dir::State "./state/";
Dir::State::lists "lists/";
Dir::State::status "/dev/null";
Dir::Cache "./cache/";
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
APT::Architecture "${arch}";
APT::Architectures { "${arch}"; };
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

function sourceStanza(mirror: Mirror, arch: string): string {
  const key = (mirror.signedBy ?? DEBIAN_KEYRING).trimEnd().split('\n');
  const signedBy =
    key.length === 1 ? ` ${key[0]}` : key.map((line) => `\n ${line === '' ? '.' : line}`).join('');
  return [
    'Types: deb',
    `URIs: ${mirror.uri.replace(/\/*$/, '/')}`,
    `Suites: ${mirror.suites.join(' ')}`,
    `Components: ${mirror.components.join(' ')}`,
    `Architectures: ${arch}`,
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
  const plain = (uri: string) => uri.replace(/\/+$/, '').replace(/\/\/[^@/]*@/, '//');
  return plain(a) === plain(b);
}
