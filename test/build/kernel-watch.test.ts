import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { leftovers } from '../faults/fixture/project.ts';
import { mountsOf, processesOf, until } from '../faults/fixture/traces.ts';
import { compiledFiles, kernelArchive, makeKernelProject, writeSeries } from './small-kernel.ts';
import { build, write } from './small-project.ts';
import { ranIn, sleeper, sleepOf, startWatch } from './watching.ts';

const NUMBER = 100_031;

/** Two files, and a compiler that takes its time over what says that it is slow, after it has written a half. */
const KERNEL = {
  Kbuild: '',
  Kconfig: '',
  'init/one.c': 'one\n',
  'init/two.c': 'two\n',
  Makefile: `tinyconfig:
	printf 'CONFIG_MODULES=y\\nCONFIG_TINY=y\\n' >$(O)/.config
olddefconfig prepare include/config/auto.conf:
	mkdir -p $(O)/include/config $(O)/init
	echo 1.0$(LOCALVERSION) >$(O)/include/config/kernel.release
all: $(O)/image
$(O)/init/%.o: init/%.c
	@echo '  CC      init/$*.o'
	@printf half >$@
	@! grep -q slow $< || ${sleepOf(NUMBER)}
	@cat $< >$@
$(O)/image: $(O)/init/one.o $(O)/init/two.o $(O)/.config
	cat $^ >$@
	: >$(O)/System.map
image_name:
	@echo image
modules:
	@echo '  CC [M]  $(M)/module.o'
modules_install:
	mkdir -p $(INSTALL_MOD_PATH)/lib/modules/1.0/$(INSTALL_MOD_DIR)
	$(if $(M),cat $(M)/module.c >$(INSTALL_MOD_PATH)/lib/modules/1.0/$(INSTALL_MOD_DIR)/module.ko)
`,
};

let project = '';

before(() => {
  const archive = kernelArchive(KERNEL);
  const sha256 = createHash('sha256').update(archive).digest('hex');
  project = makeKernelProject({
    'conf/a.toml': 'suite = "bookworm"\narch = "amd64"\nscriptlets = ["kernel"]\n',
    'scriptlets/tools.sh': 'install_debian_deb make patch kmod\n',
    'scriptlets/kernel.sh': `build_need tools
kernel_source http://127.0.0.1:1/linux.tar.gz ${sha256}
kernel_patches patches
kernel_kconfig device-*.kconfig
kernel_module module
`,
    'scriptlets/kernel/device-one.kconfig': 'CONFIG_ONE=y\n',
    'scriptlets/kernel/module/Kbuild': 'obj-m := module.o\n',
    'scriptlets/kernel/module/module.c': 'module\n',
    'scriptlets/kernel/patches/series': '',
  });
  mkdirSync(join(project, 'store/sources'), { recursive: true });
  writeFileSync(join(project, 'store/sources', sha256), archive);
});

/** A patch of both files, in one write. */
function patched(one: string, two: string): void {
  const hunk = (file: string, before: string, now: string): string =>
    `--- a/init/${file}.c\n+++ b/init/${file}.c\n@@ -1 +1 @@\n-${before}\n+${now}\n`;
  writeFileSync(
    join(project, 'scriptlets/kernel/patches/both.patch'),
    `${hunk('one', 'one', one)}${hunk('two', 'two', two)}`,
  );
}

const inImage = (path: string): string => readFileSync(join(project, 'images/a', path), 'utf8');
const kernel = (): string => inImage('boot/vmlinuz-1.0').replace(/CONFIG_.*\n/g, '');
/** External modules are compiled for each kernel anew. */
const compiledOfKernel = (): string[] => compiledFiles(project).filter((path) => !path.startsWith('/'));
const nothingLeft = (): void => {
  assert.equal(sleeper(NUMBER), undefined);
  assert.deepEqual([mountsOf(project), leftovers(project)], [[], []]);
};

test('what is saved of a kernel is built again, and as much of it as changed; what is saved while it is compiled stops that, and nothing is compiled twice', async () => {
  writeSeries(project, { 'both.patch': '' });
  patched('eins', 'zwei');
  const watcher = startWatch(project, ['-j', '1']);
  await watcher.idle(1);
  assert.equal(kernel(), 'eins\nzwei\n');
  patched('eins', 'due');
  await watcher.idle(2);
  assert.equal(kernel(), 'eins\ndue\n');
  assert.deepEqual(compiledOfKernel(), ['init/two.o']);
  write(project, { 'scriptlets/kernel/device-one.kconfig': 'CONFIG_TWO=y\n' });
  await watcher.idle(3);
  assert.match(inImage('boot/config-1.0'), /^CONFIG_TWO=y$/m);
  write(project, { 'scriptlets/kernel/module/module.c': 'changed\n' });
  await watcher.idle(4);
  assert.equal(inImage('usr/lib/modules/1.0/updates/module/module.ko'), 'changed\n');
  assert.deepEqual(compiledFiles(project), ['/usr/src/modules/module/module.o']);
  patched('uno', 'slow');
  await until('it is compiled', () => sleeper(NUMBER) !== undefined);
  patched('uno', 'deux');
  await watcher.idle(5);
  assert.equal(watcher.lines().filter((line) => /^kernel: stopped/.test(line)).length, 1);
  assert.equal(kernel(), 'uno\ndeux\n');
  assert.deepEqual(compiledOfKernel(), ['init/two.o']);
  assert.deepEqual(watcher.builds().slice(1).map(ranIn), [['kernel'], ['kernel'], ['kernel'], ['kernel']]);
  nothingLeft();
  watcher.kill('SIGTERM');
  assert.equal(await watcher.ended, 143);
});

test('a kernel that is stopped by Ctrl-C leaves what is compiled, and no half of a file', async () => {
  patched('ein', 'slow');
  const watcher = startWatch(project, ['-j', '1']);
  await until('it is compiled', () => sleeper(NUMBER) !== undefined);
  watcher.kill('SIGINT');
  assert.equal(await watcher.ended, 130);
  nothingLeft();
  assert.deepEqual(processesOf(project), []);
  patched('ein', 'slo');
  build(project);
  assert.equal(kernel(), 'ein\nslo\n');
  assert.deepEqual(compiledOfKernel(), ['init/two.o']);
});
