import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { makeDist, SNAP } from '../commands/launcher.ts';
import { ALL } from './fixture/cases.ts';
import { leftovers } from './fixture/project.ts';
import { randomFrom, SEED } from './fixture/random.ts';
import { lookOf, mustSnap, SCRIPTLETS, scratch } from './fixture/scene.ts';
import { thinProject } from './fixture/thin.ts';
import { groupsOf, mountsOf, processesOf } from './fixture/traces.ts';

before(makeDist);

const SECONDS = ALL ? 60 : 6;
/** Six builders have a conf of their own; the last two take those of the first two as well. */
const CONFS = 6;
const BUILDERS = 8;
const COLLECTORS = 3;
/** Longer than any of these takes on a machine that does much else: whoever waits as long waits for ever. */
const PATIENCE = 180_000;

type Ended = { readonly status: number; readonly stdout: string; readonly stderr: string };

test(`${BUILDERS} builders, ${COLLECTORS} gcs, verify and restore at once for ${SECONDS} s: all end well, and nobody loses anything`, async (t) => {
  const project = mkdtempSync(join(scratch(), 'snap-crowd-'));
  const model = thinProject({ ...SCRIPTLETS, ...own(0, '0') });
  t.after(() => {
    for (const one of [project, model, `${model}.debs`]) rmSync(one, { recursive: true, force: true });
  });
  execFileSync('cp', ['-a', `${model}/.`, project]);
  for (let n = 0; n < CONFS; n++) addConf(project, n);
  const until = Date.now() + SECONDS * 1000;
  const images = new Map<string, string>();
  const works = new Set<string>();
  const counts = { build: 0, gc: 0, verify: 0, restore: 0 };

  const must = async (kind: keyof typeof counts, ...args: readonly string[]): Promise<Ended> => {
    const ended = await run(project, [kind, ...args]);
    assert.equal(ended.status, 0, `snap ${kind} ${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
    counts[kind]++;
    for (const work of leftovers(project)) works.add(work);
    return ended;
  };
  const builder = async (number: number): Promise<void> => {
    const random = randomFrom(SEED + number);
    const conf = number % CONFS;
    const isAlone = number >= BUILDERS - CONFS && number < CONFS;
    while (Date.now() < until) {
      const word = String(Math.floor(random() * 4));
      if (number < CONFS) for (const text of Object.values(own(conf, word))) save(project, conf, text);
      await must('build', `c${conf}`, '--offline');
      if (!isAlone) continue;
      const image = lookOf(join(project, 'images', `c${conf}`))!;
      const known = images.get(`${conf} ${word}`) ?? image;
      assert.equal(image, known, `the image of c${conf} is another one than before`);
      images.set(`${conf} ${word}`, image);
      assert.equal(readFileSync(join(project, 'images', `c${conf}`, `opt/own${conf}`), 'utf8'), `${word}\n`);
    }
  };
  const again = async (work: () => Promise<unknown>): Promise<void> => {
    while (Date.now() < until) await work();
  };
  let restored = 0;
  const restore = async (): Promise<void> => {
    const n = restored++ % CONFS;
    if (!readdirSync(join(project, 'store/builds')).includes(`c${n}`)) return;
    await must('restore', `c${n}`, join(project, `made${n}`));
  };
  await Promise.all([
    ...Array.from({ length: BUILDERS }, (_, number) => builder(number)),
    ...Array.from({ length: COLLECTORS }, () => again(() => must('gc', '--keep-builds', '1'))),
    again(() => must('verify', '--deep')),
    again(restore),
  ]);
  assert.deepEqual(processesOf(project), []);
  assert.deepEqual([...mountsOf(project), ...groupsOf([...works]), ...leftovers(project)], []);
  mustSnap(project, 'verify', '--deep');
  for (let n = 0; n < CONFS; n++) {
    mustSnap(project, 'build', `c${n}`, '--offline');
    const known = images.get(`${n} ${wordOf(project, n)}`);
    if (known !== undefined) assert.equal(lookOf(join(project, 'images', `c${n}`)), known);
  }
  mustSnap(project, 'verify', '--deep');
  t.diagnostic(`${JSON.stringify(counts)}, ${images.size} images, SNAP_SEED=${SEED}`);
  assert.ok(counts.build >= BUILDERS && counts.gc >= COLLECTORS && counts.verify > 0);
});

/** The scriptlet that one conf alone has. */
function own(conf: number, word: string): Record<string, string> {
  return {
    [`own${conf}`]: `need files\ndo_run() { echo ${word} >/opt/own${conf}; echo ${word} >>/etc/one; }\n`,
  };
}

function addConf(project: string, n: number): void {
  const list = JSON.stringify(['files', 'library', 'above', `own${n}`]);
  writeFileSync(
    join(project, 'conf', `c${n}.toml`),
    `suite = "bookworm"\narch = "amd64"\nscriptlets = ${list}\n`,
  );
  copyFileSync(join(project, 'conf/a.lock'), join(project, 'conf', `c${n}.lock`));
  for (const text of Object.values(own(n, '0'))) save(project, n, text);
}

function save(project: string, conf: number, text: string): void {
  writeFileSync(join(project, 'scriptlets', `own${conf}.sh`), text);
}

function wordOf(project: string, conf: number): string {
  const text = readFileSync(join(project, 'scriptlets', `own${conf}.sh`), 'utf8');
  return /echo (\d)/.exec(text)?.[1] ?? '';
}

function run(project: string, args: readonly string[]): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const options = { cwd: project, env: { PATH: process.env.PATH, TERM: 'dumb' }, timeout: PATIENCE };
  execFile(SNAP, args, options, (error, stdout, stderr) => {
    if (error?.killed) reject(new Error(`snap ${args.join(' ')} does not end: ${stderr}`));
    else resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
  });
  return promise;
}
