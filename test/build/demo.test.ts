import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { ROOT, SNAP, start } from '../commands/launcher.ts';
import { SHARED_DEBS, shareDebs } from './shared-debs.ts';
import { type Built, build, edit, fillStore, lockText, makeFolder } from './small-project.ts';

/** The project's own demo, with its lock where one is committed, in an empty store. Each test is a change on top of those before. */
const project = makeFolder();
let first: Built;

before(() => {
  mkdirSync(join(project, 'conf'));
  const files = ['conf/demo.toml', 'conf/demo.lock', 'scriptlets'].filter((file) =>
    existsSync(join(ROOT, file)),
  );
  for (const file of files) cpSync(join(ROOT, file), join(project, file), { recursive: true });
  fillStore(project, 'empty', true);
  first = demo({ locked: false, online: true });
  shareDebs(join(project, 'store', 'debs'), SHARED_DEBS);
});

function demo({ locked = true, online = false } = {}): Built {
  return build(project, locked ? ['--locked'] : [], { conf: 'demo', online });
}

test('everything runs once', () => {
  const states = first.json.layers.map(({ state }) => state);
  assert.ok(states.length > 12 && states.every((state) => state === 'run'), states.join());
  assert.deepEqual([first.ran[0], first.json.layers[0]?.reason], ['base', 'first build']);
  assert.ok(first.json.paths > 5000);
});

test('nothing changed: no layer runs', () => {
  const { ran, json } = demo();
  assert.deepEqual([ran, json.digest], [[], first.json.digest]);
});

test('a comment in a scriptlet, white space in another, and the time of a data file: no layer runs', () => {
  edit(
    project,
    'scriptlets/bluez.sh',
    (text) => `# A comment.\n${text.replace('do_run() {\n', 'do_run() {\n  # Another.\n')}`,
  );
  edit(project, 'scriptlets/user.sh', (text) => text.replaceAll('  in_image', '\n\n\tin_image'));
  edit(project, 'scriptlets/bluez/main.conf', (text) => `${text}#`);
  edit(project, 'scriptlets/bluez/main.conf', (text) => text.slice(0, -1));
  assert.deepEqual(demo().ran, []);
});

test('a data file of bluez: bluez runs, nothing else, and the image has it', () => {
  edit(project, 'scriptlets/bluez/main.conf', (text) => `${text}# changed\n`);
  const { ran, json } = demo();
  assert.deepEqual(ran, ['bluez']);
  assert.equal(json.layers.find(({ name }) => name === 'bluez')?.reason, 'data file main.conf changed');
  assert.match(readFileSync(join(json.image, 'etc/bluetooth/main.conf'), 'utf8'), /# changed\n$/);
});

test('a need that comes out the same re-runs nothing above it', () => {
  edit(project, 'scriptlets/user.sh', (text) => text.replace('do_run() {', 'do_run() {\n  true'));
  assert.match(readFileSync(join(project, 'scriptlets/bluez.sh'), 'utf8'), /^need user$/m);
  assert.deepEqual(demo().ran, ['user']);
});

test('a need that comes out different re-runs what looked for that, and leaves what did not', () => {
  // What it looks for is not noted while it goes on from packages that were configured in less than a second: so all of it once more.
  rmSync(join(project, 'store/checkpoints/demo%bluez'), { recursive: true });
  edit(project, 'scriptlets/bluez/main.conf', (text) => `${text}# again\n`);
  assert.deepEqual(demo().ran, ['bluez']);
  edit(project, 'scriptlets/user.sh', (text) =>
    text.replace('do_run() {', 'do_run() {\n  touch /etc/user-was-here'),
  );
  const { ran } = demo();
  assert.ok(ran.includes('user') && !ran.includes('bluez'), ran.join());

  // Whatever is started looks for this one.
  edit(project, 'scriptlets/user.sh', (text) => text.replace('/etc/user-was-here', '/etc/ld.so.preload'));
  const again = demo().ran;
  assert.ok(again.includes('user') && again.includes('bluez'), again.join());
  for (const one of [ran, again])
    assert.ok(
      !one.includes('base') && !one.includes('dbus') && !one.some((name) => name.startsWith('settle')),
      one.join(),
    );
});

test('one more package in one scriptlet: that layer runs and what settles it, no other pin moves', () => {
  const pins = (): string[] =>
    lockText(project, 'demo')
      .split('\n')
      .filter((line) => line.startsWith('deb '));
  const before = pins();
  edit(project, 'scriptlets/bluez.sh', (text) => text.replace('install_debian_deb bluez', '$& libyaml-0-2'));
  const { ran } = demo({ locked: false, online: true });
  assert.deepEqual(ran, ['bluez', 'settle/libc-bin']);
  const added = pins().filter((line) => !before.includes(line));
  assert.deepEqual(
    [pins().length, added.length, added[0]?.split(' ')[1]],
    [before.length + 1, 1, 'libyaml-0-2'],
  );
});

test('built the old way, in one tree, it comes out the same', () => {
  const { status, stdout } = start([SNAP, '-C', project, 'check', 'demo', '--json']);
  const { same, differences } = JSON.parse(stdout) as { same: boolean; differences: { allowed?: string }[] };
  assert.deepEqual([same, differences.filter(({ allowed }) => allowed === undefined), status], [true, [], 0]);
});
