import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { makeDist } from '../commands/launcher.ts';
import { CAN_TRACE } from './fixture/calls.ts';
import { drawnFrom, drawnScenes, faultPoints } from './fixture/cases.ts';
import { SEED } from './fixture/random.ts';
import { leave, lookAfter, play, reset, setStage } from './fixture/scene.ts';

before(makeDist);

for (const scene of drawnScenes(6)) {
  test(`snap killed at any call that changes the disk, during ${scene.name}`, {
    skip: !CAN_TRACE,
  }, async (t) => {
    const stage = await setStage(scene);
    t.after(() => leave(stage));
    const points = faultPoints(stage, SEED);
    const drawn = drawnFrom(points, 2);
    let killed = 0;
    const bad: string[] = [];
    for (const { at } of drawn) {
      reset(stage);
      const traced = await play(stage, { fault: { kind: 'kill', at } });
      if (traced.signal === 'SIGKILL') killed++;
      const call = `${traced.struck?.by} ${traced.struck?.name} ${traced.struck?.paths.join(' ')}`;
      const found = await lookAfter(stage, traced);
      if (found.length === 0) continue;
      bad.push(`killed at call ${at}, ${call}:\n  ${found.join('\n  ')}`);
      process.stderr.write(`${scene.name}: ${bad.at(-1)}\n`); // an hour before the report does
    }
    t.diagnostic(
      `${stage.calls.length} calls, ${points.length} states, killed at ${killed} of ${drawn.length}, SNAP_SEED=${SEED}`,
    );
    assert.deepEqual(bad, []);
    assert.ok(killed > 0, 'it was killed at all');
  });
}
