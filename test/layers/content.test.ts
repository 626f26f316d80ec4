import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import {
  type Content,
  contentKeys,
  contentOf,
  type Known,
  projectContent,
} from '../../src/layers/content.ts';
import { someFolder } from './some-layers.ts';

/** Milliseconds after which a file counts as old. */
const OLD = 40;

type Kept = Known & { readonly all: Map<string, string> };

function nothingKnown(): Kept {
  const all = new Map<string, string>();
  return { all, get: (key) => all.get(key), set: (key, value) => void all.set(key, value) };
}

/** A project with a scriptlet of this name that has data. */
function someProject(name: string): { readonly project: string; readonly data: string } {
  const project = someFolder();
  const data = join(project, 'scriptlets', name);
  mkdirSync(data, { recursive: true });
  return { project, data };
}

function contentIn(project: string, data: string, known: Known, files: readonly string[] = []): Content {
  return projectContent({ name: 'a', dataDir: data, files }, project, known).data;
}

test('a file that is old enough is not read again, until its stat is another one', async () => {
  const { project, data } = someProject('a');
  const known = nothingKnown();
  const file = join(data, 'file');
  writeFileSync(file, 'one');
  await wait(OLD);
  const content = contentIn(project, data, known);
  assert.deepEqual(content, contentOf(data));
  const [[key, text] = ['', '']] = known.all;
  const digest = content.file!.slice(2);
  known.set(key, text.replace(digest, 'f'.repeat(digest.length)));
  assert.equal(contentIn(project, data, known).file, `f ${'f'.repeat(digest.length)}`);
  const { atime, mtime } = statSync(file);
  writeFileSync(file, 'two');
  utimesSync(file, atime, mtime);
  assert.deepEqual(contentIn(project, data, known), contentOf(data));
});

test('of a file that changed just before it was read nothing is kept', () => {
  const { project, data } = someProject('a');
  const known = nothingKnown();
  writeFileSync(join(data, 'file'), 'one');
  contentIn(project, data, known);
  assert.ok(![...known.all.values()].some((text) => text.includes('file')));
});

test('whatever happens to data and files, what is known of them is what they hold', async () => {
  const name = fc.constantFrom('a', 'b', '__proto__', 'd/a', 'd/e/b');
  const action = fc.oneof(
    fc
      .tuple(name, fc.constantFrom('x', 'y', 'zz'))
      .map(([one, text]) => `rm -rf ${one}; mkdir -p "$(dirname ${one})"; printf ${text} >${one}`),
    fc
      .tuple(name, fc.constantFrom('x', 'y'))
      .map(([one, text]) => `[ ! -f ${one} ] || printf ${text} >${one}`),
    name.map((one) => `rm -rf ${one}; mkdir -p ${one}`),
    name.map((one) => `[ ! -e ${one} ] || chmod u+x ${one}`),
    fc.tuple(name, name).map(([one, other]) => `mv -fT ${one} ${other}`),
    fc.tuple(name, name).map(([one, other]) => `ln -sfT ${one} ${other}`),
    fc.tuple(name, name).map(([one, other]) => `ln -fT ${one} ${other}`),
    name.map((one) => `touch -d @1500000000 ${one}`),
  );
  const step = fc.record({ actions: fc.array(action, { maxLength: 4 }), isLate: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 5 }), async (steps) => {
      const { project, data } = someProject('a');
      const known = nothingKnown();
      for (const { actions, isLate } of steps) {
        const script = `exec 2>/dev/null\n${actions.join('\n')}\ntrue`;
        for (const cwd of [data, project]) execFileSync('bash', ['-c', script], { cwd });
        if (isLate) await wait(OLD);
        const files = ['a', 'd'];
        const found = projectContent({ name: 'a', dataDir: data, files }, project, known);
        const fresh = projectContent({ name: 'a', dataDir: data, files }, project, nothingKnown());
        assert.deepEqual(found, fresh);
        assert.deepEqual(found.data, contentOf(data));
        assert.ok([...known.all.keys()].every((key) => contentKeys({ name: 'a', files }).includes(key)));
      }
    }),
    { numRuns: Number(process.env.SNAP_PROPERTY_RUNS ?? 25) },
  );
});

test('what a file names comes under its own path, a link as what it says', () => {
  const { project, data } = someProject('a');
  mkdirSync(join(project, 'd'));
  writeFileSync(join(project, 'd/file'), 'x', { mode: 0o755 });
  symlinkSync('file', join(project, 'd/link'));
  const { files } = projectContent({ name: 'a', dataDir: data, files: ['d'] }, project, nothingKnown());
  assert.deepEqual(Object.keys(files), ['d', 'd/file', 'd/link']);
  assert.equal(files['d/link'], 'l file');
  assert.match(files['d/file']!, /^x [0-9a-f]{64}$/);
});
