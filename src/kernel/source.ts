import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { debPath } from '../debian/debs.ts';
import type { Lock } from '../debian/lock.ts';
import { bootId } from '../host/clock.ts';
import { SnapError } from '../host/error.ts';
import { makeFolders } from '../host/folder.ts';
import { lastLines } from '../host/program.ts';
import { writeFile } from '../host/write.ts';
import { pinOf } from '../layers/key.ts';
import type { Workshop } from '../layers/run.ts';
import { readOnlyProc, runSandboxed, type Step } from '../layers/sandbox.ts';
import { type Kernel, sourceClosure } from '../project/kernel.ts';
import type { Layout } from '../store/layout.ts';
import { holdLock } from '../store/locks.ts';
import { removeTree } from '../store/tree.ts';
import { isWhole, NOTE } from './kept.ts';
import { PRISTINE } from './times.ts';

/** The source of a kernel as bytes that are pinned. */
export type Source = {
  readonly sha256: string;
  /** For a person: the URL, or the package with its version. */
  readonly name: string;
  readonly kind: 'deb' | 'url';
  readonly file: string;
};

/** Where the source of a scriptlet's kernel lies once it is fetched. */
export function sourceOf(scriptlet: string, { source }: Kernel, lock: Lock, layout: Layout): Source {
  if (source.kind === 'url') {
    const { url, sha256 } = source;
    return { sha256, name: url, kind: 'url', file: join(layout.sources, sha256) };
  }
  const ids = lock.closures.get(sourceClosure(scriptlet))?.debs ?? [];
  const pin = ids.map((id) => pinOf(lock, id)).find(({ name }) => name === source.name);
  if (!pin) throw new Error(`The lock has no "${source.name}" for "${scriptlet}"`);
  const { name, version, sha256 } = pin;
  return { sha256, name: `${name} ${version}`, kind: 'deb', file: debPath(layout.debs, pin) };
}

/** Where a source lies unpacked, whether or not it does. */
export function sourceFolder({ kernel }: Layout, sha256: string): string {
  return join(kernel, `source-${sha256.slice(0, 32)}`);
}

/**
 * A folder with the pristine source in `usr/src/linux`, unpacked once, ever. Nobody writes to it. All of its times are the same, so
 * that what a patch changes is younger. Needs the store's lock, shared.
 * @throws SnapError RUN for what is no source of a kernel.
 */
export async function unpackSource(workshop: Workshop, name: string, source: Source): Promise<string> {
  const { layout } = workshop.store;
  const folder = sourceFolder(layout, source.sha256);
  using _held = await holdLock(join(layout.kernel, 'lock'), 'exclusive', () => {}, workshop.signal);
  if (isWhole(folder)) return join(folder, 'tree');
  removeTree(Buffer.from(folder));
  workshop.report({ kind: 'layer-step', name, step: `unpacking ${source.name}` });
  const begun = performance.now();
  const work = workshop.store.makeWorkDir();
  try {
    const made = join(work, 'source');
    const { timeout, signal } = workshop;
    const { exitCode, log } = await unpackInto(join(made, 'tree'), source, { work, timeout, signal });
    if (exitCode !== 0) throw noSource(name, source, log);
    const seconds = (performance.now() - begun) / 1000;
    const note = { format: 1, name: source.name, seconds, boot: bootId() };
    writeFile(join(made, NOTE), JSON.stringify(note));
    renameSync(made, folder);
    return join(folder, 'tree');
  } finally {
    workshop.store.dropWorkDir(work);
  }
}

/** Unpacks a source into the folder `tree`, which is made. `work` is a work folder of the store. */
export async function unpackInto(
  tree: string,
  source: Source,
  { work, timeout, signal }: { readonly work: string } & Pick<Workshop, 'timeout' | 'signal'>,
): Promise<{ readonly exitCode: number | undefined; readonly log: string }> {
  makeFolders(tree, 0o755);
  const empty = join(work, 'empty');
  mkdirSync(empty);
  const steps = [unpackStep(source, tree, work)];
  const { exitCode } = await runSandboxed({ folder: work, lower: [empty], steps, timeout, signal });
  return { exitCode, log: readFileSync(join(work, 'log'), 'utf8') };
}

/** What lies at the top of each. */
export const SOURCE_FILES = ['Makefile', 'Kbuild', 'Kconfig'] as const;

/** With the host's own tar: no network, nothing to write to but the folder, and no way out of it for what an archive may hold. */
function unpackStep({ kind, file }: Source, tree: string, work: string): Step {
  const scratch = join(work, 'scratch');
  mkdirSync(scratch);
  const script = [
    'set -euo pipefail; umask 022; cd /run/snap/scratch',
    ...(kind === 'deb'
      ? [
          "dpkg-deb --fsys-tarfile /run/snap/source | tar -xf - --wildcards './usr/src/*.tar.*'",
          'archive=(usr/src/*.tar.*)',
        ]
      : ['archive=(/run/snap/source)']),
    'mkdir -p /run/snap/tree/usr/src/linux',
    'tar -C /run/snap/tree/usr/src/linux --strip-components=1 --no-same-owner --delay-directory-restore -xf "$archive"',
    'cd /run/snap/tree',
    `for file in ${SOURCE_FILES.join(' ')}; do [ -f "usr/src/linux/$file" ] || { echo "there is no $file in it"; exit 1; }; done`,
    'chmod -R u+rwX,go+rX,go-w .',
    `find . -exec touch -h -d @${PRISTINE} {} +`,
  ];
  return {
    command: ['/bin/bash', '-c', script.join('\n')],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC', HOME: '/root' },
    binds: [
      { from: file, to: '/run/snap/source' },
      { from: tree, to: '/run/snap/tree', writable: true },
      { from: scratch, to: '/run/snap/scratch', writable: true },
    ],
    network: false,
    mounts: [
      ...['--ro-bind', '/', '/', '--dev', '/dev', '--tmpfs', '/run', '--perms', '1777', '--tmpfs', '/tmp'],
      ...readOnlyProc('/proc'),
    ],
  };
}

function noSource(name: string, source: Source, log: string): SnapError {
  return new SnapError(
    'RUN',
    `Cannot make the kernel of "${name}": "${source.name}" holds no source of a kernel`,
    {
      lines: lastLines(log, 5),
      hint: 'kernel_source names a tar archive with one folder, as kernel.org and Debian make them',
    },
  );
}
