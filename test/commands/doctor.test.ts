import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { debianPackages, linuxVersion, nodeVersion } from '../../src/commands/probe.ts';
import { folder, makeDist, ROOT, SNAP, snap, start } from './launcher.ts';

type Finding = { name: string; verdict: string; found: string; mend?: string };

before(makeDist);

test("the doctor tries what a build needs on the store's own filesystem, and leaves nothing behind", (t) => {
  const place = folder(t);
  const { stdout } = snap(['doctor', '--json'], { cwd: place });
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  for (const name of ['linux', 'node', 'space', 'hard links', 'namespaces, overlay', 'sandbox']) {
    const finding = findings.find((one) => one.name === name);
    assert.equal(finding?.verdict, 'ok', `${name}: ${finding?.found}`);
  }
  assert.deepEqual(readdirSync(place), []);
});

test('the table says the same as the value, and the exit code whether a build can go on', () => {
  const { status, stdout, stderr } = snap(['doctor']);
  const { ready, findings } = JSON.parse(snap(['doctor', '--json']).stdout) as {
    ready: boolean;
    findings: Finding[];
  };
  assert.equal(status, ready ? 0 : 1);
  for (const { name } of findings) assert.ok(stdout.includes(name));
  assert.match(stderr, ready ? /Nothing .* is missing/ : /needs what is missing/);
});

test('a program that is missing is told with the command that installs it, and fails', (t) => {
  const place = folder(t);
  // Everything of the host but bubblewrap: /usr/bin as a folder of links, in a mount namespace of its own.
  const bin = join(place, 'bin');
  mkdirSync(bin);
  for (const name of readdirSync('/usr/bin'))
    if (name !== 'bwrap') symlinkSync(`/run/bin/${name}`, join(bin, name));
  const script =
    'mkdir -p /run/bin && mount --bind /usr/bin /run/bin && mount --bind "$1" /usr/bin && exec "$2" doctor --json';
  const command = ['unshare', '--mount', 'sh', '-c', script, 'sh', bin, SNAP];
  const { status, stdout } = start(command, { cwd: place });
  const { ready, findings } = JSON.parse(stdout) as { ready: boolean; findings: Finding[] };
  assert.deepEqual([status, ready], [1, false]);
  const bubblewrap = findings.find(({ name }) => name === 'bubblewrap');
  assert.deepEqual([bubblewrap?.verdict, bubblewrap?.mend], ['missing', 'apt-get install bubblewrap']);
});

test('a filesystem without hard links or overlay attributes is found out', (t) => {
  const place = folder(t);
  const script = 'mount -t ramfs none "$1" && cd "$1" && exec "$2" doctor --json';
  const { stdout } = start(['unshare', '--mount', 'sh', '-c', script, 'sh', place, SNAP]);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  const overlay = findings.find(({ name }) => name === 'namespaces, overlay');
  assert.equal(overlay?.verdict, 'missing', overlay?.found);
});

test('an ordinary user is told what only root can see', (t) => {
  const command = ['unshare', '--user', '--map-user=1000', SNAP, 'doctor', '--json'];
  const { stdout } = start(command, { cwd: folder(t) });
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  const overlay = findings.find(({ name }) => name === 'namespaces, overlay');
  assert.deepEqual([overlay?.verdict, overlay?.mend], ['unknown', 'sudo snap doctor']);
});

test('Linux from 5.11 and Node from 24 on are enough', () => {
  const verdicts = ['4.19.0-25', '5.10.0-8-amd64', '5.11.0', '6.1.0-18-amd64'].map(
    (version) => linuxVersion(version).verdict,
  );
  assert.deepEqual(verdicts, ['missing', 'missing', 'ok', 'ok']);
  assert.deepEqual([nodeVersion('20.20.2').verdict, nodeVersion('24.1.0').verdict], ['missing', 'ok']);
});

test('the list of Debian packages has a level that is known, and a purpose, on each line', () => {
  const packages = debianPackages(readFileSync(join(ROOT, 'bin/debian-packages'), 'utf8'));
  assert.ok(packages.length > 10);
  for (const { name, level, shownBy, purpose } of packages) {
    assert.ok(['needed', 'test', 'extra', 'tested'].includes(level), name);
    assert.ok(shownBy !== '' && purpose !== '', name);
  }
});
