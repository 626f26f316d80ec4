import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayFind, soughtBy } from '../../src/debian/name-search.ts';

function sought(line: string, folder: string): ReturnType<typeof soughtBy> {
  const [file = '', ...words] = line.split(' ');
  return soughtBy({ file, words }, folder);
}

test('Python seeks modules in the folder of its script, and any name elsewhere', () => {
  assert.equal(
    sought('/usr/bin/python3.11 /usr/bin/python3 -E /usr/bin/py3compile -p x', 'usr/bin'),
    'modules',
  );
  assert.equal(sought('/usr/bin/python3.11 python3 /usr/bin/py3compile', 'usr/lib/python3'), undefined);
  assert.equal(sought('/usr/bin/python3.11 python3 script.py', 'usr/bin'), undefined);
  assert.equal(sought('/usr/bin/python3.11 python3 -Ec /x', ''), undefined);
  assert.equal(sought('/usr/bin/perl perl /usr/bin/py3compile', 'usr/bin'), undefined);
});

test('update-rc.d seeks runlevels in /etc', () => {
  const line = '/usr/bin/perl /usr/bin/perl /usr/sbin/update-rc.d cron defaults';
  assert.equal(sought(line, 'etc'), 'runlevels');
  assert.equal(sought(line, 'etc/rc2.d'), undefined);
});

test('who seeks something finds that, and nothing else', () => {
  const found = (kind: 'modules' | 'runlevels', paths: readonly string[]): string[] =>
    paths.filter((path) => mayFind(kind, path, false));
  assert.deepEqual(found('modules', ['a/x', 'a/x.py', 'a/x.pyc', 'a/x.so', 'a/xpy']), [
    'a/x.py',
    'a/x.pyc',
    'a/x.so',
  ]);
  assert.equal(mayFind('modules', 'a/x', true), true);
  assert.deepEqual(found('runlevels', ['etc/rc2.d', 'etc/rcS.d', 'etc/bench', 'etc/rc.local']), [
    'etc/rc2.d',
    'etc/rcS.d',
  ]);
  assert.equal(mayFind('runlevels', 'etc/new', true), false);
});
