import assert from 'node:assert/strict';
import { chmodSync, existsSync, lutimesSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { type Built, build, layersOf, lockText, makeProject, write } from './small-project.ts';

/** Everything that names a time, a host, an id or an order, in layers that run side by side. */
const SCRIPTLETS = {
  bus: 'install_debian_deb dbus\n',
  jobs: 'install_debian_deb cron\n',
  yaml: 'install_debian_deb libyaml-0-2\n',
  slow: 'do_run() { sleep 1; adduser --quiet --system --group slow; touch /var/lib/slow; chown slow: /var/lib/slow; }\n',
  quick:
    'do_run() { adduser --quiet --system --group quick; install -d -o quick -g quick /var/lib/quick; }\n',
  person: 'do_run() { adduser --quiet --disabled-password --gecos "A person" person; }\n',
  host: 'do_run() { { uname -n; umask; locale 2>&1; date +%Z; env | sort; id; pwd; nproc; } >/etc/seen; ls -lA /run/snap/data >>/etc/seen; }\n',
  data: 'do_run() { cp -a "$DATA_DIR" /opt/data; copy_file . opt/copied/; }\n',
};
const FILES = {
  'scriptlets/host/file': 'x',
  'scriptlets/data/file': 'x',
  'scriptlets/data/sub/program': '#!/bin/sh\n',
};

/** Another host name, umask, locale, time zone and home, and a network namespace with nothing in it, not even a loopback that is up. */
const ELSEWHERE = [
  ...['unshare', '--uts', '--net', '--ipc', 'sh', '-c'],
  ...['hostname elsewhere; umask 077; cd /usr/share; exec "$0" "$@"'],
];
const FOREIGN = {
  TZ: 'Pacific/Kiritimati',
  LANG: 'tr_TR.UTF-8',
  LC_ALL: 'tr_TR.UTF-8',
  HOME: '/nowhere',
  USER: 'x',
};

let here: { project: string; built: Built };
let there: { project: string; built: Built };

/** The lock has neither ids nor orders: both builds have to find the same. */
before(() => {
  const projects = [
    makeProject(SCRIPTLETS, { files: FILES, ids: 'fresh' }),
    makeProject(SCRIPTLETS, { files: FILES, ids: 'fresh', store: 'empty' }),
  ];
  for (const project of projects) chmodSync(join(project, 'scriptlets/data/sub/program'), 0o755);
  const [one = '', two = ''] = projects;
  write(two, { 'scriptlets/data/.gitignored-by-nobody': '' });
  write(one, { 'scriptlets/data/.gitignored-by-nobody': '' });
  for (const path of ['scriptlets/data', 'scriptlets/data/file', 'scriptlets/data/sub', 'conf/a.lock']) {
    lutimesSync(join(two, path), 86_400, 86_400);
  }
  chmodSync(join(two, 'scriptlets/data/sub/program'), 0o700);
  chmodSync(join(two, 'scriptlets/data/file'), 0o600);
  here = { project: one, built: build(one, ['-j', '1']) };
  there = { project: two, built: build(two, ['-j', '4'], { under: ELSEWHERE, env: FOREIGN }) };
});

test('a lock without ids gives the same ids in two stores, with one layer at a time and with four', () => {
  assert.match(lockText(here.project), /^uid slow \d+$/m);
  assert.equal(lockText(there.project), lockText(here.project));
});

test('two builds of one lock, on hosts that differ in all that they may, have the same digests of all layers and of the image', () => {
  const digests = (project: string): string[] =>
    [...layersOf(project).values()]
      .filter(({ name }) => name !== 'nothing')
      .map(({ name, digest }) => `${name} ${digest}`)
      .sort();
  assert.ok(digests(here.project).length > Object.keys(SCRIPTLETS).length);
  assert.deepEqual(digests(there.project), digests(here.project));
  assert.equal(there.built.json.digest, here.built.json.digest);
});

test('with the debs there, a build from a committed lock needs no network, not even for the base', () => {
  assert.ok(there.built.ran.includes('base') && there.built.ran.includes('bus'));
  assert.ok(
    !existsSync(join(there.project, 'store/apt')) ||
      readdirSync(join(there.project, 'store/apt')).length === 0,
  );
});
