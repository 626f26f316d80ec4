import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { walk } from '../../src/store/tree.ts';
import { start } from '../commands/launcher.ts';
import { build, edit, layersOf, makeFolder, makeProject } from './small-project.ts';

const SCRIPTLETS = {
  packages: 'install_debian_deb dbus\n',
  jobs: 'install_debian_deb cron\n',
  yaml: 'install_debian_deb netbase libyaml-0-2\n',
  own: `
do_run() {
  mkdir -p /opt/own /var/lib/own
  echo program >/opt/own/program; echo other >/opt/own/other; : >/opt/own/empty
  ln /opt/own/other /opt/own/other-name
  echo conf >/etc/own.conf; echo state >/var/lib/own/state
  copy_file word opt/own/
  ischroot
}
`,
  docs: "exclude_path 'usr/share/doc/*' 'usr/share/man/**'\n",
};

let project = '';
let image = '';
before(() => {
  project = makeProject(SCRIPTLETS, { files: { 'scriptlets/own/word': 'one\n' } });
  image = build(project).json.image;
});

/** All paths below a folder; links are not followed. */
const pathsIn = (folder: string): string[] => [...walk(`${folder}/.`)].map(({ path }) => path).slice(1);

/** dpkg-query's words for the state and name of a package. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: these are words of dpkg-query
const FORMAT = '${db:Status-Abbrev}${Package}\\n';

const inode = (path: string): number => lstatSync(path).ino;

test('no trace of the build is in an image', () => {
  const paths = pathsIn(image);
  assert.deepEqual(
    paths.filter((path) => /eatmydata|policy-rc\.d|snap|resolv\.conf$|\.pwd\.lock/.test(path)),
    [],
  );
  for (const folder of ['run', 'tmp', 'var/tmp', 'var/cache/apt', 'var/lib/apt/lists', 'proc', 'sys']) {
    assert.deepEqual(readdirSync(join(image, folder)), [], folder);
  }
  const logs = pathsIn(join(image, 'var/log'));
  for (const log of logs) {
    const stat = lstatSync(join(image, 'var/log', log));
    assert.ok(stat.isDirectory() || stat.size === 0, log);
  }
  const left =
    /^(var\/lib\/dpkg\/(status-old|lock|lock-frontend|triggers\/Lock)|etc\/(passwd|group|shadow|gshadow)-|var\/cache\/ldconfig\/.*|var\/cache\/debconf\/.*-old)$/;
  assert.deepEqual(
    paths.filter((path) => left.test(path)),
    [],
  );
  assert.equal(lstatSync(join(image, 'etc/hostname'), { throwIfNoEntry: false }), undefined);
  assert.equal(readFileSync(join(image, 'usr/bin/ischroot')).toString('latin1', 1, 4), 'ELF');
  if (existsSync(join(image, 'etc/machine-id')))
    assert.equal(readFileSync(join(image, 'etc/machine-id'), 'utf8'), '');
});

test('dpkg finds nothing wrong in an image, and every package installed', () => {
  const audit = start(['chroot', image, 'dpkg', '--audit']);
  assert.deepEqual(audit, { status: 0, stdout: '', stderr: '' });
  const states = start(['chroot', image, 'dpkg-query', '-W', '-f', FORMAT]).stdout.trim().split('\n');
  assert.deepEqual(
    states.filter((line) => !line.startsWith('ii ')),
    [],
  );
  assert.ok(states.includes('ii dbus') && states.includes('ii cron') && states.length > 90);
  assert.match(readFileSync(join(image, 'var/lib/dpkg/status'), 'utf8'), /^Package: base-files$/m);
  assert.doesNotMatch(readFileSync(join(image, 'var/lib/dpkg/status'), 'utf8'), /^Triggers-/m);
});

test('what settle made is in the image: the linker knows the libraries of all layers', () => {
  const { stdout } = start(['chroot', image, 'ldconfig', '-p']);
  for (const library of ['libyaml-0.so.2', 'libdbus-1.so.3', 'libc.so.6'])
    assert.ok(stdout.includes(library), library);
});

test('programs run in an image', () => {
  const { status, stdout } = start([
    'chroot',
    image,
    'bash',
    '-c',
    'dbus-daemon --version | head -n 1; id -un messagebus',
  ]);
  assert.equal(status, 0);
  assert.match(stdout, /^D-Bus Message Bus Daemon .*\nmessagebus\n$/);
});

test('what a scriptlet excludes is not there, and nothing else is missing', () => {
  assert.deepEqual(readdirSync(join(image, 'usr/share/doc')), []);
  assert.ok(existsSync(join(image, 'usr/share/doc')));
  assert.ok(existsSync(join(layersOf(project).get('packages')!.tree, 'usr/share/doc/dbus')));
});

test("an image shares its programs' inodes with the layers; files of etc and var and empty ones are its own", () => {
  const { tree } = layersOf(project).get('own')!;
  for (const path of ['opt/own/program', 'opt/own/other'])
    assert.equal(inode(join(image, path)), inode(join(tree, path)), path);
  for (const path of [
    'etc/own.conf',
    'var/lib/own/state',
    'opt/own/empty',
    'etc/passwd',
    'var/lib/dpkg/status',
  ]) {
    assert.equal(lstatSync(join(image, path)).nlink, 1, path);
  }
  assert.equal(inode(join(image, 'opt/own/other')), inode(join(image, 'opt/own/other-name')));
  const names = new Map<number, string[]>();
  for (const path of pathsIn(image)) {
    const stat = lstatSync(join(image, path));
    if (stat.isFile()) names.set(stat.ino, [...(names.get(stat.ino) ?? []), path]);
  }
  const tied = [...names.values()].filter((paths) => paths.length > 1).map((paths) => paths.sort().join(' '));
  assert.ok(tied.includes('opt/own/other opt/own/other-name'));
  for (const paths of tied)
    assert.match(
      paths,
      /^opt\/own\/|^usr\/bin\/(perl|[a-z]*gunzip|uncompress)/,
      'no two paths that are no hard links',
    );
});

test('an edit in place of an image does not reach the store', () => {
  const place = makeProject({ own: SCRIPTLETS.own }, { files: { 'scriptlets/own/word': 'one\n' } });
  const edited = build(place).json.image;
  const { tree } = layersOf(place).get('own')!;
  const edits: [string, string][] = [
    ['etc/own.conf', 'conf\n'],
    ['var/lib/own/state', 'state\n'],
    ['opt/own/empty', ''],
  ];
  for (const [path, text] of edits) {
    writeFileSync(join(edited, path), 'edited');
    assert.equal(readFileSync(join(tree, path), 'utf8'), text, path);
  }
});

test('the link shows the new image at once, and who holds the old one sees it whole', () => {
  const held = openSync(`${image}/`, 'r');
  const old = readlinkSync(image);
  const look = (): string => {
    const under = `/proc/${process.pid}/fd/${held}`;
    return start([
      'sh',
      '-c',
      `cd ${under}/. && find . -printf '%p %m %U %G %s %T@ %l\\n' | sort | sha256sum; cat opt/own/word`,
    ]).stdout;
  };
  const before = look();
  assert.match(before, /one\n$/);
  edit(project, 'scriptlets/own/word', () => 'two\n');
  assert.deepEqual(build(project).ran, ['own']);
  assert.equal(look(), before);
  assert.notEqual(readlinkSync(image), old);
  assert.equal(readFileSync(join(image, 'opt/own/word'), 'utf8'), 'two\n');
  edit(project, 'scriptlets/own/word', () => 'three\n');
  build(project);
  assert.equal(readlinkSync(image), old);
  assert.equal(readFileSync(join(image, 'opt/own/word'), 'utf8'), 'three\n');
  closeSync(held);
});

test('after a series of changes an image is what a fresh one would be, to the byte and to the second', () => {
  const fresh = join(makeFolder(), 'fresh');
  const { json } = build(project, ['--output', fresh]);
  assert.equal(json.image, fresh);
  const list = (folder: string): string =>
    start([
      'sh',
      '-c',
      'cd "$0/." && find . -printf "%p %y %m %U %G %T@ %l\\n" | sort && find . -type f -exec sha256sum {} + | sort',
      folder,
    ]).stdout;
  assert.ok(list(fresh).length > 100_000);
  assert.equal(list(image), list(fresh));
});
