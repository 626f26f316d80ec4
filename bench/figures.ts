/**
 * The figures of a conf: from nothing with the debs cached, nothing changed, one data file changed; against the ancestor's method in the
 * same run, each case in turn. `node bench/figures.ts [CONF] [RUNS]` prints a table of medians.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));
const [conf = 'combined', runs = '5'] = process.argv.slice(2);
const folder = mkdtempSync(join(process.env.SNAP_BENCH ?? '/var/tmp', 'snap-figures-'));
const bench = join(folder, 'project');

/** Seconds of one command as a whole process. */
function time(command: string, ...args: string[]): number {
  const begun = performance.now();
  execFileSync(command, args, { stdio: 'ignore' });
  return (performance.now() - begun) / 1000;
}

function snap(...args: string[]): number {
  return time(join(project, 'bin/snap'), '-C', bench, ...args);
}

/** The ancestor prints what its measured part took: copying the base, packages and do_run, without making base, lists and cache. */
function ancestor(): number {
  const output = execFileSync(join(project, 'bench/ancestor'), [conf, join(folder, 'ancestor')], {
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
  });
  const total = /^([0-9.]+) s, /m.exec(output)?.[1];
  if (total === undefined) throw new Error(`The ancestor printed no total:\n${output}`);
  return Number(total);
}

function forgetLayers(): void {
  for (const name of ['layers', 'index.db', 'index.db-wal', 'index.db-shm']) {
    rmSync(join(bench, 'store', name), { recursive: true, force: true });
  }
  rmSync(join(bench, 'images'), { recursive: true, force: true });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

mkdirSync(bench);
for (const name of ['conf', 'scriptlets'])
  cpSync(join(project, name), join(bench, name), { recursive: true });
if (existsSync(join(project, 'store/debs'))) {
  mkdirSync(join(bench, 'store'));
  execFileSync('cp', ['-al', join(project, 'store/debs'), join(bench, 'store/debs')]);
}
snap('build', conf);
ancestor();

const cases = {
  'snap: from nothing, base included': () => {
    forgetLayers();
    return snap('build', conf);
  },
  'ancestor: base copied, then every package': ancestor,
  'snap: nothing changed': () => snap('build', conf),
  'snap: one data file changed': () => {
    appendFileSync(
      join(bench, 'scriptlets', conf === 'demo' ? 'bluez/main.conf' : 'dlog/dlog.conf'),
      '# one more line\n',
    );
    return snap('build', conf);
  },
};

const seconds = new Map<string, number[]>(Object.keys(cases).map((name) => [name, []]));
for (let run = 0; run < Number(runs); run++) {
  for (const [name, measure] of Object.entries(cases)) seconds.get(name)!.push(measure());
}
const yardstick = median(seconds.get('ancestor: base copied, then every package')!);
for (const [name, values] of seconds) {
  const spread = `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
  const ratio = (median(values) / yardstick).toFixed(3);
  console.log(`${name.padEnd(44)} ${median(values).toFixed(2).padStart(7)} s  (${spread})  x ${ratio}`);
}
rmSync(folder, { recursive: true, force: true });
