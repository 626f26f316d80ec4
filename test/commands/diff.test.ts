import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { recipeOf, updateFolder } from '../../src/layers/image.ts';
import { planImage } from '../../src/layers/plan.ts';
import { mergeView, type ViewLayer } from '../../src/layers/view.ts';
import { writeTag } from '../../src/store/builds.ts';
import { Store } from '../../src/store/layers.ts';
import { addLayer, EPOCH, someFolder } from '../layers/some-layers.ts';
import { someBuild } from '../store/some-build.ts';
import { makeDist, type Outcome, SNAP, snap, start } from './launcher.ts';

const project = someFolder();
const folderOf = (number: number): string => join(project, 'made', `${number}`);

function stanza(name: string, version: string, kibibytes: number, more = ''): string {
  return `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\nInstalled-Size: ${kibibytes}\n${more}`;
}

/** Three builds of "a": the second has another bluez and a newer curl, the third is the second with a layer made anew. */
before(async () => {
  makeDist();
  mkdirSync(join(project, 'conf'));
  writeFileSync(join(project, 'conf', 'a.toml'), '');
  mkdirSync(join(project, 'made'));
  const store = new Store(project);
  const status = (...stanzas: string[]) =>
    `mkdir -p var/lib/dpkg/info; cat >var/lib/dpkg/status <<'END'\n${stanzas.join('\n')}END\n`;
  const root = `chmod 755 .; mkdir -p etc usr/bin usr/share opt; echo root:x:0:0:root:/root:/bin/sh >etc/passwd; echo 1 >usr/bin/tool; echo keep >usr/share/keep`;
  const base = addLayer(store, [], root, { name: 'base', kind: 'base' });
  const curl = (version: string, size: number) =>
    addLayer(
      store,
      [base],
      `${status(stanza('curl', version, 100, 'Conffiles:\n /opt/curl.conf 0123456789abcdef0123456789abcdef\n'))}
mkdir -p usr/bin opt; printf '%${size}s' '' >usr/bin/curl; echo ${version} >opt/curl.conf
printf '/.\\n/usr\\n/usr/bin\\n/usr/bin/curl\\n/opt/curl.conf\\n' >var/lib/dpkg/info/curl.list`,
      { name: 'curl', inputs: { debs: [`curl ${version} amd64 ${size}`] } },
    );
  const bluez = (setting: string, more: string, number: number) =>
    addLayer(
      store,
      [base],
      `mkdir -p etc/bluetooth opt; printf 'first\\n${setting}\\nlast\\n' >etc/bluetooth/main.conf; ${more}`,
      {
        name: 'bluez',
        inputs: { data: { 'main.conf': setting }, number },
      },
    );
  const old = `echo moved content >opt/old; echo gone >opt/gone; ln -s a opt/link; mkfifo opt/pipe; mknod opt/null c 1 3; printf 'a\\0' >opt/binary; echo same >opt/mode; echo x >opt/kind; echo games:x:5:60::/: >etc/passwd`;
  const fresh = `echo moved content >opt/new; ln -s b opt/link; mkfifo opt/pipe; mknod opt/null c 1 5; printf 'b\\0' >opt/binary; echo same >opt/mode; chmod 600 opt/mode; mkdir opt/kind; echo n >$'opt/new\\nline \\xff'; echo dlog:x:7:70::/: >etc/passwd`;
  const [curl1, curl2] = [curl('7.1-1', 1000), curl('7.2-1', 3048)];
  const [bluez1, bluez2, bluez3] = [bluez('slow', old, 1), bluez('fast', fresh, 1), bluez('fast', fresh, 2)];
  const builds: ViewLayer[][] = [
    [base, curl1, bluez1],
    [base, curl2, bluez2],
    [base, curl2, bluez3],
  ];
  for (const [at, layers] of builds.entries()) {
    const plan = planImage(store, mergeView(store, layers), [], EPOCH);
    const extent = await updateFolder(store, folderOf(at + 1), join(project, `note-${at}`), plan);
    store.addBuild({ ...someBuild('a'), ...recipeOf(plan), ...extent, digest: plan.digest, made: at });
  }
  const less = planImage(store, mergeView(store, builds[0]!), ['usr/share'], EPOCH);
  const extent = { paths: 1, bytes: 1, digest: less.digest, made: 0 };
  store.addBuild({ ...someBuild('b'), ...recipeOf(less), ...extent });
  writeTag(store.layout, 'released', { conf: 'a', number: 1 });
  store[Symbol.dispose]();
});

function diff(...args: string[]): Outcome {
  return snap(['diff', ...args], { cwd: project });
}

test('the report of two builds: layers with reasons, packages, configuration, other files, sizes', () => {
  const { status, stdout, stderr } = diff('a@1', 'a@2');
  assert.equal(status, 1, stderr);
  assert.match(stdout, /^a@1 -> a@2\n\nLayers\n/);
  assert.match(stdout, /^ {2}curl +changed +\d+ +\+2\.0 KiB +deb curl 7\.1-1 -> 7\.2-1$/m);
  assert.match(stdout, /^ {2}bluez +changed +\d+ .*data file main\.conf changed$/m);
  assert.match(stdout, /^Packages\n {2}curl: 7\.1-1 -> 7\.2-1, \+2\.0 KiB, 2 paths$/m);
  const config = stdout.slice(stdout.indexOf('Configuration'), stdout.indexOf('Other files'));
  assert.match(config, /^ {2}M {2}\/etc\/bluetooth\/main\.conf/m);
  assert.match(config, /^ {2}M {2}\/etc\/passwd .*2 records: -games, \+dlog/m);
  assert.match(config, /^ {2}M {2}\/opt\/curl\.conf/m, 'declared by the package');
  const other = stdout.slice(stdout.indexOf('Other files'));
  for (const line of [
    /^ {2}M {2}\/opt\/binary$/m,
    /^ {2}- {2}\/opt\/gone +-5 B$/m,
    /^ {2}T {2}\/opt\/kind +-2 B +file -> folder$/m,
    /^ {2}M {2}\/opt\/link +a -> b$/m,
    /^ {2}U {2}\/opt\/mode +mode 644 -> 600$/m,
    /^ {2}\+ {2}\/opt\/new +\+14 B +was \/opt\/old$/m,
    /^ {2}\+ {2}\/opt\/new\\x0aline \\xff +\+2 B$/m,
    /^ {2}M {2}\/opt\/null +1:3 -> 1:5$/m,
    /^ {2}- {2}\/opt\/old +-14 B +is now \/opt\/new$/m,
    /^14 paths: 2 added, 2 removed, 8 content, 1 metadata, 1 type; size .* -> .*, \+2\.0 KiB$/m,
  ])
    assert.match(other, line);
  assert.doesNotMatch(stdout, /\/usr\/bin\/curl|\/opt\/pipe|usr\/share\/keep|dpkg\/status/);
  assert.match(stderr, /not listed: 2 paths; for all: --level all/);
});

test('two builds are compared without starting anything, and nothing large is loaded but what SQLite and a lock take', () => {
  const [trace, list, loaded] = ['trace', 'list.cjs', 'loaded'].map((name) => join(project, name));
  writeFileSync(
    list!,
    `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(loaded)}, process.moduleLoadList.join('\\n')))`,
  );
  const command = [SNAP, 'diff', 'a@1', 'a@2'];
  const { status, stdout, stderr } = start(
    ['strace', '-f', '-e', 'trace=execve,open,openat', '-o', trace!, ...command],
    {
      cwd: project,
      env: { NODE_OPTIONS: '--require ./list.cjs' },
    },
  );
  assert.equal(status, 1, stderr);
  assert.match(stdout, /^a@1 -> a@2\n/, stderr);
  const calls = readFileSync(trace!, 'utf8')
    .split('\n')
    .filter((line) => !line.includes(' = -1 '));
  assert.equal(calls.filter((line) => line.includes(' execve(')).length, 2, 'the launcher becomes Node');
  const opened = calls.flatMap((line) => / open.*\/node_modules\/(?!node\/)([^"]*)"/.exec(line)?.[1] ?? []);
  const outside = opened.filter((path) => !path.startsWith('better-sqlite3/'));
  assert.ok(outside.length > 0);
  assert.deepEqual(
    outside.filter((path) => !path.endsWith('/koffi.node') && !path.endsWith('package.json')),
    [],
  );
  const modules = readFileSync(loaded!, 'utf8').split('\n');
  assert.ok(modules.includes('NativeModule fs'), modules.join());
  for (const name of ['child_process', 'crypto', 'worker_threads'])
    assert.ok(!modules.includes(`NativeModule ${name}`), name);
});

test('exit codes: 0 the same, 1 different, 2 for any trouble', () => {
  const same = diff('a@2', 'a@2');
  assert.deepEqual([same.status, same.stdout, same.stderr], [0, '', 'a@2 and a@2: the same\n']);
  const cases: [string[], RegExp][] = [
    [['a'], /Missing required argument/],
    [['a', 'a', '--level', 'none'], /Allowed choices/],
    [['a@9', 'a'], /There is no build and no layer "a@9"\nhint: builds of "a" that are kept: a@1 a@2 a@3/],
    [['blues', 'a'], /no build and no layer "blues"\n {2}layers of a name like it: "bluez"/],
    [['./nothing', 'a'], /Cannot read ".\/nothing": no such file/],
    [['conf', 'a'], /no build and no layer "conf"\nhint: the one on disk is .\/conf/],
    [['conf/a.toml', 'a'], /Cannot read archive/],
    [['a', 'a@1', '--html', 'no/such/folder.html'], /Cannot write/],
  ];
  for (const [args, told] of cases) {
    const { status, stdout, stderr } = diff(...args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, told);
  }
  const json = diff('a@9', 'a', '--json');
  assert.equal(json.status, 2);
  assert.equal(JSON.parse(json.stdout).error.code, 'USAGE');
});

test('each way to name a side: conf, number, back, tag, layer, folder, archive, packed or not', () => {
  for (const name of ['a', 'a@3', 'a@2', 'a~1', folderOf(3)]) assert.equal(diff(name, 'a').status, 0, name);
  for (const name of ['released', 'a~2', folderOf(1)]) assert.equal(diff(name, 'a@1').status, 0, name);
  for (const [ending, program] of [
    ['tar', 'cat'],
    ['tar.gz', 'gzip'],
    ['tar.xz', 'xz'],
    ['tar.zst', 'zstd'],
  ] as const) {
    const file = join(project, `a.${ending}`);
    execFileSync('bash', [
      '-c',
      'tar -C "$1" --numeric-owner -c . | "$2" >"$3"',
      'bash',
      folderOf(1),
      program,
      file,
    ]);
    const { status, stderr } = diff(`./a.${ending}`, 'released');
    assert.equal(status, 0, stderr);
  }
  const layers = diff('curl@2', 'curl');
  assert.match(layers.stdout, /^curl@2 -> curl@3$/m);
  assert.match(layers.stdout, /deb curl 7\.1-1 -> 7\.2-1/);
  assert.equal(diff('curl', '3').status, 0);
});

test('a name that is a build and a layer is taken as the build, and that is said', () => {
  const store = new Store(project);
  writeTag(store.layout, 'bluez', { conf: 'a', number: 1 });
  store[Symbol.dispose]();
  const { status, stderr } = diff('bluez', 'a@1');
  assert.equal(status, 0);
  assert.match(stderr, /"bluez" is taken as build a@1; the layer is bluez@6/);
});

test('layers that were made anew and came out the same are told, and do not count', () => {
  const { status, stdout, stderr } = diff('a@2', 'a@3');
  assert.equal(status, 0);
  assert.match(stdout, /bluez +same content/);
  assert.match(stderr, /the same, though 1 layer differ/);
});

test('--json has all of it, and the other way round it is the mirror', () => {
  const [there, back] = [diff('a@1', 'a@2', '--json'), diff('a@2', 'a@1', '--json')].map(({ stdout }) =>
    JSON.parse(stdout),
  );
  assert.deepEqual(there.count, { '+': 2, '-': 2, M: 8, U: 1, T: 1 });
  assert.deepEqual(back.count, { '+': 2, '-': 2, M: 8, U: 1, T: 1 });
  assert.deepEqual([there.a.name, there.a.kind, there.same], ['a@1', 'build', false]);
  assert.deepEqual(there.a, back.b);
  assert.equal(
    there.b.bytes - there.a.bytes,
    there.files.reduce((sum: number, file: { bytes: number }) => sum + file.bytes, 0),
  );
  const mode = there.files.find((file: { path: string }) => file.path === 'opt/mode');
  const common = { type: 'file', uid: 0, gid: 0, mtime: EPOCH, size: 5 };
  assert.deepEqual(mode, {
    path: 'opt/mode',
    modifier: 'U',
    aspects: ['mode'],
    group: 'other',
    layers: { before: 'bluez', after: 'bluez' },
    bytes: 0,
    before: { ...common, mode: '0644' },
    after: { ...common, mode: '0600' },
  });
  assert.ok(there.files.some((file: { path: string }) => file.path === 'opt/new\\x0aline \\xff'));
  const [one] = there.packages;
  assert.deepEqual(
    [one.name, one.before.version, one.after.version, one.bytes, one.files],
    ['curl', '7.1-1', '7.2-1', 2048, 2],
  );
  type File = { path: string; modifier: string; before: unknown; after: unknown; bytes: number };
  const turned: Readonly<Record<string, string>> = { '+': '-', '-': '+' };
  const mirrored = back.files.map(({ path, modifier, before, after, bytes }: File) => [
    path,
    turned[modifier] ?? modifier,
    after,
    before,
    -bytes + 0,
  ]);
  assert.deepEqual(
    mirrored,
    there.files.map(({ path, modifier, before, after, bytes }: File) => [
      path,
      modifier,
      before,
      after,
      bytes + 0,
    ]),
  );
});

test('levels, globs and times choose what is shown and what counts, and the rest is said', () => {
  const packages = diff('a@1', 'a@2', '--level', 'packages');
  assert.doesNotMatch(packages.stdout, /Layers|Other files|etc\/passwd/);
  assert.match(packages.stdout, /curl: /);
  assert.match(
    diff('a@1', 'a@2', '--level', 'all').stdout,
    /^Files of these packages\n {2}M {2}\/usr\/bin\/curl/m,
  );
  const etc = diff('a@1', 'a@2', '--path', 'etc');
  assert.match(etc.stdout, /^2 paths: /m);
  assert.doesNotMatch(etc.stdout, /curl/, 'no path of it is left');
  assert.match(etc.stderr, /left out by --path and --ignore: 12 differences/);
  const none = diff('a@1', 'a@2', '--path', 'etc/*', '--ignore', 'etc/bluetooth', '--ignore', '/etc/passwd');
  assert.deepEqual([none.status, none.stdout], [0, '']);
  execFileSync('cp', ['-a', folderOf(1), `${folderOf(1)}-touched`]);
  execFileSync('touch', ['-d', '@1600000000', join(`${folderOf(1)}-touched`, 'usr/bin/tool')]);
  const touched = diff('a@1', `${folderOf(1)}-touched`);
  assert.equal(touched.status, 1);
  assert.match(touched.stdout, /U {2}\/usr\/bin\/tool +time 2023-11-14T22:13:20Z -> 2020-09-13T12:26:40Z/);
  const ignored = diff('a@1', `${folderOf(1)}-touched`, '--ignore-times');
  assert.equal(ignored.status, 0);
  assert.match(ignored.stderr, /left out by --ignore-times: 1 difference of time alone/);
  for (const option of ['--path', '--ignore']) {
    const odd = diff('a@1', 'a@2', option, 'a,[[:alpha:]]');
    assert.deepEqual([odd.status, odd.stdout], [2, '']);
    assert.match(odd.stderr, /^snap: "a,\[\[:alpha:\]\]" cannot be matched\nhint: /);
  }
});

test('--patch makes of one tree the text files of the other, from builds, folders and archives', () => {
  const texts = [
    'etc/bluetooth/main.conf',
    'etc/passwd',
    'opt/curl.conf',
    'opt/new',
    'usr/bin/curl',
    'opt/new\nline ',
  ];
  for (const side of ['a@2', folderOf(2), './second.tar']) {
    execFileSync('tar', ['-C', folderOf(2), '--numeric-owner', '-cf', join(project, 'second.tar'), '.']);
    const { status, stdout, stderr } = snap(
      ['diff', 'a@1', side, '--patch', '--ignore', 'opt/kind', '--ignore', 'opt/new?line*'],
      { cwd: project },
    );
    assert.equal(status, 1, stderr);
    assert.match(stdout, /^Binary files a\/opt\/binary and b\/opt\/binary differ$/m);
    assert.match(stderr, /a patch has no owners, times, folders, devices/);
    const target = `${folderOf(1)}-patched`;
    execFileSync('bash', [
      '-c',
      'rm -rf "$2"; cp -a "$1" "$2"; rm "$2/opt/link"; ln -s a "$2/opt/link"',
      'bash',
      folderOf(1),
      target,
    ]);
    execFileSync('patch', ['-p1', '--quiet'], { cwd: target, input: stdout });
    for (const path of texts.slice(0, 5))
      assert.equal(
        readFileSync(join(target, path), 'latin1'),
        readFileSync(join(folderOf(2), path), 'latin1'),
        path,
      );
    for (const path of ['opt/old', 'opt/gone']) assert.equal(existsSync(join(target, path)), false, path);
  }
  const walked = diff('b', 'a@2', '--patch');
  assert.match(walked.stdout, /^\+keep$/m, walked.stderr);
  assert.match(walked.stdout, /^-slow$/m);
  const chosen = diff('a@1', 'a@2', '--patch', '--level', 'config');
  assert.match(chosen.stdout, /^-slow$/m);
  assert.doesNotMatch(chosen.stdout, /usr\/bin\/curl|opt\/new/);
});

test('two folders are compared outside of any project', (t) => {
  const place = someFolder();
  t.after(() => undefined);
  for (const name of ['x', 'y']) mkdirSync(join(place, name));
  writeFileSync(join(place, 'x', 'file'), 'a\n');
  execFileSync('touch', ['-d', '@5', 'x', 'y', 'x/file'], { cwd: place });
  const { status, stdout } = snap(['diff', './x', './y'], { cwd: place });
  assert.equal(status, 1);
  assert.match(stdout, /^ {2}- {2}\/file +-2 B$/m);
});

test('other filesystems in a folder, and sockets, are left out and named', () => {
  const place = someFolder();
  for (const name of ['x', 'y']) mkdirSync(join(place, name, 'mounted'), { recursive: true });
  const script =
    'mount -t tmpfs none x/mounted; touch x/mounted/file; touch -d @5 x y x/mounted y/mounted; exec "$1" diff ./x ./y';
  const { status, stdout, stderr } = start(['unshare', '--mount', 'sh', '-euc', script, 'sh', SNAP], {
    cwd: place,
  });
  assert.doesNotMatch(stdout, /mounted\/file/);
  assert.match(stderr, /^left out of \.\/x: mounted, which is another filesystem$/m);
  assert.equal(status, 1, 'the folder itself has another mode');
});

test('a layer that was removed is told, and what would have kept it', () => {
  const copy = someFolder();
  execFileSync('cp', ['-a', `${project}/.`, copy]);
  const store = new Store(copy);
  const n = store.lastOf('curl', '')!.n;
  store[Symbol.dispose]();
  execFileSync(process.execPath, [
    '-e',
    `new (require('better-sqlite3'))(process.argv[1]).exec('DELETE FROM layers WHERE n = ${n}')`,
    join(copy, 'store', 'index.db'),
  ]);
  const { status, stderr } = snap(['diff', 'a@1', 'a@2'], { cwd: copy });
  assert.equal(status, 2);
  assert.match(stderr, /Cannot look into build "a@2": of its layers "curl" are gone/);
});

test('snap size: by layer, package and folder, hard links once, largest first', () => {
  const { status, stdout, stderr } = snap(['size', 'a@2'], { cwd: project });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^a@2: 3\.\d KiB, \d+ paths$/m);
  assert.match(stdout, /^3\.0 KiB +\d+\.\d % +\d+ {2}curl$/m);
  assert.match(stdout, /\(scriptlet bluez\)/);
  assert.match(stdout, /\/usr\/bin$/m);
  const value = JSON.parse(snap(['size', '--json'], { cwd: project }).stdout);
  assert.equal(value.name, 'a@3', 'the build that was made last');
  const sum = (list: { bytes: number; paths: number }[], of: 'bytes' | 'paths') =>
    list.reduce((all, one) => all + one[of], 0);
  for (const list of [value.layers, value.packages]) {
    assert.deepEqual([sum(list, 'bytes'), sum(list, 'paths')], [value.bytes, value.paths]);
    assert.deepEqual(
      list,
      list.toSorted((a: { bytes: number }, b: { bytes: number }) => b.bytes - a.bytes),
    );
  }
  const du = Number(
    execFileSync(
      'bash',
      ['-c', "find . -type f -printf '%i %s\\n' | sort -u | awk '{ s += $2 } END { print s }'"],
      { cwd: folderOf(3), encoding: 'utf8' },
    ),
  );
  assert.equal(value.bytes, du);
  const curl = value.packages.find(({ name }: { name: string }) => name === 'curl');
  assert.deepEqual(
    [curl.kind, curl.version, curl.bytes, curl.installedSize],
    ['package', '7.2-1', 3048 + 6 + 46, 102_400],
  );
  assert.equal(snap(['size', folderOf(3), '--by', 'layer'], { cwd: project }).status, 0);
});

test('--html writes one page beside the report, for both', () => {
  for (const args of [
    ['diff', 'a@1', 'a@2'],
    ['size', 'a'],
  ]) {
    const file = join(project, 'page.html');
    const plain = snap(args, { cwd: project });
    const { status, stdout, stderr } = snap([...args, '--html', 'page.html'], { cwd: project });
    assert.deepEqual([status, stdout], [plain.status, plain.stdout]);
    assert.match(stderr, /page\.html$/m);
    const html = readFileSync(file, 'utf8');
    assert.match(html, /<script type="application\/json" id="data">/);
    assert.match(html, /usr\/bin\/curl/);
  }
});
