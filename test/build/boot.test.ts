import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { ROOT, snap } from '../commands/launcher.ts';
import { SHARED_DEBS, shareDebs } from './shared-debs.ts';
import { build, fillStore, makeFolder } from './small-project.ts';

/** The project's own demo with its kernel, from nothing but debs. */
const project = makeFolder();

before(() => {
  mkdirSync(join(project, 'conf'));
  const files = ['demo.toml', 'demo.lock', 'demo-boot.toml', 'demo-boot.lock'].map((file) =>
    join('conf', file),
  );
  for (const file of [...files, 'scriptlets'].filter((one) => existsSync(join(ROOT, one)))) {
    cpSync(join(ROOT, file), join(project, file), { recursive: true });
  }
  fillStore(project, 'empty', true);
  build(project, [], { conf: 'demo-boot', online: true });
  shareDebs(join(project, 'store', 'debs'), SHARED_DEBS);
});

/** Emulated, so that it is the same on every machine. */
function boot(...args: readonly string[]): string {
  const { status, stdout, stderr } = snap(['-C', project, 'run', 'demo-boot', '--no-kvm', ...args]);
  assert.equal(status, 0, stderr);
  return stdout;
}

test('the image has the kernel, its modules and what depmod makes of them', () => {
  const image = join(project, 'images', 'demo-boot');
  const [release = ''] = readdirSync(join(image, 'lib', 'modules'));
  const there = ['vmlinuz', 'System.map', 'config'].map((name) =>
    existsSync(join(image, 'boot', `${name}-${release}`)),
  );
  assert.deepEqual(there, [true, true, true]);
  const files = readdirSync(join(image, 'lib', 'modules', release), { recursive: true, encoding: 'utf8' });
  for (const name of ['heartbeat.ko', 'softdog.ko', 'e1000.ko', 'modules.dep.bin']) {
    assert.ok(
      files.some((file) => file.endsWith(name)),
      name,
    );
  }
});

test('it starts up to the login prompt, and both patches and the driver are seen on the console', () => {
  const console = boot(
    ...['--append', 'board=meter', '--expect', 'board: meter'],
    ...['--expect', 'heartbeat: one beat every 1000 ms', '--expect', 'demo login: '],
  );
  assert.match(console, /Run \/\.snap-run\/init as init process, \d+ ms after start$/m);
  assert.match(console, /^board: meter$/m);
  assert.match(console, /^heartbeat: beats [1-9]\d*$/m);
  assert.match(console, /^failed units: 0$/m);
});

test('who logs in may load and unload modules, writes what is gone afterwards, and reboots', () => {
  const logIn = [
    ...['--expect', 'login: ', '--send', 'service', '--expect', 'Password: ', '--send', 'device'],
    ...['--expect', 'Current password: ', '--send', 'device'],
    ...['--expect', 'New password: ', '--send', 'kept-2-nowhere', '--expect', 'Retype new password: '],
    ...['--send', 'kept-2-nowhere', '--expect', '\\$ '],
  ];
  const work =
    'sudo -S modprobe softdog && sudo rmmod heartbeat && touch ~/here && ls ~ /.snap-run; mount | grep " on / "';
  const console = boot(
    ...logIn,
    ...['--send', work, '--expect', 'password for service: ', '--send', 'kept-2-nowhere'],
    ...['--expect', 'softdog: initialized', '--expect', 'heartbeat: stopped after \\d+ beats'],
    ...['--expect', 'overlay on / ', '--send', 'sudo reboot'],
  );
  assert.match(console, /cannot access '\/\.snap-run'/);
  assert.match(console, /^here$/m);
  assert.match(console, /reboot: Restarting system/);
  assert.equal(existsSync(join(project, 'images', 'demo-boot', 'home', 'service', 'here')), false);
});
