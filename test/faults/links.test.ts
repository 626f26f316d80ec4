import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { project } from './fixture/project.ts';

/** A folder of the host that a link may lead to, and what its files hold. */
function outside(t: { after(then: () => void): void }): { folder: string; content: () => string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'snap-canary-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['passwd', 'group', 'status', 'canary'])
    writeFileSync(join(folder, name), `host's ${name}\n`);
  mkdirSync(join(folder, 'dpkg'));
  writeFileSync(join(folder, 'dpkg', 'status'), "host's status\n");
  const content = (): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .sort()
      .map((name) => {
        const stat = lstatSync(join(folder, name));
        const text = stat.isFile() ? readFileSync(join(folder, name), 'utf8') : '';
        return `${name} ${stat.mode.toString(8)} ${stat.uid} ${stat.mtimeMs} ${text}`;
      });
  return { folder, content };
}

test('copy_file and do_run stay in the image where its links lead out of it', (t) => {
  const { snap, scriptlets, write, image } = project(t);
  const host = outside(t);
  const before = host.content();
  scriptlets({
    links: `do_run() {
  mkdir -p /opt/a
  ln -s ${host.folder} /opt/absolute
  ln -s ../../../../../../../../../..${host.folder} /opt/a/upwards
  ln -s ${host.folder}/canary /opt/file
  mkdir -p ${host.folder}
  copy_file given opt/absolute/one
  copy_file given opt/a/upwards/two
  copy_file given opt/file
  echo written >/opt/absolute/three
  echo written >/opt/a/upwards/canary
}
`,
  });
  write('scriptlets/links/given', 'given\n');
  const { status, stderr } = snap('build');
  assert.equal(status, 0, stderr);
  assert.deepEqual(host.content(), before);
  assert.ok(lstatSync(image('opt/file')).isFile(), 'copy_file replaces a link');
  // tmp is emptied in every image, so what went there is gone with it.
  assert.equal(readlinkSync(image('opt/absolute')), host.folder);
});

/** What a scriptlet may put in the place of a folder or file that snap itself looks into, as root, on the host. */
const REPLACED = ['etc', 'etc/passwd', 'etc/group', 'var/lib/dpkg', 'var/lib/dpkg/status', 'var/lib'];

for (const path of REPLACED) {
  test(`a link in place of ${path} leads snap nowhere`, (t) => {
    const { snap, scriptlets, image } = project(t);
    const host = outside(t);
    const before = host.content();
    const target = path.includes('/') && !['var/lib', 'var/lib/dpkg'].includes(path) ? '/canary' : '';
    scriptlets({
      breaker: `do_run() {\n  mv /${path} /opt/moved\n  /opt/moved/nothing 2>/dev/null || true\n  perl -e 'symlink("${host.folder}${target}", "/${path}") or die $!'\n}\n`,
      after: `need breaker\ndo_run() { perl -e 'mkdir "/opt/after"'; }\n`,
    });
    const { status, stderr } = snap('build');
    assert.equal(status, 0, stderr);
    assert.deepEqual(host.content(), before);
    assert.equal(readlinkSync(image(path)), `${host.folder}${target}`);
    assert.ok(existsSync(image('opt/after')));
    scriptlets({ after: `do_run() { perl -e 'mkdir "/opt/after"'; }\n` });
    assert.equal(snap('build').status, 0);
    assert.ok(!lstatSync(image(path)).isSymbolicLink());
    assert.deepEqual(host.content(), before);
  });
}

test('a folder of the package database that a scriptlet removed is gone from the image', (t) => {
  const { snap, scriptlets, image } = project(t);
  scriptlets({ strip: 'do_run() {\n  rm -r /var/lib/dpkg /var/cache/debconf\n}\n' });
  const { status, stderr } = snap('build');
  assert.equal(status, 0, stderr);
  assert.deepEqual(
    [existsSync(image('var/lib/dpkg')), existsSync(image('var/cache/debconf'))],
    [false, false],
  );
  assert.ok(existsSync(image('etc/passwd')));
});

test('a folder of the image that became a link to the host since is made anew, not written or removed through', (t) => {
  const { snap, scriptlets, image, folder } = project(t);
  const host = outside(t);
  scriptlets({
    one: 'do_run() {\n  mkdir /opt/sub\n  echo one >/opt/sub/canary\n  echo one >/opt/sub/passwd\n}\n',
  });
  for (const text of ['one', 'two']) {
    scriptlets({ one: `do_run() {\n  mkdir /opt/sub\n  echo ${text} >/opt/sub/canary\n}\n` });
    assert.equal(snap('build').status, 0);
  }
  const before = host.content();
  for (const slot of ['.fault.a', '.fault.b']) {
    renameSync(join(folder, 'images', slot, 'opt/sub'), join(folder, 'images', slot, 'opt/old'));
    symlinkSync(host.folder, join(folder, 'images', slot, 'opt/sub'));
  }
  scriptlets({ one: 'do_run() {\n  mkdir /opt/sub\n  echo three >/opt/sub/new\n}\n' });
  const { status, stderr } = snap('build');
  assert.equal(status, 0, stderr);
  assert.deepEqual(host.content(), before);
  assert.equal(readFileSync(image('opt/sub/new'), 'utf8'), 'three\n');
});

test('use_file through a link that leaves the project is refused, and nothing is written through one', (t) => {
  const { snap, scriptlets, folder } = project(t);
  const host = outside(t);
  const before = host.content();
  symlinkSync(host.folder, join(folder, 'shared'));
  const body = 'do_run() {\n  cat "$RUN_HOME/shared/canary" >/opt/stolen\n}\n';
  scriptlets({ thief: `use_file shared/canary\n${body}` });
  const { status, stderr } = snap('build');
  assert.equal(status, 1);
  assert.match(stderr, /^snap: Cannot .*"?shared"?.*$/m);
  assert.doesNotMatch(stderr, /This is a bug/);
  scriptlets({ thief: `use_file shared shared/canary\n${body}` });
  assert.equal(snap('build').status, 1);
  assert.deepEqual(host.content(), before);
});
