import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { type Outcome, SNAP, start } from '../commands/launcher.ts';
import { type Project, project } from './fixture/project.ts';

/** Does the work while a folder of the project takes no writes. */
function whileFrozen(folder: string, work: () => void): void {
  execFileSync('mount', ['--bind', folder, folder]);
  try {
    execFileSync('mount', ['-o', 'remount,ro,bind', folder]);
    work();
  } finally {
    execFileSync('umount', [folder]);
  }
}

function built(t: TestContext): Project {
  const made = project(t);
  made.scriptlets({ one: 'do_run() { echo one >/etc/one; }\n' });
  const { status, stderr } = made.snap('build');
  assert.equal(status, 0, stderr);
  return made;
}

for (const where of ['store', '.']) {
  test(`with everything in it, a read-only ${where === '.' ? 'project' : 'store'} answers`, (t) => {
    const made = built(t);
    const text = made.read('scriptlets/one.sh');
    const first = made.snap('build', '--json');
    made.write('scriptlets/one.sh', `${text}# saved again\n`);
    whileFrozen(join(made.folder, where), () => {
      const { status, stdout, stderr } = made.snap('build', '--json');
      assert.equal(status, 0, stderr);
      const [now, before] = [stdout, first.stdout].map(
        (json) => JSON.parse(json) as { digest: string; layers: { state: string }[] },
      );
      assert.equal(now?.digest, before?.digest);
      assert.ok(now?.layers.every(({ state }) => state === 'hit'));
      for (const command of [['list'], ['plan'], ['verify'], ['log', 'one']]) {
        const outcome = made.snap(...command);
        assert.equal(outcome.status, 0, outcome.stderr);
      }
    });
    assert.equal(made.snap('build').status, 0);
  });
}

test('what a read-only store lacks cannot be built, and that is the reason that is told', (t) => {
  const made = built(t);
  whileFrozen(join(made.folder, 'store'), () => {
    made.write('scriptlets/one.sh', 'do_run() { echo two >/etc/one; }\n');
    const { status, stderr } = made.snap('build');
    assert.equal(status, 1);
    assert.match(stderr, /^snap: Cannot add to the store ".*\/store": it is read-only$/m);
    assert.match(
      stderr,
      /^hint: only what is in the store already can be built; mount it writable for all else$/m,
    );
    const repair = made.snap('verify', '--rebuild-index');
    assert.match(repair.stderr, /it is read-only/);
  });
  assert.equal(made.snap('build').status, 0);
  assert.equal(made.snap('verify', '--deep').status, 0);
});

test('a read-only store without an index answers all the same, and says so', (t) => {
  const made = built(t);
  for (const end of ['', '-wal', '-shm']) rmSync(join(made.folder, `store/index.db${end}`), { force: true });
  whileFrozen(join(made.folder, 'store'), () => {
    const { status, stderr } = withoutScratch(made, 'build');
    assert.equal(status, 0, stderr);
    assert.match(stderr, /is gone or damaged and the store read-only: it was made anew for this once$/m);
  });
});

test('what the log beside the index holds is known in a read-only store too', (t) => {
  const made = built(t);
  const index = join(made.folder, 'store/index.db');
  const writer = new DatabaseSync(index); // while it is open nobody takes the log into the index
  t.after(() => writer.close());
  writer.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA user_version; UPDATE layers SET seconds = 4321.5');
  assert.ok(statSync(`${index}-wal`).size > 0);
  whileFrozen(join(made.folder, 'store'), () => {
    const { status, stdout, stderr } = withoutScratch(made, 'why', 'one', '--json');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /4321\.5/);
  });
});

/** Where nothing can be written to the host's folder for such things either: so nothing can stay there after a kill. */
function withoutScratch(made: Project, ...args: readonly string[]): Outcome {
  return start([SNAP, '-C', made.folder, ...args], { env: { TMPDIR: join(made.folder, 'none') } });
}
