/** `npm run bench`: the same image by snap, the ancestor's method, buildah and mkosi, each case in turn. See bench/README.md. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { count } from '../src/report/quantity.ts';
import { table } from '../src/report/table.ts';
import {
  addPackage,
  changeData,
  chooseExample,
  copyProject,
  type Example,
  lockFile,
  makeBaseProject,
  middleText,
  readParts,
  restoreMiddle,
  targetLines,
} from './example.ts';
import { run, spreadOf } from './measure.ts';
import { makeRepository } from './repository.ts';
import { ancestor } from './tools/ancestor.ts';
import { bootstraps } from './tools/bootstraps.ts';
import { buildah } from './tools/buildah.ts';
import { configuring, decompressing } from './tools/floor.ts';
import { mkosi } from './tools/mkosi.ts';
import { forgetAllButTrees, runSnap, snap } from './tools/snap.ts';
import { eatmydata } from './tools/steps.ts';
import type { Place, Timing, Tool } from './tools/tool.ts';

const OWN = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const NODE = join(OWN, 'node_modules/node/bin/node');

const HELP = `Usage: npm run bench -- [CONF] [OPTION]...

Makes the image of CONF (combined) by snap and by each peer that is installed, and prints what each case took.

  --runs N                     how often each case is measured (5)
  --only GLOB                  only the cases of this name; may be given again
  --tools NAME,...             beside snap only these: ancestor, buildah, mkosi
  --data SCRIPTLET/FILE        the data file that changes
  --package SCRIPTLET=PACKAGE  the package that is added, and where
  --json                       figures as JSON on standard output
  --keep                       leave the folder; it lies in /var/tmp, or in $SNAP_BENCH

Cases:
`;

/** By name, what a person reads; in the order in which each run goes through them. */
const CASES = {
  cold: 'cold: debs cached, nothing else',
  trees: 'cold, but the trees of the debs there',
  base: 'the base alone: debs cached, nothing else',
  floor: 'what nobody is spared',
  unchanged: 'nothing changed',
  second: 'first change after a cold build',
  data: 'one data file of a leaf changed',
  shared: 'one data file of what most others need changed',
  package: 'one more package in the middle',
  resolved: 'the same, resolved before',
  assembly: 'image assembled, all layers there',
  layer: 'a layer of one file',
} as const;
type CaseName = keyof typeof CASES;

/** How often in a run those are measured that take less than a second. */
const QUICK = 5;

type Series = { readonly case: string; readonly tool: string; readonly seconds: number[] };

type Session = {
  readonly example: Example;
  readonly folder: string;
  /** A Debian archive with all debs. */
  readonly repository: string;
  readonly tools: readonly Tool[];
  readonly wanted: (name: CaseName) => boolean;
  /** The lock of the conf as it was, and the shell file of the scriptlet in the middle. */
  readonly lock: string;
  readonly middle: string;
  readonly series: Series[];
  /** A number that was not there before. */
  readonly next: () => number;
};

/** Links all but `etc` and `var`, and copies those. */
const COPY = `for one in "$1"* "$1".[!.]*; do
  case $one in
    */etc | */var) cp -a "$one" "$2/" ;;
    *) [ ! -e "$one" ] && [ ! -L "$one" ] || cp -al "$one" "$2/" ;;
  esac
done`;

await main();

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: '5' },
      only: { type: 'string', multiple: true },
      tools: { type: 'string', default: 'ancestor,buildah,mkosi' },
      data: { type: 'string' },
      package: { type: 'string' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    const cases = Object.entries(CASES).map(([name, text]) => `  ${name.padEnd(10)} ${text}\n`);
    process.stdout.write(HELP + cases.join(''));
    return;
  }
  const folder = mkdtempSync(join(process.env.SNAP_BENCH ?? '/var/tmp', 'snap-bench-'));
  try {
    const conf = positionals[0] ?? 'combined';
    const session = await prepare(folder, conf, values);
    for (let turn = 1; turn <= Number(values.runs); turn++) {
      say(`run ${turn} of ${values.runs}`);
      await oneRun(session);
    }
    print(session, values.json);
  } finally {
    if (!values.keep) clear(folder);
  }
}

/** A tool that failed may have left something mounted there: that it failed is what is to be told. */
function clear(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    say(`cannot remove ${folder}: ${(error as Error).message}`);
  }
}

// Before the clock starts

type Chosen = {
  readonly only?: string[] | undefined;
  readonly tools: string;
  readonly data?: string | undefined;
  readonly package?: string | undefined;
};

/** Builds once, so that every deb, index and pin is there. */
async function prepare(folder: string, conf: string, chosen: Chosen): Promise<Session> {
  const project = join(folder, 'project');
  copyProject(OWN, project);
  say(`building "${conf}" once, in ${folder}`);
  runSnap(OWN, project, 'build', conf);
  const example = chooseExample(project, conf, await readParts({ project, conf }), chosen);
  const middle = middleText(example);
  const lock = readFileSync(lockFile(example), 'utf8');
  say(
    `adding "${example.middle.package}" to "${example.middle.scriptlet}" once; the data file is ${example.data}`,
  );
  addPackage(example, middle, 0);
  runSnap(OWN, project, 'build', conf);
  const repository = join(folder, 'repository');
  makeRepository(repository, (await readParts(example)).lock, join(project, 'store/debs'));
  restoreMiddle(example, middle);
  writeFileSync(lockFile(example), lock);
  const globs = (chosen.only ?? ['*']).map((glob) => new RegExp(`^${glob.replaceAll('*', '.*')}$`));
  let number = 0;
  return {
    ...{ example, folder, repository, lock, middle, series: [], next: () => ++number },
    tools: await findTools(chosen.tools.split(','), { own: OWN, example, repository }, folder),
    wanted: (name) => globs.some((glob) => glob.test(name)),
  };
}

async function findTools(
  names: readonly string[],
  place: Omit<Place, 'folder'>,
  folder: string,
): Promise<Tool[]> {
  const makers = { ancestor, buildah, mkosi };
  const tools = [snap(place)];
  for (const [name, make] of Object.entries(makers)) {
    if (!names.includes(name)) continue;
    const missing =
      name === 'ancestor' ? undefined : missingTool(name, name === 'mkosi' ? /^mkosi 14\b/ : /./);
    if (missing === undefined) tools.push(await make({ ...place, folder: join(folder, name) }));
    else say(`without ${name}: ${missing}`);
  }
  return tools;
}

function missingTool(name: string, fits: RegExp): string | undefined {
  try {
    const version = execFileSync(name, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return fits.test(version) ? undefined : `it is ${version}, and this knows only that of Debian 12`;
  } catch {
    return 'it is not installed (sh bin/setup --bench)';
  }
}

// The cases

async function oneRun(session: Session): Promise<void> {
  const { wanted, tools, example } = session;
  const [own] = tools;
  restore(session);
  if (wanted('cold')) await cold(session);
  else for (const tool of tools) await tool.build();
  if (wanted('trees')) {
    forgetAllButTrees(OWN, example.project, aside(session, 'layers'));
    keep(session, 'trees', own!, (await settled(own!)).seconds);
  }
  if (wanted('base')) await base(session);
  if (wanted('floor')) await floor(session);
  if (wanted('unchanged')) await unchanged(session);
  // Where the image was there without its other slot, this change makes that; all later ones only change it.
  changeData(example, example.data, session.next());
  const second = await own!.build();
  if (wanted('second') && wanted('cold')) keep(session, 'second', own!, second.seconds);
  if (wanted('data')) {
    changeData(example, example.data, session.next());
    await each(session, 'data');
  }
  if (wanted('shared')) {
    changeData(example, example.sharedData, session.next());
    await each(session, 'shared');
  }
  if (wanted('package')) {
    addPackage(example, session.middle, session.next());
    await each(session, 'package');
    restore(session);
  }
  if (wanted('resolved')) await resolved(session);
  if (wanted('assembly')) await assembly(session);
  if (wanted('layer')) layer(session);
}

function restore({ example, middle, lock }: Session): void {
  restoreMiddle(example, middle);
  writeFileSync(lockFile(example), lock);
}

async function cold(session: Session): Promise<void> {
  for (const tool of session.tools) {
    tool.forget();
    const { seconds, base } = await settled(tool);
    keep(session, 'cold', tool, seconds);
    if (base !== undefined) keep(session, 'cold, less the base', tool, seconds - base);
  }
}

async function each(session: Session, name: CaseName): Promise<void> {
  for (const tool of session.tools) keep(session, name, tool, (await settled(tool)).seconds);
}

/** What an earlier case left to write is written first. */
function settled(tool: Tool): Promise<Timing> {
  execFileSync('sync');
  return tool.build();
}

/** Beside it an empty program of the same Node. */
async function unchanged(session: Session): Promise<void> {
  const [own, ...peers] = session.tools;
  for (const tool of peers) keep(session, 'unchanged', tool, (await settled(tool)).seconds);
  await settled(own!);
  for (let time = 0; time < QUICK; time++) {
    keep(session, 'unchanged', own!, (await own!.build()).seconds);
    keep(session, 'unchanged', { name: 'node -e 0' }, run({ argv: [NODE, '-e', '0'] }).seconds);
  }
}

/** With a lock that covers the package: what the build takes without apt. */
async function resolved(session: Session): Promise<void> {
  const { example, middle, next, tools } = session;
  await tools[0]!.build(); // as it was, which "package" begins with too
  addPackage(example, middle, next());
  const lock = runSnap(OWN, example.project, 'lock', example.conf, '--offline');
  keep(session, 'resolving alone', { name: 'snap lock' }, lock.seconds);
  keep(session, 'resolved', tools[0]!, (await settled(tools[0]!)).seconds);
  restore(session);
}

/** Against links to the same files, made by `cp`; and against links where snap links and copies where it copies. */
async function assembly(session: Session): Promise<void> {
  const { example, tools } = session;
  const [own] = tools;
  const images = join(example.project, 'images');
  const image = join(images, example.conf);
  await own!.build();
  renameSync(images, aside(session, 'images'));
  keep(session, 'assembly', own!, (await settled(own!)).seconds);
  execFileSync('sync');
  const linked = run({ argv: ['cp', '-al', `${image}/.`, aside(session, 'links')] });
  keep(session, 'assembly', { name: 'cp -al' }, linked.seconds);
  execFileSync('sync');
  const copy = aside(session, 'copies');
  mkdirSync(copy);
  const begun = run({ argv: ['sh', '-c', COPY, 'sh', `${image}/`, copy] });
  keep(session, 'assembly', { name: 'cp -al, etc and var copied' }, begun.seconds);
  const written = run({ argv: ['sync', '--file-system', copy] });
  keep(session, 'assembly', { name: 'the same, sync' }, begun.seconds + written.seconds);
}

/** ext4 does not give an inode again for a while after it was freed, and looks at each of those: what is removed now, the next one pays. */
function aside({ folder, next }: Session, name: string): string {
  return join(folder, `${name}-${next()}`);
}

/** Against what else makes one, from the same debs. */
async function base(session: Session): Promise<void> {
  const { example, folder, lock, next } = session;
  const project = join(folder, `base-${next()}`);
  makeBaseProject(project, 'base', example);
  writeFileSync(join(project, 'conf/base.toml'), `${targetLines(lock)}scriptlets = []\n`);
  execFileSync('sync');
  keep(session, 'base', { name: 'snap' }, runSnap(OWN, project, 'build', 'base', '--offline').seconds);
  const { conf } = await readParts(example);
  for (const { name, make } of bootstraps(conf.suite, session.repository, join(folder, 'debootstrap'))) {
    execFileSync('sync');
    keep(session, 'base', { name }, make(aside(session, name)));
  }
}

/** What a cold build is made of at the least. */
async function floor(session: Session): Promise<void> {
  const { example, repository } = session;
  const { lock } = await readParts(example);
  const library = eatmydata(lock, join(example.project, 'store/debs'));
  execFileSync('sync');
  keep(session, 'floor', { name: 'dpkg-deb --fsys-tarfile' }, decompressing(repository));
  const root = aside(session, 'floor');
  keep(session, 'floor', { name: 'dpkg --configure' }, configuring(lock.suite, repository, library, root));
}

/** What snap itself costs: the base, and one scriptlet that copies one file. */
function layer(session: Session): void {
  const project = join(session.folder, 'small');
  if (session.series.every((one) => one.case !== 'layer')) makeLayerProject(project, session);
  const build = (): number => runSnap(OWN, project, 'build', 'small', '--offline').seconds;
  for (let time = 0; time < QUICK; time++) {
    writeFileSync(join(project, 'scriptlets/file/file'), `${session.next()}\n`);
    execFileSync('sync');
    const changed = build();
    const same = build();
    keep(session, 'layer', { name: 'snap' }, changed);
    keep(session, 'layer', { name: 'snap, nothing changed' }, same);
    keep(session, 'layer', { name: 'snap, more' }, changed - same);
  }
}

function makeLayerProject(project: string, { example, lock }: Session): void {
  makeBaseProject(project, 'small', example);
  writeFileSync(join(project, 'conf/small.toml'), `${targetLines(lock)}scriptlets = ["file"]\n`);
  mkdirSync(join(project, 'scriptlets/file'), { recursive: true });
  writeFileSync(join(project, 'scriptlets/file.sh'), 'do_run() {\n  copy_file file etc/\n}\n');
  for (const text of ['a\n', 'b\n']) {
    writeFileSync(join(project, 'scriptlets/file/file'), text);
    runSnap(OWN, project, 'build', 'small', '--offline');
  }
}

function keep(
  { series }: Session,
  name: string,
  { name: tool }: { readonly name: string },
  seconds: number,
): void {
  const known = series.find((one) => one.case === name && one.tool === tool);
  if (known) known.seconds.push(seconds);
  else series.push({ case: name, tool, seconds: [seconds] });
  say(`  ${name} ${tool} ${seconds.toFixed(3)} s`);
}

// What came out

function print({ series, example, tools }: Session, json: boolean): void {
  const machine = {
    processors: cpus().length,
    memory: totalmem(),
    kernel: release(),
    node: run({ argv: [NODE, '--version'] }).stdout.trim(),
    tools: Object.fromEntries(tools.map(({ name, version }) => [name, version])),
  };
  const figures = Object.entries(Object.groupBy(series, (one) => one.case)).flatMap(
    ([name, members = []]) => {
      const median = (tool: string): number | undefined => {
        const one = members.find((member) => member.tool === tool);
        return one && spreadOf(one.seconds).median;
      };
      const first = members.filter(({ tool }) => tool === 'snap');
      return [...first, ...members.filter((one) => !first.includes(one))].map(({ tool, seconds }) => {
        const spread = spreadOf(seconds);
        const to = (yardstick: number | undefined) =>
          yardstick === undefined ? undefined : spread.median / yardstick;
        return {
          case: name,
          tool,
          ...spread,
          seconds,
          toSnap: to(median('snap')),
          toNode: to(median('node -e 0')),
        };
      });
    },
  );
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ conf: example.conf, example, machine, figures }, undefined, 2)}\n`,
    );
    return;
  }
  const rows = figures.map((one, at) => [
    one.case === figures[at - 1]?.case ? '' : (CASES[one.case as CaseName] ?? one.case),
    one.tool,
    one.median.toFixed(3),
    `${one.least.toFixed(3)} to ${one.most.toFixed(3)}`,
    one.tool === 'snap' || one.toSnap === undefined ? '' : ratio(one.toSnap),
    one.toNode === undefined ? '' : ratio(one.toNode),
    String(one.seconds.length),
  ]);
  const columns = [
    { title: 'case' },
    { title: 'tool' },
    { title: 'median s', align: 'right' },
    { title: 'least to most', align: 'right' },
    { title: 'x snap', align: 'right' },
    { title: 'x node', align: 'right' },
    { title: 'n', align: 'right' },
  ] as const;
  process.stdout.write(`${table(columns, rows).join('\n')}\n`);
  const versions = Object.values(machine.tools).join(', ');
  process.stdout.write(
    `\n${example.conf}; ${machine.processors} processors, ${count(Math.round(machine.memory / 2 ** 20))} MiB, Linux ${machine.kernel}, Node ${machine.node}; ${versions}\n`,
  );
}

function ratio(value: number): string {
  return value >= 10 ? value.toFixed(0) : value.toFixed(2);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
