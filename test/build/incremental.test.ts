import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { walk } from '../../src/store/tree.ts';
import { build, edit, makeProject, write } from './small-project.ts';

const SCRIPTLETS = {
  lib: 'install_debian_deb libyaml-0-2\n',
  jobs: 'need lib\ninstall_debian_deb cron\n',
  leaf: 'do_run() { copy_file data etc/leaf/; copy_file fixed etc/leaf/; }\n',
  other: 'do_run() { mkdir -p opt; echo x >opt/other; }\n',
  stamp: "need '*'\ndo_run() { in_image cat /etc/leaf/data >etc/stamp; }\n",
};

function project(): string {
  return makeProject(SCRIPTLETS, { files: { 'scriptlets/leaf/data': '1', 'scriptlets/leaf/fixed': 'x' } });
}

/** Everything in a slot, with what a write would change. */
function touched(image: string): Map<string, string> {
  const all = new Map<string, string>();
  // The ctime of what is linked changes with each link that another test makes to it.
  for (const { path, stat } of walk(image)) {
    const isLinked = !stat.isDirectory() && stat.nlink > 1n;
    all.set(path, `${stat.ino} ${isLinked ? stat.mtimeNs : stat.ctimeNs}`);
  }
  return all;
}

function different(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...now.keys()])]
    .filter((path) => before.get(path) !== now.get(path))
    .sort();
}

test('a changed data file runs its scriptlet and those that see all, and changes just the paths that differ', () => {
  const folder = project();
  build(folder);
  const slots = [realpathSync(join(folder, 'images/a'))];
  for (const [number, text] of ['2', '3', '4', '5'].entries()) {
    write(folder, { 'scriptlets/leaf/data': text });
    const before = number > 0 ? touched(slots.at(-2)!) : undefined;
    assert.deepEqual(build(folder).ran, ['leaf', 'stamp']);
    const slot = realpathSync(join(folder, 'images/a'));
    assert.notEqual(slot, slots.at(-1));
    if (before) {
      assert.equal(slot, slots.at(-2));
      assert.deepEqual(different(before, touched(slot)), ['etc', 'etc/leaf', 'etc/leaf/data', 'etc/stamp']);
    }
    slots.push(slot);
  }
});

test('one more package in the middle runs its scriptlet, those that see it, and the triggers that it concerns', () => {
  const folder = makeProject(
    {
      ...SCRIPTLETS,
      lib: 'do_run() { mkdir -p opt; echo lib >opt/lib; }\n',
      jobs: 'need lib\ndo_run() { echo jobs >opt/jobs; }\n',
      more: 'install_debian_deb libyaml-0-2\n',
    },
    { files: { 'scriptlets/leaf/data': '1', 'scriptlets/leaf/fixed': 'x' }, apt: true },
  );
  const first = build(folder).ran;
  assert.ok(first.includes('settle/libc-bin'), first.join());
  edit(folder, 'scriptlets/more.sh', () => 'install_debian_deb cron libyaml-0-2\n');
  const { ran } = build(folder);
  assert.deepEqual(
    ran.filter((name) => !name.startsWith('settle/')),
    ['more', 'stamp'],
  );
  assert.ok(!ran.includes('settle/libc-bin'), 'cron brings no library');
});
