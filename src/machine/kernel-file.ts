import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { compareKernels, type KernelConfig, readKernelConfig } from './kernel-config.ts';

/** A kernel to start, with what lies beside it. */
export type KernelFile = {
  readonly file: string;
  readonly initrd: string | undefined;
  /** Undefined where nothing tells it. */
  readonly config: KernelConfig | undefined;
};

/**
 * The newest kernel in the image of a conf, and its initrd and configuration where the image has them.
 * @throws SnapError USAGE when it has none.
 */
export function kernelOfImage(conf: string, image: string): KernelFile {
  const boot = join(image, 'boot');
  // Not through a link: that would lead to the host's own.
  const names = lstatSync(boot, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(boot) : [];
  const versions = names
    .flatMap((name) => /^vmlinu[xz]-(.+)$/.exec(name)?.[1] ?? [])
    .filter((version) => kernelNamed(boot, version))
    .sort(compareKernels);
  const version = versions.at(-1);
  if (version === undefined) {
    throw new SnapError('USAGE', `The image of "${conf}" has no kernel: no /boot/vmlinuz-*`, {
      hint: 'give its conf a scriptlet with one (docs/run.md), or name one: --kernel FILE',
    });
  }
  const config = regular(join(boot, `config-${version}`));
  return {
    file: kernelNamed(boot, version)!,
    initrd: regular(join(boot, `initrd.img-${version}`)),
    config: config === undefined ? undefined : readKernelConfig(readFileSync(config, 'utf8')),
  };
}

/** @throws SnapError USAGE when there is no such file. */
export function kernelOfPerson(file: string): KernelFile {
  if (existsSync(file)) return { file, initrd: undefined, config: undefined };
  throw new SnapError('USAGE', `There is no kernel "${file}"`);
}

function kernelNamed(boot: string, version: string): string | undefined {
  return regular(join(boot, `vmlinuz-${version}`)) ?? regular(join(boot, `vmlinux-${version}`));
}

function regular(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ? path : undefined;
}
