import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { folder, makeDist, SNAP } from '../commands/launcher.ts';
import { Archive } from '../debian/fixture/archive.ts';

const archive = await Archive.open();
before(async () => {
  makeDist();
  await archive.publish([['foo 1.0']]);
});
after(() => archive[Symbol.asyncDispose]());

function project(place: string): string {
  const [mirror] = archive.mirrors;
  mkdirSync(join(place, 'conf'));
  mkdirSync(join(place, 'scriptlets'));
  writeFileSync(join(place, 'scriptlets/one.sh'), 'install_debian_deb foo\n');
  const lines = [
    'suite = "bookworm"',
    'arch = "amd64"',
    'scriptlets = ["one"]',
    '[[mirror]]',
    `uri = "${mirror?.uri}"`,
    `signed_by = "${mirror?.signedBy}"`,
  ];
  writeFileSync(join(place, 'conf/fault.toml'), lines.join('\n'));
  return place;
}

/** `snap lock`, in a group of its own; the server of this process answers meanwhile. */
function lock(cwd: string) {
  const env = { PATH: process.env.PATH, TERM: 'dumb' };
  const child = spawn(SNAP, ['lock'], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const { promise: ended, resolve } = Promise.withResolvers<{ status: number | null; stderr: string }>();
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  child.on('close', (status) => resolve({ status, stderr }));
  return { child, ended };
}

/** The processes that work somewhere below a folder. */
function processesBelow(place: string): string[] {
  const workplace = (pid: string) => {
    try {
      return readlinkSync(join('/proc', pid, 'cwd'));
    } catch {
      return '';
    }
  };
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && workplace(pid).startsWith(`${place}/`));
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} while apt waits for a server: snap lock ends with ${code} at once, and leaves nothing`, async (t) => {
    const place = project(folder(t));
    const held = Promise.withResolvers<void>();
    archive.faults.set('/debian/dists/bookworm/InRelease', () => {
      held.resolve();
      return true;
    });
    const { child, ended } = lock(place);
    t.after(() => child.kill('SIGKILL'));
    await held.promise;
    assert.ok(processesBelow(place).length > 0, 'apt is found while it runs');
    // As a terminal does it: to all processes of the group.
    process.kill(-(child.pid ?? 0), signal);
    const { status, stderr } = await ended;
    assert.equal(status, code, stderr);
    assert.match(stderr, new RegExp(`^snap: Stopped by ${signal}$`, 'm'));
    assert.deepEqual(processesBelow(place), []);
    assert.equal(existsSync(join(place, 'conf/fault.lock')), false);

    archive.faults.clear();
    const again = await lock(place).ended;
    assert.equal(again.status, 0, again.stderr);
    assert.match(readFileSync(join(place, 'conf/fault.lock'), 'utf8'), /^closure one foo:amd64$/m);
  });
}
