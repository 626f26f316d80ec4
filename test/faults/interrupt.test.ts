import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { layersIn } from './fixture/layers.ts';
import { leftovers, type Project, project } from './fixture/project.ts';
import { groupsOf, mountsOf, processesOf, programOf, startedBy, until } from './fixture/traces.ts';

/** It waits for ever as long as its data says so, with a daemon that nobody holds by any descriptor. */
const WAITING = `do_run() {
  echo made >/opt/made
  [ -e $DATA_DIR/wait ] || return 0
  ( setsid sh -c 'echo $$ >/opt/daemon; exec sleep 1000' </dev/null >/dev/null 2>&1 3>&- & )
  while [ ! -s /opt/daemon ]; do sleep 0.01; done
  trap '' INT TERM HUP
  sleep 1000
}
`;

/** Starts a build and calls back once the scriptlet runs, daemon and all. */
async function startWaiting(made: Project, detached = false) {
  made.write('scriptlets/waiting/wait', '');
  const running = made.start(['build', 'fault'], { detached });
  const works = (): string[] => leftovers(made.folder);
  const daemon = (): boolean =>
    works().some((work) => existsSync(join(made.folder, 'store', 'tmp', work, 'upper/opt/daemon')));
  await until('the daemon runs', daemon);
  return { ...running, works: works() };
}

async function buildsAgain(made: Project): Promise<void> {
  rmSync(join(made.folder, 'scriptlets/waiting/wait'));
  const { status, stderr } = made.snap('build');
  assert.equal(status, 0, stderr);
  assert.equal(readFileSync(made.image('opt/made'), 'utf8'), 'made\n');
}

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

for (const [signal, code] of SIGNALS) {
  test(`${signal} while a scriptlet runs: exit code ${code}, and nothing is left`, async (t) => {
    const made = project(t);
    made.scriptlets({ waiting: WAITING });
    const { child, ended, works } = await startWaiting(made);
    assert.ok(processesOf(made.folder).length > 2, 'the look for processes finds them while they run');
    child.kill(signal);
    const { status, stderr, stdout } = await ended;
    assert.equal(status, code, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, RegExp(`^snap: Stopped by ${signal}$`, 'm'));
    assert.deepEqual(processesOf(made.folder), []);
    assert.deepEqual(mountsOf(made.folder), []);
    assert.deepEqual(groupsOf(works), []);
    assert.deepEqual(leftovers(made.folder), []);
    assert.equal(existsSync(made.image()), false);
    await buildsAgain(made);
  });
}

test('Ctrl-C, which reaches every process on the terminal, ends as one to snap alone does', async (t) => {
  const made = project(t);
  made.scriptlets({ waiting: WAITING });
  const { child, ended, works } = await startWaiting(made, true);
  process.kill(-(child.pid ?? 0), 'SIGINT');
  assert.equal((await ended).status, 130);
  assert.deepEqual(processesOf(made.folder), []);
  assert.deepEqual([...leftovers(made.folder), ...groupsOf(works), ...mountsOf(made.folder)], []);
});

const BUSY = {
  evaluated: { text: 'while :; do :; done\n', program: 'bash' },
  checked: { text: 'do_check() { sleep 1000; }\ndo_run() { :; }\n', program: 'sleep' },
} as const;

for (const [what, { text, program }] of Object.entries(BUSY)) {
  test(`snap killed while a scriptlet is ${what}: no process and no file is left`, async (t) => {
    const made = project(t);
    made.scriptlets({ busy: text });
    const tmp = join(made.folder, 'tmp');
    mkdirSync(tmp, { mode: 0o1777 });
    const { PATH = '' } = process.env;
    const { child, ended } = made.start(['build', 'fault'], { env: { PATH, TERM: 'dumb', TMPDIR: tmp } });
    const programs = (): number[] => startedBy(child.pid!).filter((pid) => programOf(pid) === program);
    await until('it runs', () => programs().length > 0);
    const started = startedBy(child.pid!);
    child.kill('SIGKILL');
    assert.equal((await ended).signal, 'SIGKILL');
    await until('all processes are gone', () => started.every((pid) => programOf(pid) === undefined));
    assert.deepEqual(readdirSync(tmp), []);
    assert.deepEqual(leftovers(made.folder), []);
  });
}

test('snap killed while a scriptlet runs: its processes end with it, and the next build clears what it left', async (t) => {
  const made = project(t);
  made.scriptlets({ waiting: WAITING });
  const { child, ended, works } = await startWaiting(made);
  child.kill('SIGKILL');
  assert.equal((await ended).signal, 'SIGKILL');
  await until('all processes are gone', () => processesOf(made.folder).length === 0);
  assert.deepEqual(mountsOf(made.folder), []);
  assert.deepEqual(leftovers(made.folder), works);
  await buildsAgain(made);
  assert.deepEqual(leftovers(made.folder), []);
  assert.deepEqual(groupsOf(works), []);
});

test('a build leaves the work of another one alone', async (t) => {
  const made = project(t);
  made.scriptlets({ waiting: WAITING });
  made.write('conf/other.toml', made.read('conf/fault.toml').replace('"waiting"', '"other"'));
  made.write('conf/other.lock', made.read('conf/fault.lock'));
  made.write('scriptlets/other.sh', 'do_run() { echo other >/opt/other; }\n');
  const { child, ended, works } = await startWaiting(made);
  const { status, stderr } = made.snap('build', 'other');
  assert.equal(status, 0, stderr);
  assert.deepEqual(leftovers(made.folder), works);
  child.kill('SIGTERM');
  assert.equal((await ended).status, 143);
});

test('a signal while the base is made leaves nothing, and the next build makes it', async (t) => {
  const made = project(t);
  made.scriptlets({});
  const base = layersIn(made.folder).get('base');
  for (const part of ['layers', 'tools', 'index.db', 'builds'])
    rmSync(join(made.folder, 'store', part), { recursive: true, force: true });
  const begins = (): boolean =>
    leftovers(made.folder).some((work) =>
      existsSync(join(made.folder, 'store/tmp', work, 'unpacked/usr/bin/dpkg')),
    );
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const { child, ended } = made.start(['build']);
    await until('the trees of the debs are laid out', begins);
    child.kill(signal);
    const { status } = await ended;
    assert.equal(status, signal === 'SIGINT' ? 130 : null);
    if (signal === 'SIGINT') assert.deepEqual([processesOf(made.folder), leftovers(made.folder)], [[], []]);
    else await until('all processes are gone', () => processesOf(made.folder).length === 0);
    assert.deepEqual(mountsOf(made.folder), []);
    assert.deepEqual([...layersIn(made.folder).keys()], []);
  }
  const { status, stderr } = made.snap('build');
  assert.equal(status, 0, stderr);
  assert.deepEqual(leftovers(made.folder), []);
  assert.ok(layersIn(made.folder).get('base') === base, 'the base is the same as without signals');
});

test('killed while a deb is unpacked: nothing half-made is seen, and the next build installs the package', async (t) => {
  const made = project(t, { apt: true });
  made.scriptlets({ packages: 'install_debian_deb locales\n' });
  const unpacks = (): boolean =>
    leftovers(made.folder).some((work) =>
      existsSync(join(made.folder, 'store/tmp', work, 'layer/tree/usr/share/i18n')),
    );
  const { child, ended } = made.start(['build']);
  await until('a deb is unpacked', unpacks);
  child.kill('SIGKILL');
  await ended;
  await until('all processes are gone', () => processesOf(made.folder).length === 0);
  assert.deepEqual(mountsOf(made.folder), []);
  assert.deepEqual([...layersIn(made.folder).keys()], ['base']);
  const { status, stderr } = made.snap('build', '--locked', '--offline');
  assert.equal(status, 0, stderr);
  assert.match(
    readFileSync(made.image('var/lib/dpkg/status'), 'utf8'),
    /^Package: locales\nStatus: install ok installed$/m,
  );
  assert.deepEqual(leftovers(made.folder), []);
});
