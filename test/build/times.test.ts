import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { walk } from '../../src/store/tree.ts';
import { start } from '../commands/launcher.ts';
import { EPOCH } from './catalogue.ts';
import { build, layersOf, makeProject } from './small-project.ts';

const SCRIPTLETS = {
  python: 'install_debian_deb python3-minimal\n',
  module: `need python
do_run() {
  copy_file device.py usr/lib/python3/dist-packages/
  in_image python3 -m py_compile /usr/lib/python3/dist-packages/device.py
  echo old >/etc/old; touch -d 2001-02-03 /etc/old
  echo new >/etc/new
}
`,
};

let project = '';
let image = '';
let begun = 0;
before(() => {
  project = makeProject(SCRIPTLETS, { files: { 'scriptlets/module/device.py': 'NAME = "x"\n' } });
  image = build(project).json.image;
  begun = layersOf(project).get('base')!.made - 120;
});

const seconds = (path: string): number => lstatSync(path).mtimeMs / 1000;

/** All paths below a folder; links are not followed. */
function everything(folder: string): string[] {
  return [...walk(`${folder}/.`)].slice(1).map(({ path }) => join(folder, path));
}

test('every folder of an image has SOURCE_DATE_EPOCH for its time, and nothing has a time of the build', () => {
  assert.equal(seconds(`${image}/`), EPOCH);
  for (const path of everything(image)) {
    if (lstatSync(path).isDirectory()) assert.equal(seconds(path), EPOCH, path);
    else assert.ok(seconds(path) < begun, path);
  }
});

test('a file of the run gets SOURCE_DATE_EPOCH, one that the run dated itself or dpkg unpacked keeps its time', () => {
  assert.equal(seconds(join(image, 'etc/new')), EPOCH);
  assert.equal(seconds(join(image, 'etc/old')), Date.UTC(2001, 1, 3) / 1000);
  assert.notEqual(seconds(join(image, 'usr/bin/python3.11')), EPOCH);
});

test("the folders and files of a layer's own tree are settled too", () => {
  const { tree } = layersOf(project).get('module')!;
  for (const path of [tree, ...everything(tree)]) {
    assert.equal(seconds(path), path.endsWith('/etc/old') ? Date.UTC(2001, 1, 3) / 1000 : EPOCH, path);
  }
});

/** Prints each compiled file of the image that is not what its source would be compiled to, then how many there are. */
const FIND_STALE = `
import glob, importlib.util, os, struct
compiled = glob.glob('/usr/**/__pycache__/*.pyc', recursive=True)
for path in compiled:
  head = open(path, 'rb').read(16)
  source = importlib.util.source_from_cache(path)
  flags, mtime, size = struct.unpack('<III', head[4:])
  stat = os.stat(source)
  hashed = importlib.util.source_hash(open(source, 'rb').read()) if flags & 1 else None
  fits = hashed == head[8:] if flags & 1 else (mtime, size) == (int(stat.st_mtime), stat.st_size)
  if not fits: print(path)
print(len(compiled))
`;

test('every compiled Python file fits its source, so that the device compiles nothing anew', () => {
  const { stdout, stderr } = start(['chroot', image, 'python3', '-B', '-c', FIND_STALE]);
  assert.equal(stderr, '');
  const [count, ...stale] = stdout.trim().split('\n').reverse();
  assert.deepEqual(stale, []);
  assert.ok(Number(count) > 100);
  const { stderr: told } = start(['chroot', image, 'python3', '-v', '-B', '-c', 'import device, os']);
  assert.match(told, /device\.cpython-311\.pyc matches/);
});
