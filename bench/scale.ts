/** What a rebuild costs against the number of scriptlets and the size of the image, on synthetic projects. See bench/README.md. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { count } from '../src/report/quantity.ts';
import { table } from '../src/report/table.ts';
import { baseLock, linkDebs, targetLines } from './example.ts';
import { run, type Spread, spreadOf } from './measure.ts';
import { changeLeaf, changeMiddle, LEAST_SCRIPTLETS, writeProject } from './synthetic.ts';

const OWN = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const CONF = 'synthetic';

const HELP = `Usage: npm run bench:scale -- [OPTION]...

Makes projects of N scriptlets and images of P paths, for each N and P, and prints what builds of them take, and how much memory.

  --scriptlets N,...   10,30,100,500; at least ${LEAST_SCRIPTLETS}
  --paths P,...        5000,50000,500000; of the image; about 3,000 of them are the base's
  --runs N             how often each figure is measured (5)
  --lock FILE          the lock that names the base's packages (conf/combined.lock)
  --json               figures as JSON on standard output
  --keep               leave the folder; it lies in /var/tmp, or in $SNAP_BENCH

Nothing is deleted before the last figure, as ext4 is slow to make files for minutes after many went.
`;

const FIGURES = ['nothing changed', 'one data file of a leaf changed', 'one in the middle changed'] as const;

type Figure = Spread & {
  readonly scriptlets: number;
  /** Of the image. */
  readonly paths: number;
  readonly figure: string;
  readonly seconds: readonly number[];
  /** Bytes: snap's own process, without its children. */
  readonly peak: number;
};

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      scriptlets: { type: 'string', default: '10,30,100,500' },
      paths: { type: 'string', default: '5000,50000,500000' },
      runs: { type: 'string', default: '5' },
      lock: { type: 'string', default: join(OWN, 'conf/combined.lock') },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const folder = mkdtempSync(join(process.env.SNAP_BENCH ?? '/var/tmp', 'snap-scale-'));
  try {
    const lock = baseLock(readFileSync(values.lock, 'utf8'));
    const base = makeBase(join(folder, 'base'), lock);
    const figures: Figure[] = [];
    for (const paths of numbers(values.paths)) {
      for (const scriptlets of numbers(values.scriptlets)) {
        const project = join(folder, `${scriptlets}-${paths}`);
        copyBase(join(folder, 'base'), project);
        writeProject(project, CONF, targetLines(lock), { scriptlets, paths: Math.max(0, paths - base) });
        figures.push(...measure(project, scriptlets, Number(values.runs)));
      }
    }
    if (values.json) process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
    else process.stdout.write(`${lines(figures).join('\n')}\n`);
  } finally {
    if (!values.keep) rmSync(folder, { recursive: true, force: true });
  }
}

function numbers(text: string): number[] {
  return text.split(',').map(Number);
}

/** A project whose store has the base alone; returns the paths that an image has without those of scriptlets. */
function makeBase(project: string, lock: string): number {
  say('making the base');
  linkDebs(join(OWN, 'store/debs'), join(project, 'store/debs'));
  writeProject(project, CONF, targetLines(lock), { scriptlets: LEAST_SCRIPTLETS, paths: 0 });
  writeFileSync(join(project, 'conf', `${CONF}.lock`), lock);
  return build(project).paths;
}

/** Layers as links, the index and the lock as copies. */
function copyBase(from: string, to: string): void {
  mkdirSync(join(to, 'conf'), { recursive: true });
  copyFileSync(join(from, 'conf', `${CONF}.lock`), join(to, 'conf', `${CONF}.lock`));
  run({ argv: ['cp', '-al', join(from, 'store'), join(to, 'store')] });
  for (const name of ['index.db', 'index.db-wal', 'index.db-shm', 'lock']) {
    const file = join(to, 'store', name);
    if (!existsSync(file)) continue;
    rmSync(file);
    cpSync(join(from, 'store', name), file, { preserveTimestamps: true });
  }
}

function measure(project: string, scriptlets: number, runs: number): Figure[] {
  const first = build(project, true);
  const { paths } = first;
  say(`${scriptlets} scriptlets, ${count(paths)} paths: first build ${first.seconds.toFixed(1)} s`);
  let change = 0;
  const changes = [() => {}, () => changeLeaf(project, ++change), () => changeMiddle(project, ++change)];
  // The first change after the first build is none of the figures.
  changes[1]!();
  build(project);
  const seconds: number[][] = FIGURES.map(() => []);
  for (let turn = 0; turn < runs; turn++) {
    changes.forEach((prepare, at) => {
      prepare();
      run({ argv: ['sync'] });
      seconds[at]!.push(build(project).seconds);
    });
  }
  const peaks = changes.map((prepare) => {
    prepare();
    return build(project, true).peak!;
  });
  const figures = FIGURES.map((figure, at) => {
    const one = {
      scriptlets,
      paths,
      figure,
      ...spreadOf(seconds[at]!),
      seconds: seconds[at]!,
      peak: peaks[at]!,
    };
    say(`  ${figure}: ${one.median.toFixed(3)} s, ${mebibytes(one.peak)} MiB`);
    return one;
  });
  const cold = {
    scriptlets,
    paths,
    figure: 'first build',
    ...spreadOf([first.seconds]),
    seconds: [first.seconds],
    peak: first.peak!,
  };
  return [cold, ...figures];
}

type Built = { readonly seconds: number; readonly paths: number; readonly peak: number | undefined };

/** With `peak` the time holds what taking the memory costs. */
function build(project: string, peak = false): Built {
  const file = join(project, 'peak');
  const env = {
    NODE_OPTIONS: `--import=${join(dirname(fileURLToPath(import.meta.url)), 'peak.mjs')}`,
    SNAP_BENCH_PEAK: file,
  };
  const argv = [join(OWN, 'bin/snap'), '-C', project, 'build', CONF, '--offline', '--json'] as const;
  const { seconds, stdout } = run({ argv, env: peak ? env : {} });
  const { paths } = JSON.parse(stdout) as { paths: number };
  return { seconds, paths, peak: peak ? Number(readFileSync(file, 'utf8')) * 1024 : undefined };
}

function lines(figures: readonly Figure[]): string[] {
  const columns = [
    { title: 'scriptlets', align: 'right' },
    { title: 'paths', align: 'right' },
    { title: 'figure' },
    { title: 'median s', align: 'right' },
    { title: 'least to most', align: 'right' },
    { title: 'peak MiB', align: 'right' },
    { title: 'n', align: 'right' },
  ] as const;
  const rows = figures.map((one) => [
    String(one.scriptlets),
    count(one.paths),
    one.figure,
    one.median.toFixed(3),
    `${one.least.toFixed(3)} to ${one.most.toFixed(3)}`,
    mebibytes(one.peak),
    String(one.seconds.length),
  ]);
  return table(columns, rows);
}

function mebibytes(bytes: number): string {
  return String(Math.ceil(bytes / 2 ** 20));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
