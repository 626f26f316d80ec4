/** What comparing two builds costs against comparing their trees. See bench/README.md. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findProgram } from '../src/host/path.ts';
import { count } from '../src/report/quantity.ts';
import { table } from '../src/report/table.ts';
import { baseLock, linkDebs, targetLines } from './example.ts';
import { type Command, run, type Spread, spreadOf } from './measure.ts';
import { changeLeaf, writeProject } from './synthetic.ts';

const OWN = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const CONF = 'synthetic';
const BASE_PATHS = 2_900;

const HELP = `Usage: npm run bench:diff -- [OPTION]...

Builds an image twice, of which one layer differs, and compares both: by snap, by "diff -rq", by "rsync -nac", in turn.

  --paths N          50000; of the image
  --scriptlets N     30
  --size BYTES       of each file that the scriptlets make (20000; about the mean of a real image)
  --runs N           how often each is measured (7)
  --lock FILE        the lock that names the base's packages (conf/combined.lock)
  --json             figures as JSON on standard output
  --keep             leave the folder; it lies in /var/tmp, or in $SNAP_BENCH
`;

type Case = { readonly name: string; readonly command: Command };
type Figure = Spread & { readonly name: string; readonly paths: number; readonly seconds: readonly number[] };

main();

function main(): void {
  const { values } = parseArgs({
    options: {
      paths: { type: 'string', default: '50000' },
      scriptlets: { type: 'string', default: '30' },
      size: { type: 'string', default: '20000' },
      runs: { type: 'string', default: '7' },
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
  const folder = mkdtempSync(join(process.env.SNAP_BENCH ?? '/var/tmp', 'snap-diff-'));
  try {
    const shape = {
      scriptlets: Number(values.scriptlets),
      paths: Number(values.paths) - BASE_PATHS,
      fileSize: Number(values.size),
    };
    const paths = prepare(folder, readFileSync(values.lock, 'utf8'), shape);
    const figures = measure(casesOf(folder), paths, Number(values.runs));
    const text = values.json ? JSON.stringify(figures, undefined, 2) : lines(figures).join('\n');
    process.stdout.write(`${text}\n`);
  } finally {
    if (!values.keep) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Two builds, and a copy of each image. Not the images themselves: what both have are the same inodes there, and diff and rsync read nothing
 * of a file that is one with the other.
 */
function prepare(folder: string, text: string, shape: Parameters<typeof writeProject>[3]): number {
  const project = join(folder, 'project');
  const lock = baseLock(text);
  mkdirSync(project);
  linkDebs(join(OWN, 'store/debs'), join(project, 'store/debs'));
  writeProject(project, CONF, targetLines(lock), shape);
  writeFileSync(join(project, 'conf', `${CONF}.lock`), lock);
  let paths = 0;
  for (const number of [1, 2]) {
    changeLeaf(project, number);
    const { stdout } = run({
      argv: [join(OWN, 'bin/snap'), '-C', project, 'build', CONF, '--offline', '--json'],
    });
    paths = (JSON.parse(stdout) as { paths: number }).paths;
    run({ argv: ['cp', '-a', `${join(project, 'images', CONF)}/.`, join(folder, String(number))] });
    process.stderr.write(`build ${number}: ${count(paths)} paths\n`);
  }
  return paths;
}

/** All three tell by their exit code or their lines what differs; `run` takes no other code than 0. */
function casesOf(folder: string): Case[] {
  const project = join(folder, 'project');
  const [a, b] = [join(folder, '1'), join(folder, '2')];
  const differs = (...argv: string[]): Command => ({
    argv: ['sh', '-c', '"$@" >/dev/null 2>&1; test $? -le 1', 'sh', ...argv],
  });
  const snap = (...more: string[]): Command =>
    differs(join(OWN, 'bin/snap'), '-C', project, 'diff', `${CONF}@1`, `${CONF}@2`, ...more);
  return [
    { name: 'snap diff', command: snap() },
    { name: 'snap diff --json', command: snap('--json') },
    { name: 'diff -rq', command: differs('diff', '-rq', '--no-dereference', a, b) },
    ...(findProgram('rsync')
      ? [{ name: 'rsync -nac', command: differs('rsync', '-nac', '--delete', '-i', `${a}/`, `${b}/`) }]
      : []),
    { name: 'node -e 0', command: { argv: [process.execPath, '-e', '0'] } },
  ];
}

function measure(cases: readonly Case[], paths: number, runs: number): Figure[] {
  const seconds = cases.map((): number[] => []);
  // The first turn warms the cache, and counts for nothing.
  for (let turn = -1; turn < runs; turn++) {
    for (const [at, { command }] of cases.entries()) {
      const ran = run(command);
      if (turn >= 0) seconds[at]!.push(ran.seconds);
    }
  }
  return cases.map(({ name }, at) => ({ name, paths, ...spreadOf(seconds[at]!), seconds: seconds[at]! }));
}

function lines(figures: readonly Figure[]): string[] {
  const layout = [
    { title: `${count(figures[0]!.paths)} paths` },
    { title: 'median s', align: 'right' },
    { title: 'least to most', align: 'right' },
    { title: 'times snap', align: 'right' },
  ] as const;
  const rows = figures.map(({ name, median, least, most }) => [
    name,
    median.toFixed(3),
    `${least.toFixed(3)} to ${most.toFixed(3)}`,
    (median / figures[0]!.median).toFixed(1),
  ]);
  return table(layout, rows);
}
