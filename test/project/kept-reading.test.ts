import assert from 'node:assert/strict';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { loadConf } from '../../src/project/conf.ts';
import { KeptReadings } from '../../src/project/kept-reading.ts';
import { readScriptlets, type Scriptlet } from '../../src/project/scriptlet.ts';
import { memoryCache, projectOf, someProject } from './some-project.ts';

const RUN = 'do_run() { :; }\n';
/** Milliseconds after which a file is no longer as young as the clock's tick. */
const OLD = 40;

/** Reads a conf's scriptlets with what was kept of them in `keeper`. */
function reader(project: string, keeper = memoryCache()): () => Promise<Scriptlet[]> {
  return () => readScriptlets(loadConf(project, 'a'), { cache: memoryCache(), keeper });
}

test('a scriptlet that is what it was is not opened, and one that is not is', async () => {
  const project = projectOf({ one: `need two\n${RUN}`, two: RUN });
  await wait(OLD);
  const keeper = memoryCache();
  const read = reader(project, keeper);
  const first = await read();
  assert.equal(keeper.sets(), 1);
  assert.deepEqual(await read(), first);
  assert.equal(keeper.sets(), 1, 'what is kept already is not written again');
  // What is kept is believed: nobody reads the file.
  keeper.set('scriptlets a', keeper.get('scriptlets a')!.replaceAll('do_run', 'do_ran'));
  const believed = await read();
  assert.match(believed[1]!.text, /do_ran/);
  writeFileSync(join(project, 'scriptlets/two.sh'), `# ${RUN}${RUN}`);
  await wait(OLD);
  const [one, two] = await read();
  assert.match(one!.text, /do_ran/);
  assert.equal(two!.text, `# ${RUN}${RUN}`);
});

test('a file that was as young as the tick of the clock when it was read is read again', () => {
  const project = someProject({ one: 'one' });
  const keeper = memoryCache();
  const kept = () => new KeptReadings<string>(keeper, 'a', 'this snap');
  const first = kept();
  first.lookAt('one', join(project, 'one'));
  first.add('one', 'given', 'read');
  first.keep();
  assert.equal(kept().lookAt('one', join(project, 'one')), undefined);
});

test('a text of the same size and time is noticed', async () => {
  const project = projectOf({ one: 'do_run() { a; }\n' });
  const file = join(project, 'scriptlets/one.sh');
  const read = reader(project);
  for (const word of ['b', 'c', 'd', 'e']) {
    writeFileSync(file, `do_run() { ${word}; }\n`);
    utimesSync(file, 1e9, 1e9);
    await wait(word === 'c' ? OLD : 0);
    assert.match((await read())[0]!.text, new RegExp(word));
  }
});

test('a variable, an architecture or a folder of data that is another one counts at once', async () => {
  const project = projectOf({ one: `use_var A\ninstall_debian_deb xx\n${RUN}` }, { vars: 'A = "1"' });
  const conf = (head: string, value: number): void =>
    writeFileSync(
      join(project, 'conf/a.toml'),
      `suite = "bookworm"\narch = "amd64"\n${head}scriptlets = ["one"]\n[vars]\nA = "${value}"\n`,
    );
  await wait(OLD);
  const read = reader(project);
  assert.deepEqual((await read())[0]?.vars, { A: '1' });
  conf('', 2);
  assert.deepEqual((await read())[0]?.vars, { A: '2' });
  writeFileSync(join(project, 'scriptlets/one.sh'), `install_debian_deb xx:i386\n${RUN}`);
  await wait(OLD);
  await assert.rejects(read(), /of an architecture that the image does not have/);
  conf('foreign_archs = ["i386"]\n', 2);
  assert.deepEqual((await read())[0]?.packages, ['xx:i386']);
  conf('', 2);
  await assert.rejects(read(), /of an architecture that the image does not have/);
  conf('foreign_archs = ["i386"]\n', 2);
  mkdirSync(join(project, 'scriptlets/one'));
  assert.equal((await read())[0]?.dataDir, join(project, 'scriptlets/one'));
  rmSync(join(project, 'scriptlets/one'), { recursive: true });
  assert.equal((await read())[0]?.dataDir, undefined);
});

test('a file that a scriptlet uses must still be there when nothing else changed', async () => {
  const project = projectOf({ one: `use_file x\n${RUN}` }, { files: { x: 'x' } });
  await wait(OLD);
  const read = reader(project);
  assert.deepEqual((await read())[0]?.files, ['x']);
  rmSync(join(project, 'x'));
  await assert.rejects(read(), /use_file "x": there is no such file/);
});

test('what another snap kept counts for nothing', async () => {
  const project = someProject({ one: 'one' });
  await wait(OLD);
  const keeper = memoryCache();
  const file = join(project, 'one');
  const mine = new KeptReadings<string>(keeper, 'a', 'this snap');
  assert.equal(mine.lookAt('one', file), undefined);
  mine.add('one', 'given', 'read');
  mine.keep();
  assert.equal(new KeptReadings<string>(keeper, 'a', 'this snap').lookAt('one', file), 'read');
  assert.equal(new KeptReadings<string>(keeper, 'a', 'another').lookAt('one', file), undefined);
  assert.equal(new KeptReadings<string>(keeper, 'b', 'this snap').lookAt('one', file), undefined);
});

/** Texts and lists of a project, one after the other. */
const states = fc.array(
  fc.record({
    texts: fc.array(
      fc.constantFrom(
        RUN,
        `need b\n${RUN}`,
        `use_var A\nX=$A\n${RUN}`,
        'do_check() { :; }\n',
        'install_debian_deb pp\n',
      ),
      { minLength: 3, maxLength: 3 },
    ),
    listed: fc.constantFrom(['a', 'b', 'c'], ['b', 'a'], ['b']),
    value: fc.nat(1),
  }),
  { minLength: 2, maxLength: 5 },
);

test('after any changes the scriptlets are those that are read without what was kept', async () => {
  await fc.assert(
    fc.asyncProperty(states, async (all) => {
      const project = projectOf({});
      mkdirSync(join(project, 'scriptlets'));
      const read = reader(project);
      for (const { texts, listed, value } of all) {
        ['a', 'b', 'c'].forEach((name, at) => {
          writeFileSync(
            join(project, `scriptlets/${name}.sh`),
            texts[at]!.replace('need b', name === 'a' ? 'need b' : ''),
          );
        });
        writeFileSync(
          join(project, 'conf/a.toml'),
          `suite = "bookworm"\narch = "amd64"\nscriptlets = ${JSON.stringify(listed)}\n[vars]\nA = "${value}"\n`,
        );
        if (value === 0) await wait(OLD);
        const plain = await readScriptlets(loadConf(project, 'a'), { cache: memoryCache() });
        for (let time = 0; time < 2; time++) {
          assert.deepEqual(await read(), plain);
        }
      }
    }),
    { numRuns: Number(process.env.SNAP_PROPERTY_RUNS ?? 8) },
  );
});
