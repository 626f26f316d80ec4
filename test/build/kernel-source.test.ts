import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from '../../src/build.ts';
import { SnapError } from '../../src/host/error.ts';
import type { BuildEvent } from '../../src/report/event.ts';
import { makeKernelProject, shareFetched, writeSeries } from './small-kernel.ts';
import { edit, makeFolder, write } from './small-project.ts';

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
olddefconfig prepare:
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

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  project = makeKernelProject({
    'conf/a.toml': 'suite = "bookworm"\narch = "amd64"\nscriptlets = ["kernel"]\n',
    'scriptlets/tools.sh': 'install_debian_deb make patch\n',
    'scriptlets/kernel.sh': declared(serve('/linux-1.0.tar.gz', KERNEL)),
    'scriptlets/kernel/patches/series': '',
  });
});
after(() => server.close());

/** Serves an archive of these files in one folder; returns what follows `kernel_source`. */
function serve(path: string, files: Readonly<Record<string, string>>): string {
  const folder = makeFolder();
  write(join(folder, 'linux-1.0'), files);
  execFileSync('tar', [
    '-C',
    folder,
    '--sort=name',
    '--mtime=@0',
    '-czf',
    join(folder, 'archive'),
    'linux-1.0',
  ]);
  const archive = readFileSync(join(folder, 'archive'));
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
    text.replace('olddefconfig prepare:', `olddefconfig:\n\tln -sfn "${secret}" $(O)/.config\nprepare:`),
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
