import { SnapError } from '../host/error.ts';
import type { Scriptlet } from '../project/scriptlet.ts';

type Names = {
  /** The kernel's own name of it. */
  readonly arch: string;
  /** What its compiler's programs begin with. */
  readonly triplet: string;
};

const BY_DEBIAN: Readonly<Record<string, Names>> = {
  amd64: { arch: 'x86_64', triplet: 'x86_64-linux-gnu' },
  i386: { arch: 'i386', triplet: 'i686-linux-gnu' },
  arm64: { arch: 'arm64', triplet: 'aarch64-linux-gnu' },
  armhf: { arch: 'arm', triplet: 'arm-linux-gnueabihf' },
  armel: { arch: 'arm', triplet: 'arm-linux-gnueabi' },
  mips64el: { arch: 'mips', triplet: 'mips64el-linux-gnuabi64' },
  ppc64el: { arch: 'powerpc', triplet: 'powerpc64le-linux-gnu' },
  riscv64: { arch: 'riscv', triplet: 'riscv64-linux-gnu' },
  s390x: { arch: 's390', triplet: 's390x-linux-gnu' },
};

export type Target = {
  readonly arch: string;
  /** Empty where the builder's own compiler makes it. */
  readonly crossCompile: string;
};

/**
 * What a kernel is compiled for: the conf's architecture, or the one that `kernel_arch` names.
 * @throws SnapError SCRIPTLET for one that nobody knows.
 */
export function targetOf(scriptlet: string, debian: string, wanted: string | undefined): Target {
  const own = BY_DEBIAN[debian];
  if (own && (wanted === undefined || wanted === own.arch)) return { arch: own.arch, crossCompile: '' };
  // One compiler of Debian's makes both.
  if (own?.arch === 'x86_64' && wanted === 'i386') return { arch: wanted, crossCompile: '' };
  const other = Object.values(BY_DEBIAN).find(({ arch }) => arch === wanted);
  if (other) return { arch: other.arch, crossCompile: `${other.triplet}-` };
  const known = [...new Set(Object.values(BY_DEBIAN).map(({ arch }) => arch))].join(' ');
  throw new SnapError(
    'SCRIPTLET',
    `Cannot make the kernel of "${scriptlet}": unknown architecture "${wanted ?? debian}"`,
    { hint: `kernel_arch names one as the kernel does: ${known}` },
  );
}

/**
 * Headers for modules hold programs that run where a module is compiled: on a machine of the kernel's own architecture, for which the
 * compiler of another one makes none.
 * @throws SnapError SCRIPTLET for a kernel of another architecture than the conf's.
 */
export function requireNative(
  { name, lines }: Pick<Scriptlet, 'name' | 'lines'>,
  { arch, crossCompile }: Target,
): void {
  if (crossCompile === '') return;
  const line = lines.kernel_headers ?? 0;
  const file = `scriptlets/${name}.sh${line > 0 ? `:${line}` : ''}`;
  const what = `the programs that come with the headers of a kernel for ${arch} would not run there`;
  throw new SnapError('SCRIPTLET', `Cannot read ${file}: ${what}`, {
    hint: `build the kernel in a conf of its own architecture, or take kernel_headers out; kernel_module compiles modules for ${arch}`,
  });
}
