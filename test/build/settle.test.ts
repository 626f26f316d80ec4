import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { SNAP, start } from '../commands/launcher.ts';
import { build, edit, makeProject } from './small-project.ts';

/** Puts an installed package there that reacts to the trigger of its own name with `script`, which waits. */
const reacting = (name: string, script: string): string => `
printf 'Package: ${name}\\nStatus: install ok triggers-pending\\nArchitecture: all\\nVersion: 1\\nMaintainer: x\\nDescription: x\\nTriggers-Pending: ${name}\\n\\n' >> /var/lib/dpkg/status
: > /var/lib/dpkg/info/${name}.list
echo 'interest-noawait ${name}' > /var/lib/dpkg/info/${name}.triggers
printf '#!/bin/sh\\nset -e\\n${script}\\n' > /var/lib/dpkg/info/${name}.postinst
chmod 755 /var/lib/dpkg/info/${name}.postinst
echo ${name}/noawait > /var/lib/dpkg/triggers/${name}
`;

/** The same for a package for which nothing waits. */
const idle = (name: string, script: string): string =>
  reacting(name, script).replace('triggers-pending', 'installed').replace(`Triggers-Pending: ${name}\\n`, '');

function isAsInOneTree(project: string): void {
  const { status, stdout, stderr } = start([SNAP, '-C', project, 'check', 'a']);
  assert.equal(status, 0, stdout + stderr);
}

test('a trigger that another one activates works on what that one made, although both waited', () => {
  const project = makeProject({
    one: `do_run() {
${reacting('b', 'cat /etc/made >/etc/copied || : >/etc/copied')}
${reacting('a', 'echo by a >/etc/made; dpkg-trigger --no-await b')}
}
`,
  });
  build(project);
  assert.equal(readFileSync(join(project, 'images/a/etc/copied'), 'utf8'), 'by a\n');
});

test('a trigger that do_run itself activates is run, by its name or by its path', () => {
  const project = makeProject({
    one: `do_run() {
${idle('named', 'echo "$2" >/etc/by-name')}
${idle('filed', 'echo "$2" >/etc/by-path')}
rm /var/lib/dpkg/triggers/filed
echo /usr/share/filed filed/noawait >>/var/lib/dpkg/triggers/File
echo interest-noawait /usr/share/filed >/var/lib/dpkg/info/filed.triggers
}
`,
    two: `need one
do_run() {
  dpkg-trigger --by-package=dpkg --no-await named
  dpkg-trigger --by-package=dpkg --no-await /usr/share/filed
}
`,
  });
  build(project);
  const made = (name: string): string => readFileSync(join(project, 'images/a/etc', name), 'utf8');
  assert.deepEqual([made('by-name'), made('by-path')], ['named\n', '/usr/share/filed\n']);
  assert.doesNotMatch(
    readFileSync(join(project, 'images/a/var/lib/dpkg/status'), 'latin1'),
    /^Triggers-Pending/m,
  );
  isAsInOneTree(project);
});

/** Builds, and looks at the slots of the image all the while, until there is an answer. */
async function watchSlots<T>(project: string, look: (slots: string[]) => T | undefined) {
  const images = join(project, 'images');
  const slots = ['.a.a', '.a.b'].map((name) => join(images, name));
  const child = spawn(SNAP, ['-C', project, 'build', 'a'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  let seen: T | undefined;
  while (child.exitCode === null) {
    seen ??= look(slots);
    await setTimeout(5);
  }
  const [status] = await ended;
  return { status, slots, seen };
}

test('a first image is made while triggers run, and what they make comes into both slots', async () => {
  const script = 'sleep 0.7; echo x >/etc/settled; rm /etc/debian_version';
  const project = makeProject({ one: `do_run() {\n${reacting('slow', script)}\n}\n` });
  const { status, slots, seen } = await watchSlots(project, ([slot = '', other = '']) => {
    const files = [slot, other].map((one) => join(one, 'etc/host.conf'));
    if (!files.every((file) => existsSync(file))) return undefined;
    assert.ok(!existsSync(join(slot, 'etc/settled')) && !existsSync(join(slot, '../a')));
    return files.map((file) => statSync(file).ino);
  });
  assert.equal(status, 0);
  assert.deepEqual(
    seen,
    slots.map((slot) => statSync(join(slot, 'etc/host.conf')).ino),
  );
  for (const slot of slots) {
    assert.equal(readFileSync(join(slot, 'etc/settled'), 'utf8'), 'x\n');
    assert.ok(!existsSync(join(slot, 'etc/debian_version')));
    assert.ok(existsSync(`${slot}.json`));
  }
  isAsInOneTree(project);
});

test('of a first image that was begun nothing is left when a trigger fails', async () => {
  const project = makeProject({ one: `do_run() {\n${reacting('bad', 'sleep 0.7; exit 1')}\n}\n` });
  const { status, slots, seen } = await watchSlots(
    project,
    (both) => both.every((slot) => existsSync(slot)) || undefined,
  );
  assert.deepEqual([status, seen], [1, true]);
  for (const slot of slots) assert.ok(!existsSync(slot));
});

test('a trigger of a name sees what any layer changes', () => {
  const project = makeProject({
    one: `do_run() {\n${reacting('a', 'cat /etc/hook >/etc/made')}\n}\n`,
    two: 'do_run() { echo first >/etc/hook; }\n',
  });
  build(project);
  const made = () => readFileSync(join(project, 'images/a/etc/made'), 'utf8');
  assert.equal(made(), 'first\n');
  edit(project, 'scriptlets/two.sh', (text) => text.replace('first', 'second'));
  build(project);
  assert.equal(made(), 'second\n');
});

test('what one scriptlet diverts and another brings lies where dpkg would have put it', () => {
  const project = makeProject({
    one: 'install_debian_deb netbase\n',
    two: 'do_run() { dpkg-divert --quiet --local --rename --add /etc/services; }\n',
  });
  build(project);
  assert.match(readFileSync(join(project, 'images/a/etc/services.distrib'), 'utf8'), /^ssh\s/m);
  assert.ok(!existsSync(join(project, 'images/a/etc/services')));
  isAsInOneTree(project);
});
