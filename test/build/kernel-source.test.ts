import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { build } from '../../src/build.ts';
import { SnapError } from '../../src/host/error.ts';
import type { BuildEvent } from '../../src/report/event.ts';
import { snap } from '../commands/launcher.ts';
import { kernelArchive, makeKernelProject, shareFetched, writeSeries } from './small-kernel.ts';
import { edit, write } from './small-project.ts';

/**
 * What the machinery asks of a kernel, answered by a Makefile of some lines: where its source comes from, and in which order things happen, needs
 * no compiler. The real one is in kernel.test.ts.
 */
const KERNEL = {
  Kbuild: '',
  Kconfig: '',
  'init/main.c': 'one\ntwo\nthree\n',
  Makefile: `tinyconfig:
	echo CONFIG_TINY=y >$(O)/.config
olddefconfig prepare include/config/auto.conf:
	mkdir -p $(O)/include/config
	echo 1.0$(LOCALVERSION) >$(O)/include/config/kernel.release
all: $(O)/image
$(O)/image: init/main.c $(O)/.config
	@echo '  CC      init/main.o'
	cat $^ >$@
	: >$(O)/System.map
image_name:
	@echo image
`,
};

const served = new Map<string, Buffer>();
const server = createServer((request, response) => {
  const body = served.get(request.url ?? '');
  response.writeHead(body ? 200 : 404).end(body);
});
let project = '';
let address = '';
/** What the kernel's scriptlet says where a test does not change it. */
let declaredFirst = '';

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  declaredFirst = declared(serve('/linux-1.0.tar.gz', KERNEL));
  project = makeKernelProject({
    'conf/a.toml': 'suite = "bookworm"\narch = "amd64"\nscriptlets = ["kernel"]\n',
    'scriptlets/tools.sh': 'install_debian_deb make patch kmod\n',
    'scriptlets/kernel.sh': declaredFirst,
    'scriptlets/kernel/patches/series': '',
  });
});
after(() => server.close());

/** Serves an archive of these files in one folder; returns what follows `kernel_source`. */
function serve(path: string, files: Readonly<Record<string, string>>): string {
  const archive = kernelArchive(files);
  served.set(path, archive);
  return `${address}${path} ${createHash('sha256').update(archive).digest('hex')}`;
}

function declared(source: string): string {
  return `build_need tools\nkernel_source ${source}\nkernel_patches patches\nkernel_version_suffix -x\n`;
}

async function run(about: { offline?: boolean; jobs?: number } = {}): Promise<BuildEvent[]> {
  const events: BuildEvent[] = [];
  const signal = new AbortController().signal;
  const request = {
    project,
    conf: 'a',
    jobs: 2,
    locked: false,
    offline: false,
    keepFailed: false,
    rerun: [],
    signal,
  };
  await build({ ...request, ...about }, (event) => events.push(event));
  return events;
}

const ran = (events: readonly BuildEvent[]): string[] =>
  events.flatMap((event) => (event.kind === 'layer-end' && event.state === 'run' ? [event.name] : []));
const steps = (events: readonly BuildEvent[]): string[] =>
  events.flatMap((event) => (event.kind === 'layer-step' && event.name === 'kernel' ? [event.step] : []));
const image = (): string => readFileSync(join(project, 'images/a/boot/vmlinuz-1.0-x'), 'utf8');

test('a source is fetched with progress and unpacked once; what is compiled is told while it is', async () => {
  const events = await run();
  shareFetched(project);
  assert.ok(events.some(({ kind }) => kind === 'download'));
  assert.equal(image(), 'one\ntwo\nthree\nCONFIG_TINY=y\n');
  assert.ok(steps(events).some((step) => step.startsWith('unpacking http')));
  assert.ok(
    steps(events).includes('compiling 1 file, init') ||
      steps(events).includes('compiling 1 of 1 files, init'),
  );
  served.delete('/linux-1.0.tar.gz');
  writeSeries(project, {
    'two.patch': '--- a/init/main.c\n+++ b/init/main.c\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n',
  });
  const further = await run({ offline: true });
  assert.deepEqual(ran(further), ['kernel']);
  assert.equal(
    steps(further).some((step) => step.startsWith('unpacking')),
    false,
  );
  assert.equal(image(), 'one\nTWO\nthree\nCONFIG_TINY=y\n');
});

test('patches are applied in the order of the series, new files and removed ones too, and a state from before is found again', async () => {
  const both = {
    'two.patch': '--- a/init/main.c\n+++ b/init/main.c\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n',
    'then.patch': '--- a/init/main.c\n+++ b/init/main.c\n@@ -1,3 +1,3 @@\n one\n-TWO\n+2\n three\n',
    'files.patch': '--- a/Kconfig.more\n+++ b/Kconfig.more\n@@ -0,0 +1 @@\n+more\n',
  };
  writeSeries(project, both);
  await run();
  assert.equal(image(), 'one\n2\nthree\nCONFIG_TINY=y\n');
  writeSeries(project, {});
  assert.deepEqual(ran(await run()), []);
  assert.equal(image(), 'one\ntwo\nthree\nCONFIG_TINY=y\n');
  writeSeries(project, both);
  assert.deepEqual(ran(await run()), []);
});

/** One that is told for whom it is, with device trees. */
const FOREIGN = {
  ...KERNEL,
  Makefile: `${KERNEL.Makefile.replace('echo CONFIG_TINY=y', 'printf "CONFIG_OF=y\\nCONFIG_TINY=y\\n"').replace('cat $^ >$@', 'echo $(ARCH) $(CROSS_COMPILE) >$@; mkdir -p $(O)/arch/arm64/boot/dts; echo tree >$(O)/arch/arm64/boot/dts/board.dtb')}
dtbs_install:
	mkdir -p $(INSTALL_DTBS_PATH)
	cp $(O)/arch/arm64/boot/dts/board.dtb $(INSTALL_DTBS_PATH)/
`,
};

test('a kernel for another architecture gets its own compiler, and its device trees are in the image', async () => {
  const kept = readFileSync(join(project, 'scriptlets/kernel.sh'), 'utf8');
  const text = `${declared(serve('/foreign.tar.gz', FOREIGN))}kernel_arch arm64\n`;
  writeFileSync(join(project, 'scriptlets/kernel.sh'), text);
  writeSeries(project, {});
  await run();
  assert.equal(image(), 'arm64 aarch64-linux-gnu-\n');
  const tree = join(project, 'images/a/usr/lib/linux-image-1.0-x/board.dtb');
  assert.equal(readFileSync(tree, 'utf8'), 'tree\n');
  writeFileSync(join(project, 'scriptlets/kernel.sh'), kept);
});

test("a kernel's build cannot have snap read or copy files of the host by links that it leaves", async () => {
  const kept = readFileSync(join(project, 'scriptlets/kernel.sh'), 'utf8');
  const secret = join(project, 'conf/a.toml');
  const build = async (path: string, change: (makefile: string) => string): Promise<void> => {
    const source = serve(path, { ...KERNEL, Makefile: change(KERNEL.Makefile) });
    writeFileSync(join(project, 'scriptlets/kernel.sh'), declared(source));
    await run();
  };
  const linked = build('/linked.tar.gz', (text) =>
    text.replace('olddefconfig prepare', `olddefconfig:\n\tln -sfn "${secret}" $(O)/.config\nprepare`),
  );
  await assert.rejects(linked, (error) => /left no file "\.config"/.test(causeOf(error)));
  const out = '/usr/src/out';
  const folder = join(project, 'conf');
  await build('/folder.tar.gz', (text) =>
    text.replace(
      'image_name:\n',
      `image_name:\n\t@mkdir -p ${out}/lib; ln -sfn "${folder}" ${out}/lib/modules; ln -sfn "${folder}" ${out}/dtbs\n`,
    ),
  );
  const found = execFileSync('find', [join(project, 'images/a'), '-name', 'a.toml'], { encoding: 'utf8' });
  assert.equal(found, '');
  const modules = `${out}/lib/modules/1.0-x`;
  const text = `${declared(serve('/updates.tar.gz', withModules(`ln -s "${folder}" ${modules}/updates`)))}kernel_module one\n`;
  write(join(project, 'scriptlets/kernel/one'), { Kbuild: 'obj-m := one.o\n' });
  writeFileSync(join(project, 'scriptlets/kernel.sh'), text);
  await assert.rejects(run(), (error) => {
    assert.match(
      causeOf(error),
      /Cannot install module "one": "\/usr\/lib\/modules\/1\.0-x\/updates" is there already, as a link/,
    );
    return true;
  });
  assert.deepEqual(readdirSync(folder).sort(), ['a.lock', 'a.toml']);
  writeFileSync(join(project, 'scriptlets/kernel.sh'), kept);
});

/** A kernel with modules, and what its own installation of them does besides. */
function withModules(further: string): Readonly<Record<string, string>> {
  return {
    ...KERNEL,
    Makefile: `${KERNEL.Makefile.replace('echo CONFIG_TINY=y', 'echo CONFIG_MODULES=y').replace('all: $(O)/image', 'all modules: $(O)/image')}
modules_install:
\tmkdir -p $(INSTALL_MOD_PATH)/lib/modules/1.0-x/$(INSTALL_MOD_DIR)
\tif [ -z "$(M)" ]; then ${further}; else echo module >$(INSTALL_MOD_PATH)/lib/modules/1.0-x/$(INSTALL_MOD_DIR)/one.ko; fi
`,
  };
}

function causeOf(error: unknown): string {
  const cause = error instanceof SnapError && error.cause instanceof SnapError ? error.cause : error;
  return (cause as Error).message;
}

/** One that modules can be compiled against: with what it makes for that, and what it leaves of earlier builds. */
const HEADED = {
  ...KERNEL,
  // What modules are linked with: this configuration has one, and not the other.
  'arch/x86/Makefile':
    'KBUILD_LDFLAGS_MODULE += $(objtree)/arch/x86/one.o\nKBUILD_LDFLAGS_MODULE += arch/x86/two.o\n',
  'arch/x86/include/asm/one.h': 'of the architecture\n',
  'arch/x86/kernel/one.c': 'no header\n',
  'include/linux/one.h': 'one\ntwo\nthree\n',
  'include/linux/two.h': 'goes\n',
  'scripts/Kbuild.include': 'of the source\n',
  'scripts/kconfig/conf.c': 'only the kernel needs it\n',
  Makefile: `${withModules(':').Makefile}
all: leaves
leaves:
\tmkdir -p $(O)/include/generated $(O)/scripts $(O)/arch/x86
\techo left >$(O)/arch/x86/one.o
\techo left >$(O)/include/generated/stale.h
\techo left >$(O)/scripts/stale
\techo symbols >$(O)/Module.symvers
arch/x86/one.o:
\techo made >$(O)/$@
modules_prepare: prepare
\tmkdir -p $(O)/include/generated $(O)/arch/x86/include/generated $(O)/scripts/mod
\techo set >$(O)/include/config/auto.conf
\techo left >$(O)/include/config/TINY
\tcat $(O)/.config >$(O)/include/generated/autoconf.h
\techo wrapped >$(O)/arch/x86/include/generated/two.h
\tprintf '#!/bin/sh\\n' >$(O)/scripts/mod/modpost
\tchmod +x $(O)/scripts/mod/modpost
\ttouch $(O)/scripts/mod/modpost.o $(O)/scripts/mod/.modpost.cmd
`,
};

const HEADERS = [
  ...['.config', 'Makefile', 'Module.symvers'],
  ...[
    'arch/x86/Makefile',
    'arch/x86/include/asm/one.h',
    'arch/x86/include/generated/two.h',
    'arch/x86/one.o',
  ],
  ...['include/config/auto.conf', 'include/config/kernel.release', 'include/generated/autoconf.h'],
  ...['include/linux/one.h', 'include/linux/two.h', 'scripts/Kbuild.include', 'scripts/mod/modpost'],
];

const HEADER_FOLDER = 'usr/src/linux-headers-1.0-x';
const inImage = (path: string): string => join(project, 'images/a', path);
/** All that is no folder, by path. */
function headers(): string[] {
  const words = ['.', '!', '-type', 'd', '-printf', '%P\\n'];
  const found = execFileSync('find', words, { cwd: inImage(HEADER_FOLDER), encoding: 'utf8' });
  return found.split('\n').slice(0, -1).sort();
}

function planned(): string {
  const { status, stdout, stderr } = snap(['-C', project, 'plan', 'a']);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** The kernel's scriptlet for the rest of a test. */
function declare(t: TestContext, text: string): void {
  const file = join(project, 'scriptlets/kernel.sh');
  t.after(() => {
    writeFileSync(file, declaredFirst);
    writeSeries(project, {});
  });
  writeFileSync(file, text);
}

test('headers are those of the patched source and of this configuration; to want them compiles nothing', async (t) => {
  const plain = declared(serve('/headed.tar.gz', HEADED));
  declare(t, plain);
  writeSeries(project, {
    'one.patch':
      '--- a/include/linux/one.h\n+++ b/include/linux/one.h\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n',
    'two.patch': '--- a/include/linux/two.h\n+++ /dev/null\n@@ -1 +0,0 @@\n-goes\n',
    'new.patch': '--- /dev/null\n+++ b/include/linux/new.h\n@@ -0,0 +1 @@\n+new\n',
  });
  await run();
  assert.equal(existsSync(inImage(HEADER_FOLDER)), false);
  declare(t, `${plain}kernel_headers\n`);
  assert.match(planned(), /^kernel .*headers is new/m);
  const events = await run();
  assert.deepEqual(ran(events), ['kernel']);
  assert.deepEqual(steps(events), ['headers', 'capture']);
  const expected = HEADERS.map((path) => path.replace('linux/two.h', 'linux/new.h')).sort();
  assert.deepEqual(headers(), expected);
  assert.equal(readFileSync(inImage(`${HEADER_FOLDER}/include/linux/one.h`), 'utf8'), 'one\nTWO\nthree\n');
  assert.equal(readFileSync(inImage(`${HEADER_FOLDER}/arch/x86/one.o`), 'utf8'), 'made\n');
  assert.equal(readlinkSync(inImage('usr/lib/modules/1.0-x/build')), '/usr/src/linux-headers-1.0-x');
  const { mode, mtimeMs } = statSync(inImage(`${HEADER_FOLDER}/scripts/mod/modpost`));
  assert.equal(mode & 0o777, 0o755);
  assert.equal(lstatSync(inImage('usr/lib/modules/1.0-x/build')).mtimeMs, mtimeMs);
  writeSeries(project, {});
  await run();
  assert.deepEqual(headers(), [...HEADERS].sort());
  assert.equal(readFileSync(inImage(`${HEADER_FOLDER}/include/linux/one.h`), 'utf8'), 'one\ntwo\nthree\n');
  declare(t, plain);
  assert.match(planned(), /^kernel .*headers is gone/m);
  await run();
  assert.equal(existsSync(inImage(HEADER_FOLDER)), false);
});

test('a kernel that knows itself what modules need is asked, and what it leaves leads nowhere', async (t) => {
  const secret = join(project, 'conf');
  const own = {
    ...HEADED,
    'scripts/package/install-extmod-build': `cp -r include "$1/"; touch "$1/junk.o"; ln -s "${secret}" "$1/linked"; ln -s "${secret}/a.toml" "$1/file"\n`,
    Makefile: `${HEADED.Makefile}
run-command:
\tcd $(O) && $(KBUILD_RUN_COMMAND)
`,
  };
  declare(t, `${declared(serve('/own.tar.gz', own))}kernel_headers\n`);
  await run();
  const generated = ['include/config/TINY', ...HEADERS.filter((path) => /^include\/[cg]|\.o$/.test(path))];
  assert.deepEqual(headers(), ['.config', 'file', 'linked', ...generated].sort());
  assert.equal(readlinkSync(inImage(`${HEADER_FOLDER}/linked`)), secret);
});

test('headers are refused where nothing could be compiled against them', async (t) => {
  const plain = declared(serve('/headless.tar.gz', KERNEL));
  declare(t, `${plain}kernel_headers\nkernel_arch arm64\n`);
  await assert.rejects(run(), /kernel\.sh:5: the programs that come with the headers of a kernel for arm64/);
  declare(t, `${plain}kernel_headers\n`);
  await assert.rejects(run(), (error) => {
    assert.match(causeOf(error), /Cannot build the headers for modules of "kernel": the kernel takes none/);
    return true;
  });
});

type Verified = {
  readonly damages: readonly {
    readonly kind: string;
    readonly name: string;
    readonly path: string | null;
    readonly what: string;
    readonly outcome?: { readonly kind: string; readonly how: string };
  }[];
  readonly left?: readonly object[];
  readonly uncompared: readonly { readonly why: string }[];
};

function verified(...args: readonly string[]): { readonly status: number | null; readonly json: Verified } {
  const { status, stdout } = snap(['-C', project, 'verify', '--json', ...args]);
  return { status, json: JSON.parse(stdout) as Verified };
}

/** What was found, a line each. */
const told = ({ json }: { readonly json: Verified }): string[] =>
  json.damages.map(({ kind, name, path, what }) => [kind, name, path ?? '-', what].join(' '));

/** Where the source of the first test lies, and below it its files. */
function sourceFiles(): { readonly url: string; readonly folder: string; readonly files: string } {
  const [, url = '', sha256 = ''] = /^kernel_source (\S+) (\S+)$/m.exec(declaredFirst) ?? [];
  const folder = join(project, 'store/kernel', `source-${sha256.slice(0, 32)}`);
  return { url, folder, files: join(folder, 'tree/usr/src/linux') };
}

/** Keeps all but the content. */
function flipByte(file: string): void {
  const { atime, mtime } = statSync(file);
  const bytes = readFileSync(file);
  bytes[0]! ^= 1;
  writeFileSync(file, bytes);
  utimesSync(file, atime, mtime);
}

test('of a damaged source verify names the files; repair lets it go with what was compiled of it, and the next kernel is right', async (t) => {
  await run();
  const { url, folder, files } = sourceFiles();
  const kernels = (): string[] => readdirSync(join(project, 'store/kernel')).sort();
  const before = kernels();
  flipByte(join(files, 'init/main.c'));
  writeFileSync(join(files, 'init/more.c'), '');
  assert.deepEqual(told(verified()), [], 'contents are not read');
  const found = [`kernel ${url} init/main.c other content`, `kernel ${url} init/more.c does not belong here`];
  const repaired = verified('--deep', '--repair');
  assert.equal(repaired.status, 1);
  assert.deepEqual(told(repaired), found);
  for (const { outcome } of repaired.json.damages) {
    assert.match(outcome?.how ?? '', /^removed with the tree compiled of it/);
  }
  const gone = before.filter((name) => !kernels().includes(name)).map((name) => name.split('-')[0]);
  assert.deepEqual(gone, ['source', 'tree']);
  assert.equal(existsSync(folder), false);
  assert.deepEqual(repaired.json.left, [], 'it has looked at all once more');
  declare(t, declaredFirst.replace('-x', '-y'));
  const events = await run();
  assert.ok(steps(events).some((step) => step.startsWith('unpacking http')));
  assert.equal(
    readFileSync(join(project, 'images/a/boot/vmlinuz-1.0-y'), 'utf8'),
    'one\ntwo\nthree\nCONFIG_TINY=y\n',
  );
});

test('verify looks whether sources and trees are complete, and says which source it could not compare; what has no note is waste', () => {
  const { url, folder, files } = sourceFiles();
  const waste = join(project, 'store/kernel', `source-${'0'.repeat(32)}`);
  mkdirSync(join(waste, 'tree'), { recursive: true });
  assert.deepEqual(told(verified()), []);
  rmSync(join(files, 'Kbuild'));
  const trees = readdirSync(join(project, 'store/kernel')).filter((name) => name.startsWith('tree-'));
  const [one, two] = trees.map((name) => join(project, 'store/kernel', name));
  rmSync(join(one!, 'out'), { recursive: true });
  writeFileSync(join(two!, 'note.json'), '{');
  const found = [
    `kernel ${url} - lacks its "Kbuild"`,
    'kernel kernel - lacks its folder "out"',
    `kernel ${basename(two!)} - its note is damaged`,
  ];
  assert.deepEqual(told(verified()).sort(), found.sort());
  for (const { outcome } of verified('--repair').json.damages) assert.equal(outcome?.kind, 'mended');
  assert.deepEqual(
    [folder, one, two].filter((path) => existsSync(path!)),
    [],
  );
  assert.equal(existsSync(waste), true, 'gc removes it');
  const archives = readdirSync(join(project, 'store/sources'));
  for (const name of archives) renameSync(join(project, 'store/sources', name), join(project, name));
  const { json } = verified('--deep');
  assert.deepEqual(json.damages, []);
  assert.deepEqual(
    new Set(json.uncompared.map(({ why }) => why)),
    new Set(['its archive is not in the store']),
  );
  for (const name of archives) renameSync(join(project, name), join(project, 'store/sources', name));
});

test('an archive without a kernel in it, and one with other bytes than declared, are told', async () => {
  const kept = readFileSync(join(project, 'scriptlets/kernel.sh'), 'utf8');
  const failing = async (text: string): Promise<string> => {
    edit(project, 'scriptlets/kernel.sh', () => text);
    try {
      await run();
    } catch (error) {
      assert.ok(error instanceof SnapError);
      const cause = error.cause instanceof SnapError ? error.cause : error;
      return [error.message, cause.message, ...cause.lines].join('\n');
    }
    throw new Error('The build succeeded');
  };
  const none = await failing(declared(serve('/none.tar.gz', { README: 'no kernel\n' })));
  assert.match(none, /holds no source of a kernel\n(.*\n)*.*there is no Makefile in it/);
  const [url] = serve('/other.tar.gz', KERNEL).split(' ');
  assert.match(await failing(declared(`${url} ${'0'.repeat(64)}`)), /Cannot fetch "http.*other\.tar\.gz"/);
  writeFileSync(join(project, 'scriptlets/kernel.sh'), kept);
  assert.deepEqual(ran(await run()), []);
});

test('data of another kind than what the declarations say is told before anything is built', async () => {
  const kept = readFileSync(join(project, 'scriptlets/kernel.sh'), 'utf8');
  const cases: Record<string, RegExp> = {
    'kernel_kconfig default.kconfg': /kernel\.sh:5: there is no file "default\.kconfg"/,
    'kernel_kconfig device-*.kconfig': /no file matches "device-\*\.kconfig"/,
    'kernel_module modules/one': /there is no folder "modules\/one"/,
    'kernel_module patches': /has neither Makefile nor Kbuild/,
    'kernel_patches other': /there is no file "other\/series"/,
    'kernel_arch z80': /unknown architecture "z80"/,
  };
  for (const [line, expected] of Object.entries(cases)) {
    writeFileSync(join(project, 'scriptlets/kernel.sh'), `${kept}${line}\n`);
    await assert.rejects(run(), (error) => {
      assert.match((error as Error).message, expected);
      return true;
    });
  }
  writeFileSync(join(project, 'scriptlets/kernel.sh'), kept);
  edit(project, 'scriptlets/kernel/patches/series', (text) => `${text}gone.patch\n`);
  await assert.rejects(run(), /series:\d: there is no patch "gone\.patch"/);
});
