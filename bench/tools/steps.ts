/** The scriptlets as the steps of tools that know nothing of scriptlets: a folder for each, with what its do_run needs. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debPath } from '../../src/debian/debs.ts';
import type { Lock } from '../../src/debian/lock.ts';
import type { Scriptlet } from '../../src/project/scriptlet.ts';
import type { Parts } from '../example.ts';

/** Where images of those tools see the contract and the archive while they are made. */
export const CONTRACT = '/bench';
export const STEPS = '/bench-steps';
export const REPOSITORY = '/bench-repository';

/** apt and dpkg as fast as they are: no pty, no sandbox user, no fsync. */
export const SETTINGS: Readonly<Record<string, string>> = {
  'etc/apt/apt.conf.d/bench':
    'APT::Sandbox::User "root";\nDpkg::Use-Pty "0";\nAPT::Install-Recommends "0";\nAcquire::Languages "none";\n',
  'etc/dpkg/dpkg.cfg.d/unsafe-io': 'force-unsafe-io\n',
};

/** Makes `folder` anew: NAME/scriptlet.sh, NAME/variables.sh, NAME/data. Times are left as they were. */
export function writeSteps(folder: string, { scriptlets }: Parts): void {
  rmSync(folder, { recursive: true, force: true });
  for (const { name, file, dataDir, vars } of scriptlets) {
    const step = join(folder, name);
    mkdirSync(step, { recursive: true });
    cpSync(file, join(step, 'scriptlet.sh'), { preserveTimestamps: true });
    const lines = Object.entries(vars).map(([variable, value]) => `${variable}=${quoted(value)}\n`);
    writeFileSync(join(step, 'variables.sh'), lines.join(''));
    if (dataDir) cpSync(dataDir, join(step, 'data'), { recursive: true, preserveTimestamps: true });
  }
}

/** The folder that is seen as `CONTRACT`: `step NAME` runs a do_run. */
export function writeContract(folder: string, own: string, { lock }: Parts, debsDir: string): void {
  mkdirSync(folder, { recursive: true });
  cpSync(join(own, 'bench/prelude.sh'), join(folder, 'prelude.sh'));
  writeFileSync(join(folder, 'libeatmydata.so'), eatmydata(lock, debsDir));
  const step = `#!/bin/sh
export STEP_DIR="$1" DATA_DIR="$1/data" IMAGE_DIR=/ HOME=/root LC_ALL=C.UTF-8 TZ=UTC ARCH=${lock.arch} SUITE=${lock.suite}
export SOURCE_DATE_EPOCH=${lock.epoch} PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec bash ${CONTRACT}/prelude.sh
`;
  writeFileSync(join(folder, 'step'), step, { mode: 0o755 });
}

/** Of all that a folder holds: names, modes, contents. */
export function digestOfFolder(folder: string): string {
  const hash = createHash('sha256');
  for (const name of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
    const file = join(folder, name);
    const { mode } = statSync(file);
    hash.update(JSON.stringify([name, mode]));
    if (statSync(file).isFile()) hash.update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** The library of the target's suite. */
export function eatmydata(lock: Lock, debsDir: string): Buffer {
  const deb = debPath(debsDir, lock.pins.get(lock.tools[0]!)!);
  const tar = execFileSync('dpkg-deb', ['--fsys-tarfile', deb], { maxBuffer: 2 ** 28 });
  return execFileSync('tar', ['-xO', '--wildcards', '*/libeatmydata.so.*.*.*'], {
    input: tar,
    maxBuffer: 2 ** 28,
  });
}

/** The globs of `exclude_path` as dpkg's own: what is not in the image is not unpacked. */
export function dpkgExcludes(scriptlets: readonly Scriptlet[]): string {
  return scriptlets
    .flatMap(({ excludes }) => excludes)
    .map((glob) => `path-exclude=/${glob}\n`)
    .join('');
}

/** A command that removes what the globs still find. */
export function removeExcluded(scriptlets: readonly Scriptlet[]): string {
  const globs = scriptlets.flatMap(({ excludes }) => excludes).map((glob) => `/${glob}`);
  return globs.length === 0 ? 'true' : `shopt -s globstar dotglob nullglob; rm -rf -- ${globs.join(' ')} ''`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Text files relative to a root. */
export function writeFiles(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }
}
