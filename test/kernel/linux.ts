import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SHARED_DEBS } from '../build/shared-debs.ts';
import { ROOT } from '../commands/launcher.ts';

const PACKAGE = 'linux-source-6.1';

/**
 * As much of Debian's kernel source as it takes to configure it; unpacked once, kept for the next run. Nobody writes to it: build with
 * O=.
 */
export function kconfigSource(): string {
  const cache = join(ROOT, 'node_modules', '.cache', 'snap-tests');
  const folder = join(cache, `${PACKAGE}-kconfig`);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(folder)) {
    const script = `[ -e "$1" ] || { mkdir -p "$1.$$" && cd "$1.$$" && ${UNPACK} && mv "$1.$$" "$1"; }`;
    execFileSync('flock', [
      `${cache}.lock`,
      'bash',
      '-eo',
      'pipefail',
      '-c',
      script,
      'bash',
      folder,
      sourceDeb(cache),
    ]);
  }
  return folder;
}

const UNPACK = `dpkg-deb --fsys-tarfile "$2" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
  tar -xJ --strip-components=1 --wildcards '*/Kconfig*' '*/Makefile' '*/scripts/*' '*/configs/*' '*/Kbuild' '*/arch/x86/Makefile*'`;

/** The one in the repository's store, else one that apt fetches. */
function sourceDeb(cache: string): string {
  const shown = execFileSync('apt-cache', ['show', '--no-all-versions', PACKAGE], { encoding: 'utf8' });
  const sha256 = /^SHA256: (\w{64})$/m.exec(shown)?.[1];
  const known = [join(SHARED_DEBS, `${sha256}.deb`), join(cache, `${sha256}.deb`)].find((file) =>
    existsSync(file),
  );
  if (known !== undefined) return known;
  const fetched = join(cache, `${PACKAGE}.${process.pid}`);
  mkdirSync(fetched);
  execFileSync('apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', 'download', PACKAGE], { cwd: fetched });
  const [name = ''] = readdirSync(fetched);
  renameSync(join(fetched, name), join(cache, `${sha256}.deb`));
  rmSync(fetched, { recursive: true });
  return join(cache, `${sha256}.deb`);
}
