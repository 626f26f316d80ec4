import type { Machine } from './machine.ts';

/** A kernel's configuration: `y` and `m` by symbol, without the `CONFIG_`. */
export type KernelConfig = ReadonlyMap<string, 'y' | 'm'>;

/** The filesystems that a root can be made as. */
export type RootKind = 'squashfs' | 'erofs';

const FILESYSTEM: Readonly<Record<RootKind, string>> = { squashfs: 'SQUASHFS', erofs: 'EROFS_FS' };

/** The text of /boot/config-VERSION. */
export function readKernelConfig(text: string): KernelConfig {
  return new Map(
    [...text.matchAll(/^CONFIG_(\w+)=([ym])$/gm)].map(([, name, value]) => [name!, value as 'y' | 'm']),
  );
}

/** The symbol of each architecture in its kernels' configurations, and Debian's name of it. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  X86_64: 'amd64',
  X86_32: 'i386',
  ARM64: 'arm64',
  ARM: 'armhf',
  MIPS: 'mips64el',
  PPC: 'ppc64el',
  RISCV: 'riscv64',
  S390: 's390x',
};

/** What a kernel was compiled for, by Debian's name; undefined where its configuration does not tell. */
export function archOf(config: KernelConfig): string | undefined {
  return Object.entries(ARCHITECTURES).find(([symbol]) => config.has(symbol))?.[1];
}

/** What the root is made as where nobody says it: squashfs, but for a kernel that is known to have erofs alone. */
export function rootKindFor(config: KernelConfig | undefined): RootKind {
  return config && !config.has(FILESYSTEM.squashfs) && config.has(FILESYSTEM.erofs) ? 'erofs' : 'squashfs';
}

/**
 * The symbols that a kernel lacks to start from such a root on such a machine. A module counts only where an initrd could bring it.
 */
export function missingSymbols(
  config: KernelConfig,
  machine: Machine,
  root: RootKind,
  hasInitrd: boolean,
): string[] {
  const needed = [
    ...[[FILESYSTEM[root]], ['OVERLAY_FS'], ['TMPFS'], ['DEVTMPFS'], ['VIRTIO_BLK'], ['BINFMT_SCRIPT']],
    ...machine.symbols,
    ...(hasInitrd ? [] : [['DEVTMPFS_MOUNT']]),
  ];
  const has = (symbol: string): boolean => config.get(symbol) === 'y' || (hasInitrd && config.has(symbol));
  return needed.filter((any) => !any.some(has)).map((any) => any[0]!);
}

/** Which of two kernels is the newer one, by the numbers in their names: less than 0 when `a` is the older. */
export function compareKernels(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.split(/(\d+)/));
  for (let at = 0; at < Math.max(left!.length, right!.length); at++) {
    const [one = '', other = ''] = [left![at], right![at]];
    const difference = at % 2 === 1 ? Number(one) - Number(other) : one < other ? -1 : Number(one > other);
    if (difference !== 0) return difference;
  }
  return 0;
}
