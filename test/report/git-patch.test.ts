import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { type PatchEnd, patchLines } from '../../src/report/git-patch.ts';
import { loadHunks } from '../../src/report/line-diff.ts';

const hunks = await loadHunks();

const folder = mkdtempSync(join(tmpdir(), 'snap patch '));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(content: string, mode = '100644'): PatchEnd {
  return { mode, content };
}

function put(path: Buffer, end: PatchEnd | undefined): void {
  if (end?.mode === '120000') symlinkSync(Buffer.from(end.content!, 'latin1'), path);
  else if (end)
    writeFileSync(path, Buffer.from(end.content!, 'latin1'), { mode: end.mode === '100755' ? 0o755 : 0o644 });
}

function get(path: Buffer): PatchEnd | undefined {
  if (!existsSync(path) && !lstatSync(path, { throwIfNoEntry: false })) return undefined;
  if (lstatSync(path).isSymbolicLink()) return { mode: '120000', content: readlinkSync(path, 'latin1') };
  const mode = statSync(path).mode & 0o100 ? '100755' : '100644';
  return { mode, content: readFileSync(path, 'latin1') };
}

/** What patch(1) makes of a file by the patch. */
async function patched(name: string, before: PatchEnd | undefined, after: PatchEnd | undefined) {
  const place = join(folder, 'tree');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(join(place, 'd'), { recursive: true });
  const path = Buffer.concat([Buffer.from(`${place}/`), Buffer.from(name, 'latin1')]);
  put(path, before);
  const lines = patchLines(name, before, after, hunks);
  const input = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
  execFileSync('patch', ['-p1', '--quiet', '--no-backup-if-mismatch', '--fuzz=0'], { cwd: place, input });
  return get(path);
}

const CASES: [what: string, before: PatchEnd | undefined, after: PatchEnd | undefined, name?: string][] = [
  ['a changed line', file('a\nb\nc\n'), file('a\nB\nc\n')],
  ['a new file', undefined, file('a\n')],
  ['a file that went', file('a\n'), undefined],
  ['an empty file that came', undefined, file('')],
  ['an empty file that went', file(''), undefined],
  ['no newline at the end, before', file('a\nb'), file('a\nb\n')],
  ['no newline at the end, after', file('a\nb\n'), file('a\nb')],
  ['carriage returns', file('a\r\nb\r\n'), file('a\nb\r\n')],
  ['bytes that are no UTF-8', file('\xff\xfe\n\xe9\n'), file('\xff\xfd\n\xe9\n')],
  ['a file that is run now', file('a\n'), file('a\n', '100755')],
  ['another content and mode', file('a\n'), file('b\n', '100755')],
  ['a new link', undefined, file('../a b', '120000')],
  ['a link that leads elsewhere', file('a', '120000'), file('b', '120000')],
  ['a link that became a file', file('a', '120000'), file('b\n')],
  ['a file that became a link', file('b\n'), file('a', '120000')],
  ['a name with blanks', file('a\n'), file('b\n'), 'd/a b'],
  ['a name with a quote and a backslash', file('a\n'), file('b\n'), 'd/a"b\\c'],
  ['a name with a newline and a tab', file('a\n'), file('b\n'), 'd/a\nb\tc'],
  ['a name that is no UTF-8', file('a\n'), file('b\n'), 'd/\xff'],
];
for (const [what, before, after, name = 'd/file'] of CASES) {
  test(`patch(1) makes the other file of it: ${what}`, async () => {
    assert.deepEqual(await patched(name, before, after), after);
  });
}

test('a patch makes any text of any other, byte for byte', async () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', '\n', '\r', '\xff', '-- ', '@@'), { maxLength: 40 })
    .map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(text, text, async (a, b) => {
      if (a !== b) assert.deepEqual(await patched('d/f', file(a), file(b)), file(b));
    }),
    { numRuns: 60 },
  );
});

test('what has no line in common takes no longer than it should, and is right', async () => {
  const lines = (seed: number) =>
    Array.from({ length: 40_000 }, (_, at) => `${(at * seed) % 99_991}\n`).join('');
  const [a, b] = [file(lines(7_919)), file(lines(104_729))];
  assert.deepEqual(await patched('d/f', a, b), b);
});

test('binary files are named and not shown, and equal ones are not named', () => {
  assert.deepEqual(patchLines('x', file('a\0'), file('b\0'), hunks), [
    'diff --git a/x b/x',
    'Binary files a/x and b/x differ',
  ]);
  assert.deepEqual(patchLines('x', undefined, { mode: '100644', content: undefined }, hunks), [
    'diff --git a/x b/x',
    'new file mode 100644',
    'Binary files /dev/null and b/x differ',
  ]);
  assert.deepEqual(patchLines('x', file('a'), file('a'), hunks), []);
});

test('a file that became a link goes, and the link comes', () => {
  const lines = patchLines('x', file('a\n'), file('b', '120000'), hunks);
  assert.deepEqual(
    lines.filter((line) => /^(diff|new|deleted)/.test(line)),
    ['diff --git a/x b/x', 'deleted file mode 100644', 'diff --git a/x b/x', 'new file mode 120000'],
  );
});
