/** `npm run difficult`: an image of each of many difficult packages, held against the same made the old way. See bench/README.md. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Lock, Pin } from '../src/debian/lock.ts';
import { readLock } from '../src/debian/lock-file.ts';
import { count } from '../src/report/quantity.ts';
import { type Difficult, difficultIn } from './difficult-packages.ts';
import { linkDebs } from './example.ts';

const OWN = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

const HELP = `Usage: npm run difficult -- [PACKAGE]... [OPTION]...

Builds an image of each difficult package, holds it against the same built the old way (snap check), and writes
docs/difficult-packages.md, or docs/difficult-packages-SUITE.md. With PACKAGEs only those that bring one of them.

  --suite SUITE    Debian's release (bookworm)
  --arch ARCH      the architecture (amd64)
  --folder FOLDER  keep project and results there, and begin with the results that are there
  --table          make the table of the results that are there, and build nothing
`;

/** Bytes: what brings more to download is left out. */
const LIMIT = 150e6;

type Difference = { readonly path: string; readonly what: string; readonly allowed?: string };

type Result = {
  readonly name: string;
  /** Of the debs over the bare base, and how many of them dpkg unpacked and why. */
  readonly debs: number;
  readonly bytes: number;
  readonly byDpkg: readonly { readonly deb: string; readonly reason: string }[];
  /** Layers whose packages dpkg had to unpack all. */
  readonly alone: readonly string[];
  readonly differences: readonly Difference[];
  /** What is difficult about them, by its name in `TRAITS`: the packages that have it. */
  readonly traits: Readonly<Record<string, readonly string[]>>;
  /** Why there is no image, or nothing to hold it against. */
  readonly failed?: { readonly at: 'lock' | 'build' | 'check' | 'size'; readonly lines: readonly string[] };
};

/** What makes a deb difficult, as one of dpkg's files about it says; `status` is its stanza. */
const TRAITS: readonly (readonly [what: string, file: RegExp, text: RegExp])[] = [
  ['a diversion', /inst$/, /^(?!\s*#).*dpkg-divert(?!.*--remove)/m],
  ['an alternative', /postinst$/, /update-alternatives(.|\\\n)*--install/],
  ['an interest in triggers', /triggers$/, /^interest/m],
  ['a trigger that it activates', /triggers$/, /^activate/m],
  ['users or groups', /inst$/, /\b(adduser|useradd|addgroup|groupadd|systemd-sysusers)\b/],
  ['file capabilities', /postinst$/, /\bsetcap\b/],
  ['an override of owners', /inst$/, /dpkg-statoverride/],
  ['questions of debconf', /templates$/, /^Template:/m],
  ['configuration by ucf', /postinst$/, /\bucf\b/],
  ['configuration files moved or removed', /inst$/, /dpkg-maintscript-helper/],
  ['links of systemd units', /postinst$/, /deb-systemd-helper/],
  ['a preinst', /preinst$/, /./],
  ['modules of python', /postinst$/, /py3compile/],
  ['an initramfs', /postinst$/, /update-initramfs/],
  ['PAM profiles', /postinst$/, /pam-auth-update/],
  ['Pre-Depends', /status$/, /^Pre-Depends:/m],
  ['Multi-Arch: same', /status$/, /^Multi-Arch: same$/m],
  ['a kernel module', /postinst$/, /\bdkms\b/],
];

type Place = { readonly project: string; readonly results: string; readonly target: string };

/** The release whose table has no suite in its name. */
const SUITE = 'bookworm';

await main();

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      suite: { type: 'string', default: SUITE },
      arch: { type: 'string', default: 'amd64' },
      folder: { type: 'string' },
      table: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const folder = values.folder ?? mkdtempSync('/var/tmp/snap-difficult-');
  try {
    const target = `suite = "${values.suite}"\narch = "${values.arch}"\n`;
    const place = { project: join(folder, 'project'), results: join(folder, 'results'), target };
    prepare(place);
    const difficult = difficultIn(values.suite);
    const chosen = difficult.filter(
      ({ scriptlets }) =>
        positionals.length === 0 || scriptlets.flat().some((name) => positionals.includes(name)),
    );
    for (const one of values.table ? [] : chosen) await judge(place, one);
    const name = `difficult-packages${values.suite === SUITE ? '' : `-${values.suite}`}.md`;
    writeFileSync(join(OWN, 'docs', name), document(difficult, values, place));
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function prepare({ project, results }: Place): void {
  for (const path of [join(project, 'conf'), join(project, 'scriptlets'), results])
    mkdirSync(path, { recursive: true });
  const debs = join(project, 'store/debs');
  if (!existsSync(debs)) linkDebs(join(OWN, 'store/debs'), debs);
}

function nameOf({ scriptlets }: Difficult): string {
  return scriptlets.map(scriptletName).join('_');
}

function scriptletName(packages: readonly string[]): string {
  return packages.join('+').replaceAll(':', '.');
}

// One of them

async function judge(place: Place, difficult: Difficult): Promise<void> {
  const name = nameOf(difficult);
  writeConf(place, difficult);
  const result = await buildBothWays(place, difficult, name);
  writeFileSync(join(place.results, `${name}.json`), JSON.stringify(result, undefined, 2));
  process.stderr.write(`${name}: ${verdict(result)}\n`);
}

function writeConf({ project, target }: Place, { scriptlets, run }: Difficult): void {
  const names = scriptlets.map(scriptletName);
  const archs = new Set(scriptlets.flat().flatMap((name) => name.split(':').slice(1)));
  const foreign = archs.size > 0 ? `foreign_archs = ${JSON.stringify([...archs])}\n` : '';
  const conf = `${target}${foreign}scriptlets = ${JSON.stringify(names)}\n`;
  writeFileSync(join(project, 'conf', `${names.join('_')}.toml`), conf);
  for (const [index, packages] of scriptlets.entries()) {
    const body = run !== undefined && index === 0 ? `\ndo_run() {\n  ${run}\n}\n` : '';
    const text = `install_debian_deb ${packages.join(' ')}\n${body}`;
    writeFileSync(join(project, 'scriptlets', `${names[index]}.sh`), text);
  }
}

async function buildBothWays({ project }: Place, { scriptlets }: Difficult, name: string): Promise<Result> {
  const none = { name, debs: 0, bytes: 0, byDpkg: [], alone: [], differences: [], traits: {} };
  const locked = snap(project, 'lock', name);
  if (locked.status !== 0) return { ...none, failed: { at: 'lock', lines: lastOf(locked.stderr) } };
  const added = addedBy(await lockOf(project, name));
  const common = { ...none, debs: added.length, bytes: added.reduce((sum, { size }) => sum + size, 0) };
  if (common.bytes > LIMIT) return { ...common, failed: { at: 'size', lines: [] } };
  // Layers of an earlier version of snap are no answer.
  const again = scriptlets.flatMap((packages) => ['--rerun', scriptletName(packages)]);
  const built = snap(project, 'build', '-v', '-j', '2', ...again, name);
  const traits = traitsOf(join(project, 'images', name, 'var/lib/dpkg'), added);
  const told = { ...common, ...unpackedIn(built.stderr), traits };
  if (built.status !== 0) return { ...told, failed: { at: 'build', lines: lastOf(built.stderr) } };
  const checked = snap(project, 'check', '-j', '2', '--json', name);
  if (checked.status !== 0 && checked.status !== 1)
    return { ...told, failed: { at: 'check', lines: lastOf(checked.stderr) } };
  return { ...told, ...(JSON.parse(checked.stdout) as { differences: Difference[] }) };
}

async function lockOf(project: string, name: string): Promise<Lock> {
  const lock = await readLock(join(project, 'conf', `${name}.lock`));
  if (!lock) throw new Error(`"${name}" has no lock`);
  return lock;
}

function addedBy({ closures, pins }: Lock) {
  const debs = new Set([...closures.values()].flatMap((closure) => closure.debs));
  return [...debs].map((id) => pins.get(id)!);
}

/** What dpkg's own files say of these debs. */
function traitsOf(dpkg: string, debs: readonly Pin[]): Record<string, string[]> {
  const info = join(dpkg, 'info');
  const names = existsSync(info) ? readdirSync(info) : [];
  const stanzas = existsSync(dpkg) ? readFileSync(join(dpkg, 'status'), 'latin1').split('\n\n') : [];
  const filesOf = ({ name, arch }: Pin): [file: string, text: string][] => {
    const own = names.filter((file) => file.startsWith(`${name}.`) || file.startsWith(`${name}:${arch}.`));
    const stanza = stanzas.find((one) => one.startsWith(`Package: ${name}\n`)) ?? '';
    return [
      ['status', stanza],
      ...own.map((file) => [file, readFileSync(join(info, file), 'latin1')] as [string, string]),
    ];
  };
  const files = debs.map((pin) => [pin.name, filesOf(pin)] as const);
  const having = (kind: RegExp, text: RegExp): string[] =>
    files.flatMap(([name, own]) =>
      own.some(([file, content]) => kind.test(file) && text.test(content)) ? [name] : [],
    );
  return Object.fromEntries(TRAITS.map(([what, kind, text]) => [what, having(kind, text)]));
}

function snap(project: string, ...args: string[]) {
  return spawnSync(join(OWN, 'bin/snap'), ['-C', project, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
}

function lastOf(text: string): string[] {
  return text.trim().split('\n').slice(-30);
}

/** What `snap build -v` says of debs that dpkg unpacked. */
function unpackedIn(text: string): Pick<Result, 'byDpkg' | 'alone'> {
  // A layer that runs again on top of another one tells it again.
  const byDpkg = new Map(
    [...text.matchAll(/: dpkg unpacks (\S+): (.*)$/gm)].map(([, deb = '', reason = '']) => [deb, reason]),
  );
  const alone = [...text.matchAll(/(\S+): its packages once more, by dpkg alone$/gm)];
  return {
    byDpkg: [...byDpkg].map(([deb, reason]) => ({ deb, reason })),
    alone: [...new Set(alone.map(([, layer = '']) => layer))],
  };
}

function verdict({ failed, differences }: Result): string {
  if (failed) return failed.at === 'size' ? 'too large to download' : `snap ${failed.at} failed`;
  const open = differences.filter(({ allowed }) => allowed === undefined);
  if (open.length > 0) return open.length === 1 ? '1 difference' : `${open.length} differences`;
  return differences.length > 0 ? `same, but for ${differences.length} allowed` : 'same';
}

// The table

function document(
  all: readonly Difficult[],
  { suite, arch }: { suite: string; arch: string },
  { results }: Place,
): string {
  const found = all.flatMap((difficult) => {
    const file = join(results, `${nameOf(difficult)}.json`);
    const result = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result) : undefined;
    return result && result.failed?.at !== 'size' ? [{ difficult, result }] : [];
  });
  const same = found.filter(({ result }) => verdict(result).startsWith('same')).length;
  const debs = found.reduce((sum, { result }) => sum + result.debs, 0);
  const byDpkg = found.reduce((sum, { result }) => sum + dpkgCount(result), 0);
  const rows = found.map(({ difficult, result }) => row(difficult, result));
  return `# Difficult packages

Made by \`npm run difficult${suite === SUITE ? '' : ` -- --suite ${suite}`}\`, for ${suite} on ${arch}. Each line is an image of its own: the base and the packages, \`|\` between scriptlets side by
side that do not see each other. It is built from trees of debs and in layers, and \`snap check\` holds it against the same built the old way: by dpkg
alone, in one tree, one after the other, with triggers as dpkg runs them. A postinst that looks for what another scriptlet brings does not find it without a
\`need\`: mtr-tiny beside iputils-ping does not see its setcap, and becomes setuid. So such packages share a scriptlet here.

${found.length} images, of which ${same} are the same both ways; ${count(debs)} debs over the bare base (a deb counts in each image that has it), of which dpkg
itself had to unpack ${byDpkg}. Among the debs are, each counted once:

| with | debs | such as |
| --- | ---: | --- |
${traitRows(found.map(({ result }) => result)).join('\n')}

| packages | what is difficult | debs | by dpkg, and why | check | differences |
| --- | --- | ---: | --- | --- | --- |
${rows.join('\n')}
`;
}

function traitRows(results: readonly Result[]): string[] {
  return TRAITS.map(([what]) => {
    const debs = [...new Set(results.flatMap(({ traits }) => traits[what] ?? []))].sort();
    return `| ${what} | ${debs.length} | ${debs.slice(0, 5).join(', ')} |`;
  });
}

function dpkgCount({ debs, byDpkg, alone }: Result): number {
  return alone.length > 0 ? debs : byDpkg.length;
}

function row({ scriptlets, what }: Difficult, result: Result): string {
  const why = result.byDpkg.map(({ deb, reason }) => `${deb}: ${reason}`);
  if (result.alone.length > 0)
    why.push(`all of ${result.alone.join(', ')}, since their scripts failed otherwise`);
  const cells = [
    scriptlets.map((packages) => packages.join(' ')).join(' | '),
    what,
    String(result.debs),
    [dpkgCount(result), ...why].join('; '),
    verdict(result),
    result.failed ? result.failed.lines.filter((line) => line.includes('Cannot')).join(' ') : told(result),
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** Differences by their reasons; those without one first. */
function told({ differences }: Result): string {
  const groups = Object.entries(Object.groupBy(differences, ({ allowed }) => allowed ?? ''));
  return groups
    .sort(([a], [b]) => Number(a !== '') - Number(b !== ''))
    .map(([reason, members = []]) => {
      const paths = members.slice(0, 3).map(({ path, what }) => (reason === '' ? `${path} (${what})` : path));
      const more = members.length > 3 ? ` and ${members.length - 3} more` : '';
      return `${paths.join(', ')}${more}${reason === '' ? '' : `: ${reason}`}`;
    })
    .join('; ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('\n', ' ');
}
