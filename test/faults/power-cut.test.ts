import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { digestOf } from '../../src/store/digest.ts';
import { makeDist, SNAP, start } from '../commands/launcher.ts';
import { ALL } from './fixture/cases.ts';
import { afterBoot, FailingDisk } from './fixture/power.ts';
import { randomFrom, SEED } from './fixture/random.ts';
import { lookOf, mustSnap, SCRIPTLETS, scratch } from './fixture/scene.ts';
import { thinProject } from './fixture/thin.ts';

before(makeDist);

const CYCLES = ALL ? 200 : 4;

/** A moment at which a command had ended well, and what it promised. */
type Mark = {
  readonly after: string;
  readonly position: number;
  readonly image: string | undefined;
  /** The state of the scriptlets. */
  readonly asked: string;
  /** Tags and pins. */
  readonly kept: readonly string[];
};

type Step = readonly [name: string, work: (project: string) => void];

const build = (project: string): void => void mustSnap(project, 'build', 'a', '--offline');

/** What a person does with a store, command after command. */
const STEPS: readonly Step[] = [
  ['edit', (project) => edit(project, 'above', 'again')],
  ['build', build],
  ['tag', (project) => void mustSnap(project, 'tag', 'a@2', 'shipped')],
  ['edit', (project) => edit(project, 'files', 'twice')],
  ['build', build],
  ['pin', (project) => void mustSnap(project, 'pin', 'a@3')],
  ['edit', (project) => edit(project, 'above', 'thrice')],
  ['build', build],
  ['gc', (project) => void mustSnap(project, 'gc', '--keep-builds', '1')],
  ['restore', (project) => void mustSnap(project, 'restore', 'a@3', join(project, 'made'))],
  ['edit', (project) => edit(project, 'files', 'one')],
  ['build', build],
  ['build --rerun', (project) => void mustSnap(project, 'build', 'a', '--offline', '--rerun', 'files')],
  ['rebuild-index', (project) => void start([SNAP, '-C', project, 'verify', '--rebuild-index'])],
  ['clean', (project) => void mustSnap(project, 'clean', 'a')],
  ['build', build],
];

test(`power cut ${CYCLES} times at any moment: what was done is whole, and the next build makes the rest`, async (t) => {
  const disk = new FailingDisk(160);
  const folder = mkdtempSync(join(scratch(), 'snap-power-'));
  const model = thinProject(SCRIPTLETS);
  t.after(async () => {
    disk.unmount();
    await disk.stop();
    for (const one of [folder, model, `${model}.debs`]) rmSync(one, { recursive: true, force: true });
  });
  const project = join(disk.mounted, 'project');
  disk.fill(() => {
    execFileSync('cp', ['-a', model, project]);
    build(project);
  });
  await disk.start();
  const marks = await record(disk, project);
  const end = marks.at(-1)!.position;
  const images = new Map(marks.map(({ asked, image }) => [asked, image]));
  const random = randomFrom(SEED);
  const bad: string[] = [];
  let [lost, told] = [0, 0];
  for (let cycle = 1; cycle <= CYCLES; cycle++) {
    const near = marks[Math.floor(random() * marks.length)]!.position;
    const drawn = random();
    const position = Math.min(
      end,
      Math.floor(drawn < 0.3 ? near : drawn < 0.5 ? near + random() * 60 : random() * end),
    );
    // What the mount writes comes before the first one.
    const reached = Math.max(0, marks.filter((mark) => mark.position <= position).length - 1);
    const [mark, next] = [marks[reached]!, marks[reached + 1]];
    const where = `${mark.after} (${position - mark.position} writes later, cut ${cycle})`;
    const find = (what: string): void => void bad.push(`after ${where}: ${what}`);
    lost += await disk.cut(position, SEED + cycle);
    disk.mount();
    try {
      const snap = (...args: readonly string[]) =>
        start(afterBoot(folder, cycle, [SNAP, '-C', project, ...args]));
      const image = lookOf(join(project, 'images/a'));
      if (![mark.image, next?.image].includes(image))
        find('the image is neither the old one nor the new one');
      for (const kept of mark.kept) if (!keptIn(project).includes(kept)) find(`${kept} is lost`);
      const first = snap('verify', '--deep', '--json');
      for (const damage of damagesOf(first.stdout, find)) {
        if (damage.kind !== 'image') find(`then: ${JSON.stringify(damage)}`);
        else told++;
      }
      const built = snap('build', 'a', '--offline');
      if (built.status !== 0) find(`the next build: ${built.stderr}`);
      const asked = scriptletsIn(project);
      if (!images.has(asked)) find('an edit is half');
      if (lookOf(join(project, 'images/a')) !== images.get(asked)) find('the next build gives another image');
      for (const damage of damagesOf(snap('verify', '--deep', '--json').stdout, find))
        find(`in the end: ${JSON.stringify(damage)}`);
    } finally {
      disk.unmount();
    }
    const faults = disk.faults();
    if (faults !== undefined) find(`the filesystem: ${faults}`);
  }
  t.diagnostic(
    `${CYCLES} cuts in ${end} writes and flushes, ${lost} writes lost, ${told} images told of, SNAP_SEED=${SEED}`,
  );
  assert.deepEqual(bad, []);
});

/** Plays all steps, while somebody else asks for safety time and again, which brings half of what was written to the disk. */
async function record(disk: FailingDisk, project: string): Promise<Mark[]> {
  disk.mount();
  const script = 'while :; do echo >>"$0"; sync "$0"; sleep 0.2; done';
  const other = spawn('sh', ['-c', script, join(disk.mounted, 'other')], {
    stdio: 'ignore',
    detached: true,
  });
  const ended = new Promise((resolve) => other.on('close', resolve));
  const mark = async (after: string): Promise<Mark> => ({
    after,
    position: await disk.position(),
    image: lookOf(join(project, 'images/a')),
    asked: scriptletsIn(project),
    kept: keptIn(project),
  });
  try {
    const marks = [await mark('the beginning')];
    for (const [name, work] of STEPS) {
      work(project);
      marks.push(await mark(name));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return marks;
  } finally {
    process.kill(-other.pid!, 'SIGKILL');
    await ended;
    disk.unmount();
  }
}

/** As an editor saves: the file is on the disk before it has its name. */
function edit(project: string, scriptlet: string, word: string): void {
  const file = join(project, 'scriptlets', `${scriptlet}.sh`);
  const text = readFileSync(file, 'utf8').replace(/echo \w+ >\/opt/, `echo ${word} >/opt`);
  writeFileSync(`${file}~`, text, { flush: true });
  renameSync(`${file}~`, file);
  execFileSync('sync', [join(project, 'scriptlets')]);
}

function scriptletsIn(project: string): string {
  const folder = join(project, 'scriptlets');
  const names = readdirSync(folder).filter((name) => name.endsWith('.sh'));
  return digestOf(
    names
      .sort()
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\0'),
  );
}

function keptIn(project: string): string[] {
  return ['tags', 'pins'].flatMap((name) =>
    readdirSync(join(project, 'store', name)).map((one) => `${name}/${one}`),
  );
}

type Damage = { readonly kind: string };

function damagesOf(json: string, find: (what: string) => void): Damage[] {
  try {
    return (JSON.parse(json) as { damages: Damage[] }).damages;
  } catch {
    find(`verify does not end well: ${json}`);
    return [];
  }
}
