import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keepCheckpoint, takeUp } from '../../src/layers/checkpoint.ts';
import type { Digest } from '../../src/store/digest.ts';

const root = mkdtempSync(join(tmpdir(), 'snap-checkpoint-'));
after(() => rmSync(root, { recursive: true, force: true }));

const KEYS = { key: 'key' as Digest, packages: 'packages' as Digest };

/** Keeps a copy with a folder that overlayfs marked: it hides what is below it, if anything is. Returns what is kept. */
function kept(isBelow: (folder: string) => boolean): { place: string; work: () => string } {
  const work = (): string => mkdtempSync(join(root, 'work-'));
  const [folder, place] = [work(), join(work(), 'kept')];
  mkdirSync(join(folder, 'checkpoint/etc/new'), { recursive: true });
  writeFileSync(join(folder, 'checkpoint/etc/new/file'), 'content');
  execFileSync('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(folder, 'checkpoint/etc/new')]);
  writeFileSync(join(folder, 'copied'), '');
  const run = { ran: { from: 0, to: 1 }, started: 0, isBelow, trace: undefined };
  keepCheckpoint({ folder: place, ...KEYS }, folder, run);
  return { place, work };
}

test('a folder that is new is kept, one that hides another one cannot be', () => {
  const asked: string[] = [];
  const { place, work } = kept((folder) => asked.push(folder) === 0);
  const again = work();
  assert.notEqual(takeUp({ folder: place, ...KEYS }, again), undefined);
  const marks = execFileSync('getfattr', ['-R', '-d', '-m', '^trusted', 'upper'], {
    cwd: again,
    encoding: 'utf8',
  });
  assert.deepEqual([existsSync(join(again, 'upper/etc/new/file')), marks, asked], [true, '', ['etc/new']]);
  assert.equal(existsSync(kept((folder) => folder === 'etc/new').place), false);
});
