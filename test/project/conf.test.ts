import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SnapError } from '../../src/host/error.ts';
import { findProject, listConfs, loadConf } from '../../src/project/conf.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A project with these conf files. */
function project(confs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'snap conf, \\:'));
  folders.push(folder);
  mkdirSync(join(folder, 'conf'));
  for (const [name, text] of Object.entries(confs)) writeFileSync(join(folder, 'conf', `${name}.toml`), text);
  return folder;
}

const HEAD = 'suite = "bookworm"\narch = "amd64"\n';

/** The error of loading `a`, as one text: sentence, then hint. */
function faultOf(text: string, others: Readonly<Record<string, string>> = {}): string {
  try {
    loadConf(project({ ...others, a: text }), 'a');
  } catch (error) {
    assert.ok(error instanceof SnapError, String(error));
    assert.equal(error.code, 'CONF');
    assert.doesNotMatch(error.message, /\.$/);
    return `${error.message} | ${error.hint}`;
  }
  return assert.fail('the conf was read');
}

test('a conf is read with all its keys', () => {
  const folder = project({
    a: `${HEAD}foreign_archs = ["i386"]
scriptlets = ["user", "bluez"]
[vars]
HOST = "device"
VERSION = 1.10
COUNT = 0x10
LARGE = 9007199254740993
DEBUG = false
[store]
max_size = "20G"
[[mirror]]
uri = "http://deb.example/debian/"
[[mirror]]
uri = "http://other.example/debian"
suites = ["bookworm-updates"]
components = ["main", "contrib"]
[[mirror]]
name = "own"
uri = "file:/srv/debs"
signed_by = "conf/a.toml"
`,
  });
  assert.deepEqual(loadConf(folder, 'a'), {
    name: 'a',
    file: join(folder, 'conf/a.toml'),
    project: folder,
    suite: 'bookworm',
    arch: 'amd64',
    foreignArchs: ['i386'],
    scriptlets: ['user', 'bluez'],
    vars: { HOST: 'device', VERSION: '1.10', COUNT: '16', LARGE: '9007199254740993', DEBUG: 'false' },
    parents: [],
    bootstrap: 'trees',
    maxStoreSize: '20G',
    mirrors: [
      {
        name: 'debian',
        uri: 'http://deb.example/debian',
        suites: ['bookworm'],
        components: ['main'],
        signedBy: undefined,
      },
      {
        name: 'debian-2',
        uri: 'http://other.example/debian',
        suites: ['bookworm-updates'],
        components: ['main', 'contrib'],
        signedBy: undefined,
      },
      {
        name: 'own',
        uri: 'file:/srv/debs',
        suites: ['bookworm'],
        components: ['main'],
        signedBy: join(folder, 'conf/a.toml'),
      },
    ],
  });
});

test('a conf takes over what it extends, leaves out, appends and overrides', () => {
  const folder = project({
    base: `${HEAD}scriptlets = ["user", "bluez", "rm"]\n[vars]\nA = "1"\nB = "2"\n[[mirror]]\nuri = "http://x/debian"\n`,
    mid: 'extends = "base"\nscriptlets = ["kiosk"]\n[vars]\nB = "3"\n',
    top: 'extends = "mid"\nsuite = "trixie"\nwithout = ["bluez", "rm"]\nscriptlets = ["rm"]\n[vars]\nC = true\n',
  });
  const conf = loadConf(folder, 'top');
  assert.deepEqual(conf.scriptlets, ['user', 'kiosk', 'rm']);
  assert.deepEqual(conf.vars, { A: '1', B: '3', C: 'true' });
  assert.deepEqual(conf.parents, ['mid', 'base']);
  assert.equal(conf.suite, 'trixie');
  assert.equal(conf.arch, 'amd64');
  assert.deepEqual(conf.mirrors[0]?.suites, ['trixie']);
});

test('foreign architectures are those of the nearest conf that names any, and none of them is its own', () => {
  const of = (child: string): readonly string[] => {
    const base = `${HEAD}foreign_archs = ["i386", "arm64"]\n`;
    return loadConf(project({ base, a: `extends = "base"\n${child}` }), 'a').foreignArchs;
  };
  assert.deepEqual(of(''), ['i386', 'arm64']);
  assert.deepEqual(of('foreign_archs = []'), []);
  assert.deepEqual(loadConf(project({ a: HEAD }), 'a').foreignArchs, []);
  assert.match(faultOf(`${HEAD}foreign_archs = ["i386", "x86"]`), /a\.toml:3: unknown arch "x86".*i386/);
  assert.match(
    faultOf(`${HEAD}foreign_archs = ["i386", "i386"]`),
    /a\.toml:3: arch "i386" stands here twice/,
  );
  assert.match(
    faultOf(`${HEAD}foreign_archs = ["amd64"]`),
    /a\.toml:3: "amd64" is the arch of the image itself/,
  );
});

test('confs that extend each other are refused with the whole circle', () => {
  const circle = faultOf('extends = "b"', { b: 'extends = "c"', c: '\nextends = "b"' });
  assert.match(circle, /conf\/c\.toml:2: it extends itself: b -> c -> b/);
  assert.match(faultOf('extends = "a"'), /conf\/a\.toml:1: it extends itself: a -> a/);
});

test('a text that is not TOML is refused with its line', () => {
  assert.match(
    faultOf(`${HEAD}scriptlets = [\n"a"\nx`),
    /^Cannot read conf\/a\.toml:\d: .+ \| .*docs\/conf\.md/,
  );
  assert.match(faultOf('suite = "a"\nsuite = "b"'), /conf\/a\.toml:2: trying to redefine/);
});

test('an unknown key is refused with its line and the nearest key', () => {
  assert.match(
    faultOf(`${HEAD}scriplets = []`),
    /a\.toml:3: unknown key "scriplets" .*did you mean "scriptlets"\?/,
  );
  assert.match(
    faultOf(`${HEAD}[[mirror]]\nuri = "http://a/b"\n[[mirror]]\nuir = "x"`),
    /a\.toml:6: unknown key "mirror\.uir" \| keys: name uri/,
  );
  assert.match(faultOf(`${HEAD}\n[store]\nmax = "1G"`), /a\.toml:5: unknown key "store\.max"/);
  assert.match(faultOf(`${HEAD}[zzzzzzzz]\n`), /a\.toml:3: unknown key "zzzzzzzz" \| keys: suite arch/);
});

test('a value of the wrong type is refused with its line and what was expected', () => {
  assert.match(faultOf('suite = 12'), /a\.toml:1: "suite" is a number \| expected a string/);
  assert.match(
    faultOf(`${HEAD}scriptlets = "a"`),
    /a\.toml:3: "scriptlets" is a string \| expected an array of strings/,
  );
  assert.match(faultOf(`${HEAD}scriptlets = [\n  # one\n  "a",\n  "b", 3]`), /"scriptlets\[3\]" is a number/);
  assert.match(
    faultOf(`${HEAD}[vars]\nA = ["x"]`),
    /a\.toml:4: "vars\.A" is an array \| expected a string, a number or a boolean/,
  );
  assert.match(faultOf(`${HEAD}[vars]\nA = 2020-01-01`), /"vars\.A" is a date/);
  assert.match(faultOf(`${HEAD}vars = 3`), /a\.toml:3: "vars" is a number \| expected a table: \[vars\]/);
  assert.match(
    faultOf(`${HEAD}[mirror]\nuri = "http://a"`),
    /"mirror" is a table \| expected .*\[\[mirror\]\]/,
  );
  assert.match(faultOf(`${HEAD}extends = ["b"]`), /a\.toml:3: "extends" is an array/);
  assert.match(faultOf('suite = ""'), /a\.toml:1: "suite" is empty/);
});

test('an unknown arch is refused with all that are known', () => {
  assert.match(
    faultOf('suite = "bookworm"\narch = "x86_64"'),
    /a\.toml:2: unknown arch "x86_64" \| expected one of amd64 .* s390x/,
  );
});

test('suite and arch must be given somewhere', () => {
  assert.match(faultOf('arch = "amd64"'), /conf\/a\.toml: "suite" is missing \| add suite = "bookworm"/);
  assert.match(faultOf('suite = "bookworm"'), /"arch" is missing/);
});

test('a scriptlet that stands twice is refused with both lines', () => {
  assert.match(
    faultOf(`${HEAD}scriptlets = [\n "x",\n "y",\n "x",\n]`),
    /a\.toml:6: scriptlet "x" stands here twice \| .* line 4/,
  );
  const child = faultOf('extends = "b"\nscriptlets = ["x"]', { b: `${HEAD}scriptlets = ["x"]` });
  assert.match(child, /a\.toml:2: scriptlet "x" is in "b" already/);
});

test('"without" names scriptlets that the parent has', () => {
  const wrong = faultOf('extends = "b"\nwithout = ["bluz"]', { b: `${HEAD}scriptlets = ["bluez"]` });
  assert.match(wrong, /a\.toml:2: "b" has no scriptlet "bluz" \| did you mean "bluez"\?/);
  assert.match(faultOf(`${HEAD}without = ["x"]`), /"without" needs "extends"/);
});

test('names and variables that cannot be used are refused', () => {
  assert.match(
    faultOf(`${HEAD}scriptlets = ["../x"]`),
    /a\.toml:3: "\.\.\/x" is not the name of a scriptlet/,
  );
  for (const name of ['PATH', 'IFS', 'BASH_ENV', 'SNAP_CONF', 'LC_ALL', 'ARCH', 'HOSTNAME', '__snap_x']) {
    assert.match(
      faultOf(`${HEAD}[vars]\n${name} = "x"`),
      /a\.toml:4: variable ".*" belongs to bash or to snap/,
      name,
    );
  }
  assert.match(
    faultOf(`${HEAD}[vars]\n"a-b" = "x"`),
    /a\.toml:4: variable "a-b" is not a shell variable name/,
  );
  assert.match(faultOf(`${HEAD}[vars]\nA = "\\u0000"`), /a\.toml:4: "vars\.A" holds a NUL/);
});

test('mirrors are checked', () => {
  const mirror = (text: string) => faultOf(`${HEAD}[[mirror]]\n${text}`);
  assert.match(mirror('name = "x"'), /a\.toml:3: this mirror has no "uri"/);
  assert.match(mirror('uri = "ftp://x"'), /a\.toml:4: unknown kind of address/);
  assert.match(mirror('uri = "http://x/ y"'), /is not one plain word/);
  assert.match(mirror('uri = "http://x"\nsigned_by = "/nope"'), /a\.toml:5: there is no keyring "\/nope"/);
  assert.match(mirror('uri = "http://x"\nsuites = []'), /a\.toml:5: "mirror\[1\]\.suites" is empty/);
  const twice = 'name = "m"\nuri = "http://x"\n[[mirror]]\nname = "m"\nuri = "http://y"';
  assert.match(mirror(twice), /a\.toml:7: two mirrors are called "m"/);
});

test('a conf that is not there is refused with the nearest names', () => {
  const folder = project({ combined: HEAD, demo: HEAD });
  assert.throws(() => loadConf(folder, 'combind'), { code: 'CONF', hint: 'did you mean "combined"?' });
  assert.throws(() => loadConf(folder, '../demo'), /not the name of a conf/);
  assert.match(
    faultOf('\nextends = "dmo"', { demo: HEAD }),
    /a\.toml:2: there is no conf "dmo" \| did you mean "demo"\?/,
  );
});

test('the project is the nearest folder upwards that holds conf/', () => {
  const folder = project({ b: HEAD, a: HEAD, 'not a name': HEAD });
  mkdirSync(join(folder, 'deep/er'), { recursive: true });
  writeFileSync(join(folder, 'deep/conf'), 'a file, not a folder');
  assert.equal(findProject(join(folder, 'deep/er')), folder);
  assert.deepEqual(listConfs(folder), ['a', 'b']);
  assert.throws(() => findProject('/proc/self'), { code: 'CONF', hint: /snap init/ });
});
