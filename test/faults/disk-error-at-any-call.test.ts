import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { makeDist } from '../commands/launcher.ts';
import { CAN_TRACE, type Call, type Traced } from './fixture/calls.ts';
import { drawnFrom, drawnScenes, faultPoints } from './fixture/cases.ts';
import { SEED } from './fixture/random.ts';
import { isDone, leave, lookAfter, play, reset, type Stage, setStage } from './fixture/scene.ts';

before(makeDist);

/** The errors, and what is told of them beside the file. */
const ERRORS = {
  EIO: /".*".*(the disk reports an error|cannot be opened)/s,
  ENOSPC: /".*".*(no space is left|is full|no room|cannot be opened)/s,
} as const;
const ONLY = process.env.SNAP_ERROR;

for (const scene of drawnScenes(4)) {
  test(`the disk fails, or is full, at any call that changes it, during ${scene.name}`, {
    skip: !CAN_TRACE,
  }, async (t) => {
    const stage = await setStage(scene);
    t.after(() => leave(stage));
    const points = faultPoints(stage, SEED).filter(
      ({ by, isIdle }) => (by === 'main' || by === 'thread') && !isIdle,
    );
    const bad: string[] = [];
    for (const error of ['EIO', 'ENOSPC'] as const) {
      if (ONLY !== undefined && ONLY !== error) continue;
      const drawn = drawnFrom(points, 1);
      let failed = 0;
      for (const { at } of drawn) {
        reset(stage);
        const traced = await play(stage, { fault: { kind: 'error', at, error } });
        if (!isDone(scene, traced.status)) failed++;
        const found = [...toldWrong(stage, traced, ERRORS[error]), ...(await lookAfter(stage, traced))];
        const call = `${traced.struck?.by} ${traced.struck?.name} ${traced.struck?.paths.join(' ')}`;
        if (found.length === 0) continue;
        bad.push(`${error} at call ${at}, ${call}:\n  ${found.join('\n  ')}`);
        process.stderr.write(`${scene.name}: ${bad.at(-1)}\n`); // an hour before the report does
      }
      t.diagnostic(
        `${error}: ${points.length} states, ${failed} of ${drawn.length} failed, SNAP_SEED=${SEED}`,
      );
    }
    assert.deepEqual(bad, []);
  });
}

/** A failure is told as that of the disk, with a file; and what was to be on the disk is never told as done. */
function toldWrong(stage: Stage, { status, stdout, stderr, struck }: Traced, told: RegExp): string[] {
  if (struck === undefined) return [];
  const { scene } = stage;
  const isSync = isSyncOf(struck) && !isSqlites(stage, struck);
  const text = scene.mends ? stdout + stderr : stderr;
  if (/bug in snap/.test(text)) return [text];
  if (status === 1 && told.test(text)) return [];
  // With two layers at once another call may have that number.
  const isOwn = struck.by === 'main' || struck.by === 'thread';
  if (status === 1 && !isOwn && /^ {2}Cannot run scriptlet ".*"/m.test(text)) return [];
  if (isDone(scene, status)) return isSync ? [`a ${struck.name} that failed was taken for done`] : [];
  return [status === 1 ? `no disk, or no file, is named: ${text}` : `exit code ${status}: ${text}`];
}

function isSyncOf({ name }: Call): boolean {
  return /sync$|^syncfs$/.test(name);
}

/**
 * SQLite's own: what it makes sure of is told by its errors, but for the sync of the folder after that of a log that it has just made. That one
 * it takes for success; so what counts is on the disk before (`durably` in src/store/rows.ts).
 */
function isSqlites({ calls, project }: Stage, { at, paths: [path = ''] }: Call): boolean {
  const isIndex = (file = ''): boolean => /index\.db/.test(file);
  const before = calls[at - 2];
  const isFolder = path === `${project}/store` && before !== undefined;
  return isIndex(path) || (isFolder && isSyncOf(before) && isIndex(before.paths[0]));
}
