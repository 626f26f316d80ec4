import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatLock, parseLock } from '../../src/debian/lock-text.ts';
import { snap } from '../commands/launcher.ts';
import { SHARED_DEBS, shareDebs } from './shared-debs.ts';
import { type Files, fillStore, makeFolder, preparedProject, write } from './small-project.ts';

/** What Debian has that compiles a kernel. */
export const BUILDER =
  'gcc libc6-dev make flex bison bc libelf-dev libssl-dev cpio kmod rsync xz-utils patch';

const FILES = {
  'conf/a.toml': 'suite = "bookworm"\narch = "amd64"\nscriptlets = ["kernel"]\n',
  'scriptlets/kernel-builder.sh': `install_debian_deb ${BUILDER}\n`,
  'scriptlets/kernel.sh': `build_need kernel-builder
kernel_source deb:linux-source-6.1
kernel_patches patches
kernel_kconfig tinyconfig default.kconfig device-*.kconfig
kernel_module modules/greeting
kernel_version_suffix -small
`,
  'scriptlets/kernel/default.kconfig': `# What no device can do without
CONFIG_64BIT=y
CONFIG_PRINTK=y
CONFIG_MODULES=y
`,
  'scriptlets/kernel/device-one.kconfig': 'CONFIG_TTY=y\n',
  'scriptlets/kernel/patches/series': '# none yet\n',
  'scriptlets/kernel/modules/greeting/Makefile': 'obj-m := greeting.o\n',
  'scriptlets/kernel/modules/greeting/greeting.c': `#include <linux/init.h>
#include <linux/module.h>

static int __init greeting_init(void)
{
	pr_info("hello\\n");
	return 0;
}
module_init(greeting_init);
MODULE_LICENSE("GPL");
`,
};

/** A project whose kernel is the smallest that takes modules, and a lock that covers it; the base is in its store. */
export function makeKernelProject(files: Files = FILES): string {
  const project = makeFolder();
  write(project, files);
  const file = join(preparedProject(), 'conf', 'all.lock');
  const lock = parseLock(readFileSync(file, 'utf8'), file);
  writeFileSync(join(project, 'conf', 'a.lock'), formatLock({ ...lock, closures: new Map() }));
  fillStore(project, 'prepared', true);
  const { status, stderr } = snap(['-C', project, 'lock', 'a']);
  if (status !== 0) throw new Error(stderr);
  return project;
}

/** An archive of these files in one folder. */
export function kernelArchive(files: Files): Buffer {
  const folder = makeFolder();
  write(join(folder, 'linux-1.0'), files);
  const words = ['--sort=name', '--mtime=@0', '-czf', join(folder, 'archive'), 'linux-1.0'];
  execFileSync('tar', ['-C', folder, ...words]);
  return readFileSync(join(folder, 'archive'));
}

/** What was fetched is there for the next time. */
export function shareFetched(project: string): void {
  shareDebs(join(project, 'store', 'debs'), SHARED_DEBS);
}

/** The folder of the tree that the kernel is compiled in; of the pristine source. */
export function kernelFolder(project: string, kind: 'tree' | 'source'): string {
  const folder = join(project, 'store', 'kernel');
  const name = readdirSync(folder).find((one) => one.startsWith(`${kind}-`));
  if (name === undefined) throw new Error(`There is no ${kind}`);
  return join(folder, name);
}

/** A patch against the pristine source that changes one file. */
export function patchOf(project: string, path: string, change: (text: string) => string): string {
  const source = join(kernelFolder(project, 'source'), 'tree/usr/src/linux', path);
  const before = readFileSync(source, 'utf8');
  const now = change(before);
  if (now === before) throw new Error(`The change changes nothing in ${path}`);
  const work = makeFolder();
  for (const [side, text] of [
    ['a', before],
    ['b', now],
  ] as const) {
    mkdirSync(dirname(join(work, side, path)), { recursive: true });
    writeFileSync(join(work, side, path), text);
  }
  return spawnSync('diff', ['-u', `a/${path}`, `b/${path}`], { cwd: work, encoding: 'utf8' }).stdout;
}

/** The series of the project's kernel: names and texts of its patches. */
export function writeSeries(project: string, patches: Readonly<Record<string, string>>): void {
  const folder = join(project, 'scriptlets/kernel/patches');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, text] of Object.entries(patches)) writeFileSync(join(folder, name), text);
  writeFileSync(
    join(folder, 'series'),
    Object.keys(patches)
      .map((name) => `${name}\n`)
      .join(''),
  );
}

/** The files that the last build compiled, going by its log. */
export function compiledFiles(project: string): string[] {
  const file = join(project, 'store/logs/kernel.log');
  const log = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return [...log.matchAll(/^ {2}(?:CC|AS)(?: \[M\])? +(\S+)/gm)].map(([, path = '']) => path);
}
