import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPath, namesIn, pathsNamed, writersOf } from '../../src/layers/origin.ts';
import type { ViewLayer } from '../../src/layers/view.ts';
import type { TreePath } from '../../src/store/manifest.ts';
import { addLayer, someStore } from './some-layers.ts';

const store = someStore();
const add = (name: string, below: readonly ViewLayer[], script: string): ViewLayer =>
  addLayer(store, below, script, { name });
const base = add(
  'base',
  [],
  'mkdir -p usr/bin etc gone/sub; ln -s usr/bin bin; ln -s ../etc usr/etc; ln -s loop loop; echo 1 >usr/bin/ls; echo 1 >etc/x; echo 1 >gone/sub/f',
);
const a = add('a', [base], 'mkdir etc; echo a >etc/x; echo a >etc/same; mknod gone c 0 0; ln -s /etc/x link');
const b = add('b', [base, a], 'mkdir etc; echo b >etc/x; echo games:x:5:60::/:/bin/sh >etc/passwd');
const c = add('c', [base], "mkdir etc; echo a >etc/same; : >etc/$'\\xfcber'");
const LAYERS = [base, a, b, c];

function writers(path: string): string[] {
  return writersOf(store, LAYERS, path as TreePath).map(
    ({ layer, wins }) => `${layer.name}${wins ? '*' : ''}`,
  );
}

/** The path that another leads to, or what became of it. */
function led(path: string): string {
  const found = findPath(store, LAYERS, path);
  return found.kind === 'missing' ? `no ${found.name} in /${found.folder}` : `${found.kind} ${found.path}`;
}

test('who wrote a path, and from whom the view has it', () => {
  assert.deepEqual(writers('usr/bin/ls'), ['base*']);
  assert.deepEqual(writers('etc/x'), ['base', 'a', 'b*']);
  assert.deepEqual(writers('etc/same'), ['a', 'c*'], 'equal ones side by side: one of them');
  assert.deepEqual(writers('etc/passwd'), ['b*']);
  assert.deepEqual(writers('etc/nothing'), []);
});

const LED: [path: string, to: string][] = [
  ['/bin/ls', 'there usr/bin/ls'],
  ['bin//../bin/./ls/', 'there usr/bin/ls'],
  ['/bin', 'there bin'],
  ['/usr/etc/x', 'there etc/x'],
  ['/../../etc/x', 'there etc/x'],
  ['/', 'there '],
  ['link', 'there link'],
  ['link/', 'there etc/x'],
  ['link/x', 'no x in /etc'],
  ['usr/bin/ls/x', 'no ls in /usr/bin'],
  ['loop/x', 'no loop in /'],
  ['gone/sub/f', 'removed gone'],
  ['usr/nothing/x', 'no nothing in /usr'],
  ['etc/passwd', 'there etc/passwd'],
  ['etc/\xfcber', 'there etc/\xfcber'],
];
for (const [path, to] of LED) {
  test(`${JSON.stringify(path)} leads to: ${to}`, () => assert.equal(led(path), to));
}

test('the names in a folder, and the paths of a name, files before links', () => {
  assert.deepEqual(namesIn(store, LAYERS, 'usr' as TreePath), ['bin', 'etc']);
  assert.deepEqual(pathsNamed(store, LAYERS, 'x'), ['etc/x']);
  assert.deepEqual(pathsNamed(store, LAYERS, 'bin'), ['usr/bin', 'bin']);
});
