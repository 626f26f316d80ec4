import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { SNAP, snap } from '../commands/launcher.ts';
import {
  compiledFiles,
  kernelFolder,
  makeKernelProject,
  patchOf,
  shareFetched,
  writeSeries,
} from './small-kernel.ts';
import { attemptBuild, build, edit, makeFolder, write } from './small-project.ts';

/** One kernel for all tests here, each of which changes what the one before it left: compiling it is what costs. */
let project = '';

before(() => {
  project = makeKernelProject();
});

const SETTINGS = 'scriptlets/kernel/default.kconfig';
const DEVICE = 'scriptlets/kernel/device-one.kconfig';
const MODULE = 'scriptlets/kernel/modules/greeting/greeting.c';
const PATCHED = { one: 'init/main.c', two: 'kernel/panic.c' };

const reworded = (text: string): string => text.replace('as init process', 'as the first process');

/** Work folders come and go. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** `drivers/a.c` -> `drivers/a.o` */
const objectOf = (path: string): string => path.replace(/c$/, 'o');

const inImage = (path: string): string => join(project, 'images/a', path);

/** All that the kernel's layer holds, by path. */
function kernelFiles(image: string): Map<string, Buffer> {
  const folders = ['boot', 'usr/lib/modules', 'usr/src'];
  const files = folders.flatMap((folder) =>
    readdirSync(join(image, folder), { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => join(one.parentPath, one.name)),
  );
  return new Map(files.sort().map((file) => [file.slice(image.length + 1), readFileSync(file)]));
}

function named(files: ReadonlyMap<string, Buffer>, pattern: RegExp): Buffer {
  const [, content] = [...files].find(([path]) => pattern.test(path)) ?? [];
  assert.ok(content, `there is a file like ${pattern}`);
  return content;
}

test('a kernel with its modules is built in a view of its own, of which the image gets nothing', () => {
  const built = build(project, [], { online: true });
  shareFetched(project);
  assert.deepEqual(built.ran, ['kernel-builder', 'kernel', ...built.ran.slice(2)]);
  const files = kernelFiles(join(project, 'images/a'));
  const image = named(files, /^boot\/vmlinuz-6\.1\.\d+-small$/);
  assert.equal(image.toString('latin1', 0x202, 0x206), 'HdrS');
  assert.match(named(files, /^boot\/config-/).toString(), /^CONFIG_TTY=y$/m);
  assert.match(named(files, /^boot\/System\.map-/).toString(), / start_kernel$/m);
  assert.match(
    named(files, /^usr\/lib\/modules\/6\.1\.\d+-small\/modules\.dep$/).toString(),
    /updates\/greeting\/greeting\.ko:/,
  );
  assert.equal(existsSync(inImage('usr/bin/gcc')), false);
  assert.equal(existsSync(inImage('usr/src/linux')), false);
  assert.deepEqual(built.json.layers.filter(({ name }) => name === 'kernel')[0]?.reason, 'first build');
});

test('comments, and the order of lines without a meaning, build nothing', () => {
  edit(project, SETTINGS, (text) => `# told otherwise\n${text.split('\n').reverse().join('\n')}\n`);
  assert.deepEqual(build(project).ran, []);
});

test('a patch compiles what it touches, and the log says no more', () => {
  const one = patchOf(project, PATCHED.one, reworded);
  const two = patchOf(project, PATCHED.two, (text) =>
    text.replace('Kernel panic - not syncing', 'The kernel panics'),
  );
  writeSeries(project, { 'one.patch': one, 'two.patch': two });
  assert.deepEqual(build(project).ran, ['kernel']);
  const compiled = compiledFiles(project);
  assert.ok(compiled.includes(objectOf(PATCHED.one)), 'the patched file');
  assert.ok(compiled.length < 30, `and next to nothing else, not ${compiled.length} files`);
});

test('one more symbol as a module compiles that module', () => {
  edit(project, DEVICE, (text) => `${text}CONFIG_CRC7=m\n`);
  build(project);
  const compiled = compiledFiles(project);
  assert.ok(compiled.includes('lib/crc7.o'));
  assert.ok(compiled.length < 30, `and next to nothing else, not ${compiled.length} files`);
  const files = kernelFiles(join(project, 'images/a'));
  assert.match(named(files, /modules\.dep$/).toString(), /^kernel\/lib\/crc7\.ko:/m);
});

test('a patch that is dropped from the series is gone from the kernel, and compiles what it touched', () => {
  const before = named(kernelFiles(join(project, 'images/a')), /vmlinuz/);
  const two = readFileSync(join(project, 'scriptlets/kernel/patches/two.patch'), 'utf8');
  writeSeries(project, { 'two.patch': two });
  build(project);
  const compiled = compiledFiles(project);
  assert.ok(compiled.includes(objectOf(PATCHED.one)), 'the file that was patched');
  assert.ok(compiled.length < 30, `and next to nothing else, not ${compiled.length} files`);
  assert.notDeepEqual(named(kernelFiles(join(project, 'images/a')), /vmlinuz/), before);
});

test('an external module alone builds the module alone', () => {
  const before = kernelFiles(join(project, 'images/a'));
  edit(project, MODULE, (text) => text.replace('hello', 'good morning'));
  assert.deepEqual(build(project).ran, ['kernel']);
  assert.deepEqual(
    compiledFiles(project).filter((path) => !path.includes('greeting')),
    [],
  );
  const after = kernelFiles(join(project, 'images/a'));
  const changed = [...after]
    .filter(([path, content]) => !before.get(path)?.equals(content))
    .map(([path]) => path);
  assert.deepEqual(
    changed.map((path) => path.replace(/.*\//, '')),
    ['greeting.ko'],
  );
});

test('what was built before is there, however the patches and settings come back to it', () => {
  const now = readFileSync(join(project, DEVICE), 'utf8');
  edit(project, DEVICE, (text) => text.replace('CONFIG_CRC7=m', 'CONFIG_CRC7=y'));
  build(project);
  writeFileSync(join(project, DEVICE), now);
  assert.deepEqual(build(project).ran, []);
});

test('a patch that does not apply is told with file, hunk and reject; nothing of it stays', () => {
  const series = join(project, 'scriptlets/kernel/patches/series');
  const kept = readFileSync(series, 'utf8');
  const bad = patchOf(project, PATCHED.one, reworded).replace('as init process', 'as the process init');
  writeFileSync(join(project, 'scriptlets/kernel/patches/bad.patch'), bad);
  writeFileSync(series, `${kept}bad.patch\n`);
  const { status, stderr } = attemptBuild(project);
  assert.notEqual(status, 0);
  assert.match(
    stderr,
    /Cannot apply patches\/bad\.patch of "kernel": hunk 1 \(line \d+\) does not apply in init\/main\.c/,
  );
  assert.match(stderr, /as the process init/);
  writeFileSync(series, kept);
  assert.deepEqual(build(project).ran, []);
});

test('of what does not compile the first error is told, alone; what did compile need not again', () => {
  const series = join(project, 'scriptlets/kernel/patches/series');
  const kept = readFileSync(series, 'utf8');
  const wrong = patchOf(
    project,
    PATCHED.one,
    (text) => `${text}\nint wrong(void) { return nothing_of_that_name; }\n`,
  );
  writeFileSync(join(project, 'scriptlets/kernel/patches/wrong.patch'), wrong);
  writeFileSync(series, `${kept}wrong.patch\n`);
  const { status, stderr } = attemptBuild(project);
  assert.notEqual(status, 0);
  assert.match(
    stderr,
    /Cannot compile the kernel of "kernel": init\/main\.c:\d+:\d+: .nothing_of_that_name. undeclared/,
  );
  assert.doesNotMatch(stderr, /make\[\d\]/);
  writeFileSync(series, kept);
  assert.deepEqual(build(project).ran, []);
});

test('a build that is killed while it compiles leaves a tree that the next one can use', async () => {
  edit(project, DEVICE, (text) => `${text}CONFIG_CRC8=m\nCONFIG_CRC4=m\n`);
  const child = spawn(SNAP, ['-C', project, 'build', 'a', '--offline'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const log = (): string => {
    const tmp = join(project, 'store/tmp');
    const runs = readdirSync(tmp).flatMap((work) =>
      namesIn(join(tmp, work)).map((run) => join(tmp, work, run, 'log')),
    );
    return runs.map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : '')).join('');
  };
  while (child.exitCode === null && !/^ {2}CC /m.test(log())) await wait(20);
  child.kill('SIGKILL');
  await ended;
  assert.ok(JSON.parse(readFileSync(join(kernelFolder(project, 'tree'), 'note.json'), 'utf8')).dirty);
  assert.deepEqual(build(project).ran, ['kernel']);
  const compiled = compiledFiles(project);
  assert.ok(compiled.length < 60, `what make knew of the new symbols is not lost: ${compiled.length} files`);
});

/** Sees the kernel and its compiler, and neither source nor tree; the compiler is in its conf, and so in its image. */
const OUTSIDE = `need kernel-builder
need kernel
do_run() {
  local release=$(cd /usr/lib/modules; echo *)
  cp -r "$DATA_DIR" /tmp/greeting
  env -u ARCH make -C "/lib/modules/$release/build" M=/tmp/greeting modules
  if grep -r /usr/src/build "/usr/src/linux-headers-$release"; then return 1; fi
  if find "/usr/src/linux-headers-$release" -name '*.o' -o -name '.*.cmd' | grep .; then return 1; fi
  cp /tmp/greeting/greeting.ko /opt/
}
`;

test('with its headers modules are compiled without source and tree; to want them compiles nothing of the kernel', () => {
  edit(project, 'scriptlets/kernel.sh', (text) => `${text}kernel_headers\n`);
  assert.deepEqual(build(project).ran, ['kernel']);
  assert.deepEqual(
    compiledFiles(project).filter((path) => !/\.s$|^scripts\/mod\//.test(path)),
    [],
  );
  write(project, {
    'conf/b.toml':
      'suite = "bookworm"\narch = "amd64"\nscriptlets = ["kernel-builder", "kernel", "outside"]\n',
    'conf/b.lock': readFileSync(join(project, 'conf/a.lock'), 'utf8'),
    'scriptlets/outside.sh': OUTSIDE,
    'scriptlets/outside/Makefile': 'obj-m := greeting.o\n',
    'scriptlets/outside/greeting.c': readFileSync(join(project, MODULE), 'utf8'),
  });
  const source = kernelFolder(project, 'source');
  renameSync(join(project, 'store/kernel'), join(project, 'kernel'));
  const built = attemptBuild(project, [], { conf: 'b' });
  rmSync(join(project, 'store/kernel'), { recursive: true, force: true });
  renameSync(join(project, 'kernel'), join(project, 'store/kernel'));
  assert.ok(existsSync(source));
  assert.equal(built.status, 0, built.stderr);
  assert.deepEqual(
    built.ran.filter((name) => !name.startsWith('settle/')),
    ['outside'],
  );
  const own = named(kernelFiles(join(project, 'images/a')), /greeting\.ko$/);
  const other = readFileSync(join(project, 'images/b/opt/greeting.ko'));
  assert.match(vermagic(own), /^6\.1\.\d+-small /);
  assert.equal(vermagic(other), vermagic(own));
  for (const name of ['conf/b.toml', 'conf/b.lock', 'images'])
    rmSync(join(project, name), { recursive: true });
  build(project);
});

function vermagic(module: Buffer): string {
  return /vermagic=([^\0]*)/.exec(module.toString('latin1'))?.[1] ?? '';
}

test('a kernel that came to be by changes is, byte for byte, what --clean-kernel makes of nothing in another store', () => {
  const other = makeFolder();
  mkdirSync(join(other, 'store/kernel'), { recursive: true, mode: 0o700 });
  const copy = (folder: string, but: string): void => {
    const names = readdirSync(join(project, folder)).filter((name) => name !== but);
    execFileSync('cp', ['-a', ...names.map((name) => join(project, folder, name)), join(other, folder)]);
  };
  for (const name of ['conf', 'scriptlets']) execFileSync('cp', ['-a', join(project, name), other]);
  copy('store', 'kernel');
  // Nobody writes to the source: its 79,000 files are linked.
  const source = basename(kernelFolder(project, 'source'));
  copy('store/kernel', source);
  execFileSync('cp', ['-al', join(project, 'store/kernel', source), join(other, 'store/kernel')]);
  // Whoever used what is kept would not get far.
  for (const name of ['vmlinux.o', 'vmlinux.a', 'init/main.o', '.config']) {
    writeFileSync(join(kernelFolder(other, 'tree'), 'build', name), 'damaged');
  }
  const built = build(other, ['--clean-kernel']);
  assert.deepEqual(built.ran, ['kernel']);
  assert.ok(compiledFiles(other).length > 300, 'it compiled everything');
  const [kept, clean] = [kernelFiles(join(project, 'images/a')), kernelFiles(join(other, 'images/a'))];
  assert.deepEqual([...clean.keys()], [...kept.keys()]);
  for (const [path, content] of kept) assert.ok(content.equals(clean.get(path)!), `${path} is the same`);
  rmSync(other, { recursive: true, force: true });
});

test('gc keeps source and tree while a conf has the kernel, and removes them with it', () => {
  const kernels = (): number =>
    readdirSync(join(project, 'store/kernel')).filter((name) => name.includes('-')).length;
  assert.equal(snap(['-C', project, 'gc']).status, 0);
  assert.equal(kernels(), 2);
  for (const name of ['a.toml', 'a.lock']) rmSync(join(project, 'conf', name));
  writeFileSync(
    join(project, 'conf/b.toml'),
    'suite = "bookworm"\narch = "amd64"\nscriptlets = ["kernel-builder"]\n',
  );
  const { status, stdout } = snap(['-C', project, 'gc', '--json']);
  assert.equal(status, 0);
  const { kinds } = JSON.parse(stdout) as { kinds: { kind: string; count: number; frees: number }[] };
  const kernel = kinds.find(({ kind }) => kind === 'kernel');
  assert.equal(kernel?.count, 2);
  assert.ok((kernel?.frees ?? 0) > 500e6, 'most of it the source');
  assert.equal(kernels(), 0);
});
