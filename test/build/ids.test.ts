import assert from 'node:assert/strict';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { attemptBuild, build, edit, lockLines, makeProject, write } from './small-project.ts';

/** A scriptlet that makes a user and group, and files of theirs: setuid, setgid, a folder, a link, an ACL. */
const owner = (name: string): string => `
do_run() {
  adduser --quiet --system --group --home /var/lib/${name} ${name}
  install -o ${name} -g root -m 4755 /bin/true /usr/bin/as-${name}
  install -o root -g ${name} -m 2755 /bin/true /usr/bin/with-${name}
  install -d -o ${name} -g ${name} -m 2770 /srv/${name}
  ln -s nowhere /srv/${name}/link
  chown -h ${name}:${name} /srv/${name}/link
}
`;

type Ids = { readonly uid: number; readonly gid: number };

function idsIn(image: string, name: string): Ids {
  const field = (file: string, index: number): number => {
    const line = readFileSync(join(image, file), 'utf8')
      .split('\n')
      .find((one) => one.startsWith(`${name}:`));
    return Number(line?.split(':')[index]);
  };
  assert.equal(field('etc/passwd', 3), field('etc/group', 2));
  return { uid: field('etc/passwd', 2), gid: field('etc/group', 2) };
}

function stateOf(image: string, path: string): string {
  const { mode, uid, gid } = lstatSync(join(image, path));
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
}

function assertOwned(image: string, name: string, { uid, gid }: Ids): void {
  assert.equal(stateOf(image, `usr/bin/as-${name}`), `4755 ${uid}:0`);
  assert.equal(stateOf(image, `usr/bin/with-${name}`), `2755 0:${gid}`);
  assert.equal(stateOf(image, `srv/${name}`), `2770 ${uid}:${gid}`);
  assert.equal(stateOf(image, `srv/${name}/link`), `777 ${uid}:${gid}`);
  assert.equal(stateOf(image, `var/lib/${name}`), `755 ${uid}:${gid}`);
}

test('two scriptlets that each make a user get distinct ids, and their files the right owners', () => {
  const project = makeProject({ first: owner('alpha'), second: owner('beta') });
  const { json } = build(project);
  const [alpha, beta] = [idsIn(json.image, 'alpha'), idsIn(json.image, 'beta')];
  assert.notEqual(alpha.uid, beta.uid);
  assert.notEqual(alpha.gid, beta.gid);
  assertOwned(json.image, 'alpha', alpha);
  assertOwned(json.image, 'beta', beta);
  assert.deepEqual(
    lockLines(project, 'uid').filter((line) => /alpha|beta/.test(line)),
    [`uid alpha ${alpha.uid}`, `uid beta ${beta.uid}`],
  );

  write(project, { 'scriptlets/third.sh': owner('gamma') });
  edit(project, 'conf/a.toml', (text) => text.replace('["first"', '["third","first"'));
  const more = build(project);
  assert.deepEqual(more.ran, ['third']);
  assert.deepEqual([idsIn(more.json.image, 'alpha'), idsIn(more.json.image, 'beta')], [alpha, beta]);
  const gamma = idsIn(more.json.image, 'gamma');
  assert.ok(![alpha.uid, beta.uid].includes(gamma.uid) && ![alpha.gid, beta.gid].includes(gamma.gid));
  assertOwned(more.json.image, 'gamma', gamma);
});

test('an id of the lock holds in a store that never saw the user', () => {
  const project = makeProject({ first: owner('alpha'), second: owner('beta') });
  edit(project, 'conf/a.lock', (text) => text.replace(/^(?=base )/m, 'uid beta 777\ngid beta 888\n'));
  const { json } = build(project);
  assert.deepEqual(idsIn(json.image, 'beta'), { uid: 777, gid: 888 });
  assertOwned(json.image, 'beta', { uid: 777, gid: 888 });
  assertOwned(json.image, 'alpha', idsIn(json.image, 'alpha'));
});

test('with --locked an id that the lock does not hold is an error that names it', () => {
  const project = makeProject({ first: owner('alpha') });
  const { status, stderr } = attemptBuild(project, ['--locked']);
  assert.equal(status, 1);
  assert.match(stderr, /its lock lacks the uid of "alpha", gid of "alpha"/);
  build(project);
  assert.deepEqual(build(project, ['--locked']).ran, []);
});

test("packages' own users: each owns what is its own, whatever id its postinst saw as free", () => {
  const project = makeProject({
    bus: 'install_debian_deb dbus\n',
    mine: owner('alpha'),
    jobs: 'install_debian_deb cron\n',
  });
  const { json } = build(project);
  const alpha = idsIn(json.image, 'alpha');
  const bus = idsIn(json.image, 'messagebus');
  assert.notEqual(alpha.uid, bus.uid);
  assertOwned(json.image, 'alpha', alpha);
  assert.equal(stateOf(json.image, 'usr/lib/dbus-1.0/dbus-daemon-launch-helper'), `4754 0:${bus.gid}`);
  const crontab = Number(/^crontab:x:(\d+):/m.exec(readFileSync(join(json.image, 'etc/group'), 'utf8'))?.[1]);
  assert.equal(stateOf(json.image, 'usr/bin/crontab'), `2755 0:${crontab}`);
  assert.equal(new Set([alpha.gid, bus.gid, crontab]).size, 3);
});

test('a user that two scriptlets both make is one user', () => {
  const project = makeProject({
    first: owner('alpha'),
    second: `${owner('alpha').replaceAll(/(as|with)-/g, '$1-2-')}`,
  });
  const { json } = build(project);
  const passwd = readFileSync(join(json.image, 'etc/passwd'), 'utf8');
  assert.equal(passwd.match(/^alpha:/gm)?.length, 1);
  assertOwned(json.image, 'alpha', idsIn(json.image, 'alpha'));
});
