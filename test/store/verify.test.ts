import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { makeNode } from '../../src/host/syscall.ts';
import { claim, makeClaims } from '../../src/store/claims.ts';
import { type Digest, digestOf } from '../../src/store/digest.ts';
import type { TreePath } from '../../src/store/manifest.ts';
import { mendPath } from '../../src/store/mend.ts';
import { at } from '../../src/store/tree.ts';
import { type StoreDamage, verifyStore } from '../../src/store/verify.ts';
import { publish, someStore } from './some-store.ts';

const signal = new AbortController().signal;

type Made = ReturnType<typeof someStore>;

async function look({ open }: Made, deep: boolean): Promise<readonly StoreDamage[]> {
  using store = open();
  return (await verifyStore(store, { deep, signal })).damages;
}

/** A damage as `n path: what`. */
function words(damages: readonly StoreDamage[]): string[] {
  return damages.map((one) =>
    one.kind === 'path' ? `${one.n} ${one.path}: ${one.what}` : `${one.kind}: ${one.what}`,
  );
}

/** Writes without a trace but the content. */
function rewrite(file: string, text: string): void {
  const { atimeMs, mtimeMs } = lstatSync(file);
  writeFileSync(file, text);
  lutimesSync(file, atimeMs / 1000, mtimeMs / 1000);
}

const times = (file: string, change: () => void): void => {
  const { mtimeMs } = lstatSync(file);
  change();
  lutimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
};

type Case = {
  readonly what: string;
  readonly path: string;
  /** Gets the path of the file, and of the folder that it is in. */
  readonly harm: (file: string, folder: string) => void;
  readonly told: RegExp;
  readonly deep?: boolean;
};

/** All that can be done to a path of a layer. The folder keeps its time, which is one more trace otherwise. */
const CASES: readonly Case[] = [
  {
    what: 'content changed, size and time kept',
    path: 'usr/dir/own',
    harm: (file) => rewrite(file, 'OWN'),
    told: /^other content$/,
    deep: true,
  },
  {
    what: 'truncated',
    path: 'usr/dir/own',
    harm: (file) => times(file, () => truncateSync(file, 1)),
    told: /^size 1 instead of 3$/,
  },
  { what: 'removed', path: 'usr/dir/own', harm: (file) => rmSync(file), told: /^is missing$/ },
  {
    what: 'added',
    path: 'usr/dir/new',
    harm: (file) => writeFileSync(file, ''),
    told: /^does not belong here$/,
  },
  {
    what: 'a folder added',
    path: 'usr/new',
    harm: (file) => mkdirSync(file),
    told: /^does not belong here$/,
  },
  {
    what: 'mode changed',
    path: 'usr/dir/own',
    harm: (file) => chmodSync(file, 0o4755),
    told: /^mode 4755 instead of 644$/,
  },
  {
    what: 'owner changed',
    path: 'usr/dir/own',
    harm: (file) => lchownSync(file, 7, 8),
    told: /^owner 7:8 instead of 0:0$/,
  },
  {
    what: 'time changed',
    path: 'usr/dir/own',
    harm: (file) => lutimesSync(file, 5, 5),
    told: /^time 5 instead of/,
  },
  {
    what: 'attribute added',
    path: 'usr/dir',
    harm: (file) => void execFileSync('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', file]),
    told: /^other extended attributes$/,
  },
  {
    what: 'attribute removed',
    path: 'usr/dir/own',
    harm: (file) => void execFileSync('setfattr', ['-x', 'user.kept', file]),
    told: /^other extended attributes$/,
  },
  {
    what: 'replaced by a link',
    path: 'usr/dir/own',
    harm: (file) => {
      renameSync(file, `${file}.away`);
      symlinkSync('own.away', file);
      rmSync(`${file}.away`);
    },
    told: /^is a link instead of a file$/,
  },
  {
    what: 'replaced by a folder',
    path: 'usr/dir/own',
    harm: (file) => {
      rmSync(file);
      mkdirSync(file);
    },
    told: /^is a folder instead of a file$/,
  },
  {
    what: 'a link that leads elsewhere',
    path: 'usr/link',
    harm: (file) => {
      const { mtimeMs } = lstatSync(file);
      rmSync(file);
      symlinkSync('/etc/y', file);
      lutimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
    },
    told: /^another target$/,
  },
  {
    what: 'another device',
    path: 'usr/null',
    harm: (file) => {
      const { mtimeMs } = lstatSync(file);
      rmSync(file);
      makeNode(Buffer.from(file), 'char', 0o600, 1, 5);
      lutimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
    },
    told: /^device 1:5 instead of 1:3$/,
  },
  { what: 'a whiteout that went', path: 'usr/gone', harm: (file) => rmSync(file), told: /^is missing$/ },
  {
    what: 'hard links parted',
    path: 'usr/second',
    harm: (file) => {
      const { mtimeMs } = lstatSync(file);
      rmSync(file);
      writeFileSync(file, 'linked');
      lutimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
    },
    told: /^is no hard link of usr\/first$/,
  },
  {
    what: 'a folder that is only a way, changed',
    path: 'usr',
    harm: (file) => chmodSync(file, 0o700),
    told: /^is a folder with another mode/,
  },
];

for (const { what, path, harm, told, deep = false } of CASES) {
  test(`found and mended: ${what}`, async () => {
    const made = someStore();
    assert.deepEqual(await look(made, true), []);
    const file = join(made.tree(2), path);
    const folder = join(file, '..');
    times(folder, () => harm(file, folder));
    const damages = await look(made, deep);
    assert.equal(damages.length, 1, words(damages).join('\n'));
    const [damage] = damages;
    assert.ok(damage?.kind === 'path');
    assert.deepEqual([damage.n, damage.name, damage.path], [2, 'two', path]);
    assert.match(damage.what, told);
    if (deep) assert.deepEqual(await look(made, false), [], 'nothing but the content tells');
    {
      using store = made.open();
      const source = join(made.project, 'good');
      writeFileSync(source, 'own');
      assert.ok(mendPath(store, 2, damage.path, () => [Buffer.from(source)]));
    }
    assert.deepEqual(words(await look(made, true)), []);
  });
}

test('two equal files of a layer that became one are found, and parted again', async () => {
  const made = someStore();
  {
    using store = made.open();
    publish(store, { 'a/one': 'equal', 'a/two': 'equal' }, { name: 'twins' });
    store.settleDisk();
  }
  const [one, two] = ['a/one', 'a/two'].map((path) => join(made.tree(3), path)) as [string, string];
  times(join(two, '..'), () => {
    rmSync(two);
    linkSync(one, two);
  });
  assert.deepEqual(words(await look(made, false)), ['3 a/two: is a hard link of another file']);
  using store = made.open();
  assert.ok(mendPath(store, 3, 'a/two' as TreePath, () => []));
  assert.deepEqual(await look(made, true), []);
  assert.notEqual(lstatSync(one).ino, lstatSync(two).ino);
});

test('a file is claimed once for each content that it should have', () => {
  const claims = makeClaims(10);
  const [a, b] = ['a', 'b'].map((text) => digestOf(text)) as [Digest, Digest];
  assert.deepEqual(
    [claim(claims, 5, a), claim(claims, 5, a), claim(claims, 5, b), claim(claims, 6, a), claim(claims, 6, a)],
    [true, false, true, true, false],
  );
});

test('a damage that layers share is told once, names them all, and is mended in all', async () => {
  const made = someStore();
  rewrite(join(made.tree(1), 'usr/same'), 'SAME');
  const damages = await look(made, true);
  assert.equal(damages.length, 1);
  const [damage] = damages;
  assert.ok(damage?.kind === 'path');
  assert.deepEqual([damage.n, ...damage.sharing.map(({ n }) => n)].sort(), [1, 2]);
  assert.deepEqual(await look(made, false), []);
  using store = made.open();
  assert.equal(
    mendPath(store, damage.n, damage.path, () => []),
    false,
    'there is no other copy',
  );
  const source = join(made.project, 'good');
  writeFileSync(source, 'same');
  assert.ok(
    mendPath(store, damage.n, damage.path, () => [
      Buffer.from(join(made.project, 'none')),
      Buffer.from(source),
    ]),
  );
  assert.deepEqual(await look(made, true), []);
  const [a, b] = [1, 2].map((n) => lstatSync(at(store.treeOf(n), 'usr/same')));
  assert.deepEqual([a?.ino, a?.nlink], [b?.ino, 2]);
});

const WHOLE: readonly { what: string; harm: (made: Made) => void; told: RegExp; also?: number }[] = [
  {
    what: 'a line of a manifest changed',
    harm: ({ tree }) => edit(join(tree(2), '../manifest'), (text) => text.replace('644', '755')),
    told: /^layer: its manifest and records do not have the digest/,
  },
  {
    what: 'a record changed',
    harm: ({ tree }) =>
      edit(join(tree(2), '../layer.json'), (text) => text.replace('"records":{}', '"records":{"a":[]}')),
    told: /^layer: its manifest and records do not have the digest/,
  },
  {
    what: 'an input changed',
    harm: ({ tree }) =>
      edit(join(tree(2), '../layer.json'), (text) => text.replace('"files":{}', '"files":{"a":"b"}')),
    told: /^layer: its key is not that of the inputs/,
  },
  {
    what: 'layer.json cut off',
    harm: ({ tree }) => truncateSync(join(tree(2), '../layer.json'), 50),
    told: /^layer: "layer.json" is damaged/,
  },
  {
    what: 'manifest gone',
    harm: ({ tree }) => rmSync(join(tree(2), '../manifest')),
    told: /^layer: ".*manifest" is missing/,
  },
  {
    what: 'a folder gone',
    harm: ({ tree }) => rmSync(join(tree(2), '..'), { recursive: true }),
    told: /^layer: its folder is missing/,
  },
  {
    what: 'a tree gone',
    harm: ({ tree }) => rmSync(tree(1), { recursive: true }),
    told: /^1 : is no folder/,
  },
  {
    what: 'a file beside the tree',
    harm: ({ tree }) => writeFileSync(join(tree(2), '../more'), ''),
    told: /^2 ..\/more: does not belong here/,
  },
  {
    what: 'a row with another digest',
    harm: ({ project }) => sql(project, "UPDATE layers SET digest = 'no', bytes = 1 WHERE n = 2"),
    told: /^index: the row of layer 2 has another "digest", "bytes"/,
  },
  {
    what: 'a path that the index does not know',
    harm: ({ project }) => sql(project, "DELETE FROM holders WHERE path = 'usr/fifo'"),
    told: /^index: the table of holders lacks 1 of the paths that layer 2 has/,
  },
  {
    what: 'a build whose note is damaged',
    harm: ({ project }) => truncateSync(join(project, 'store/builds/demo/1.json'), 20),
    told: /^build: what was kept of it is damaged/,
  },
  {
    what: 'a tag of a build that is not kept',
    harm: ({ project }) => writeFileSync(join(project, 'store/tags/best'), 'demo@9\n'),
    told: /^build: it has a tag or a pin and is not kept/,
  },
];

for (const { what, harm, told } of WHOLE) {
  test(`found: ${what}`, async () => {
    const made = someStore();
    harm(made);
    assert.match(words(await look(made, false)).join('\n'), new RegExp(told.source, `${told.flags}m`));
  });
}

test('a source is looked at with --deep alone', async () => {
  const made = someStore();
  writeFileSync(join(made.project, 'store/sources', 'ab'.repeat(32)), 'text');
  assert.deepEqual(await look(made, false), []);
  assert.deepEqual(words(await look(made, true)), ['source: has other content than its name says']);
});

test('what cannot be read is a damage, and the rest is looked at', async () => {
  const made = someStore();
  const program = `${join(import.meta.dirname, 'verifier.ts')}`;
  const file = join(made.tree(2), 'usr/dir-more');
  const command = ['-f', '-qq', '-e', 'trace=openat', '-e', 'inject=openat:error=EIO', '-P', file];
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', program, made.project];
  const output = execFileSync('strace', [...command, ...node], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  assert.deepEqual(JSON.parse(output), ['2 usr/dir-more: cannot be read: EIO']);
});

test('many layers on several threads: each file is read once, and each damage told', async () => {
  const { makeMany } = await import('./many-layers.ts');
  const { project, open } = makeMany(30, 100);
  rewrite(join(project, 'store/layers/7/tree/usr/own/file-50'), 'ANOTHER7');
  rewrite(join(project, 'store/layers/3/tree/usr/shared/file-1'), 'SHARED 1');
  using store = open();
  const { layers, damages } = await verifyStore(store, { deep: true, signal });
  assert.equal(layers, 30);
  assert.deepEqual(
    words(damages)
      .map((text) => text.replace(/^\d+ /, ''))
      .sort(),
    ['usr/own/file-50: other content', 'usr/shared/file-1: other content'],
  );
  const shared = damages.find((one) => one.kind === 'path' && one.path.includes('shared'));
  assert.equal(shared?.kind === 'path' ? shared.sharing.length : 0, 29);
});

function edit(file: string, change: (text: string) => string): void {
  const before = readFileSync(file, 'latin1');
  const now = change(before);
  assert.notEqual(now, before);
  writeFileSync(file, now, 'latin1');
}

function sql(project: string, statement: string): void {
  const database = new DatabaseSync(join(project, 'store/index.db'));
  database.exec(statement);
  database.close();
}
