import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPatchOutput, readSeries } from '../../src/kernel/series.ts';
import { someFolder } from '../layers/some-layers.ts';

test('a series is read as quilt reads it: comments, blank lines, strip levels, reversed patches', () => {
  const { lines, faults } = readSeries(`# what we change
fix.patch

net/driver.patch -p0   # not sent upstream
old.patch -R -p2
 indented.patch -pab
`);
  assert.deepEqual(faults, []);
  assert.deepEqual(lines, [
    { name: 'fix.patch', strip: 1, reverse: false, line: 2 },
    { name: 'net/driver.patch', strip: 0, reverse: false, line: 4 },
    { name: 'old.patch', strip: 2, reverse: true, line: 5 },
    { name: 'indented.patch', strip: 1, reverse: false, line: 6 },
  ]);
});

test('what does not belong into a series is told with its line', () => {
  const { faults } = readSeries('a.patch --fuzz=3\n../b.patch\n/etc/c.patch\nd.patch\nd.patch -p0\n');
  assert.deepEqual(faults, [
    { line: 1, what: '"--fuzz=3" is neither -pN nor -R' },
    { line: 2, what: '"../b.patch" does not lie in the folder of the series' },
    { line: 3, what: '"/etc/c.patch" does not lie in the folder of the series' },
    { line: 5, what: '"d.patch" is in line 4 already' },
  ]);
});

/** What the real patch prints, with the options that snap gives it. */
function patchOutput(files: Readonly<Record<string, string>>, patch: string): string {
  const folder = someFolder();
  mkdirSync(join(folder, 'drivers'));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  const options = ['-p1', '--fuzz=0', '--force', '--no-backup-if-mismatch', '--reject-format=unified'];
  const { stdout, stderr, status } = spawnSync('patch', options, {
    cwd: folder,
    input: patch,
    encoding: 'utf8',
  });
  assert.notEqual(status, 0);
  return `${stdout}${stderr}`;
}

const NUMBERS = Array.from({ length: 40 }, (_, index) => `line ${index + 1}\n`).join('');

test('of a patch that does not apply the file, the hunk and the reject are known', () => {
  const output = patchOutput(
    { 'drivers/good.c': 'one\n', 'drivers/bad.c': NUMBERS },
    `--- a/drivers/good.c
+++ b/drivers/good.c
@@ -1 +1 @@
-one
+two
--- a/drivers/bad.c
+++ b/drivers/bad.c
@@ -1,2 +1,2 @@
-line 1
+LINE 1
 line 2
@@ -30,3 +30,3 @@
 line 30
-line thirty-one
+LINE 31
 line 32
`,
  );
  assert.deepEqual(readPatchOutput(output), {
    file: 'drivers/bad.c',
    hunks: [{ number: 2, line: 30 }],
    reject: 'drivers/bad.c.rej',
    reason: undefined,
  });
});

test('context that is only nearly the same is no match, and no fuzz helps', () => {
  const output = patchOutput(
    { 'drivers/a.c': 'one\nTWO\nthree\nfour\nfive\nsix\nseven\n' },
    `--- a/drivers/a.c
+++ b/drivers/a.c
@@ -1,7 +1,7 @@
 one
 two
 three
-four
+FOUR
 five
 six
 seven
`,
  );
  assert.deepEqual(readPatchOutput(output).hunks, [{ number: 1, line: 1 }]);
});

test('a patch for a file that is not there names the file', () => {
  const failure = readPatchOutput(
    patchOutput({}, '--- a/drivers/gone.c\n+++ b/drivers/gone.c\n@@ -1 +1 @@\n-one\n+two\n'),
  );
  assert.match(`${failure.file}`, /drivers\/gone\.c/);
  assert.match(`${failure.reason}`, /can't find file to patch/);
});

test('a file that is no patch at all is called so', () => {
  assert.match(`${readPatchOutput(patchOutput({}, 'Dear maintainer,\n')).reason}`, /Only garbage/);
});
