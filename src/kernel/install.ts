import { copyFileSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Making } from '../layers/maker.ts';
import type { View } from '../layers/view.ts';
import type { TreePath } from '../store/manifest.ts';
import { at, setTime, walk } from '../store/tree.ts';
import { OUT } from './builder.ts';
import { type KernelJob, requireSuccess, runStage } from './job.ts';
import { ownFolder } from './own-files.ts';

/** Puts kernel and modules where they are in an image, with what depmod makes of them, into the layer. */
export async function install(
  job: KernelJob,
  { upper, view }: Pick<Making, 'upper' | 'view'>,
): Promise<void> {
  const { tree, workshop, data } = job;
  const { release } = tree.note;
  const { epoch } = workshop.lock;
  const out = join(tree.folder, 'out');
  const library = libraryOf(view);
  const place = (from: string | undefined, to: string): void => copyInto(from, upper, to, epoch);
  place(ownFolder(out, 'boot'), 'boot');
  place(ownFolder(out, 'dtbs'), `usr/lib/linux-image-${release}`);
  place(ownFolder(out, 'lib', 'modules'), `${library}/modules`);
  for (const { name } of data.modules) {
    place(ownFolder(join(tree.folder, 'modules', name), 'lib', 'modules'), `${library}/modules`);
  }
  const modules = ownFolder(upper, ...library.split('/'), 'modules', release);
  if (modules === undefined) return;
  const outcome = await runStage(job, {
    script: `depmod -b ${OUT} -F ${OUT}/boot/System.map-${release} ${release}`,
    binds: [
      { from: join(upper, 'boot'), to: `${OUT}/boot` },
      { from: modules, to: `${OUT}/lib/modules/${release}`, writable: true },
    ],
  });
  requireSuccess(job, 'run depmod for the kernel', outcome);
  for (const { path } of walk(modules)) setTime(at(modules, path), epoch);
}

/** Where /lib leads in the image. */
function libraryOf(view: View): string {
  const lib = view.get('lib' as TreePath);
  return lib?.type === 'symlink' ? 'usr/lib' : 'lib';
}

/** Copies a folder, where there is one, over what lies at its place, which may hold some of its folders. */
function copyInto(from: string | undefined, upper: string, to: string, epoch: number): void {
  if (from === undefined) return;
  let parent = '';
  for (const part of to.split('/')) {
    parent = parent === '' ? part : `${parent}/${part}`;
    makeFolder(upper, parent);
  }
  for (const { path, stat } of walk(from)) {
    const [source, target] = [at(from, path), at(join(upper, to), path)];
    if (stat.isDirectory()) {
      if (!lstatSync(target, { throwIfNoEntry: false })) mkdirSync(target, { mode: 0o755 });
    } else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source, 'buffer'), target);
    else if (stat.isFile()) copyFileSync(source, target);
    else continue;
    setTime(target, epoch);
  }
}

function makeFolder(upper: string, path: string): void {
  const folder = join(upper, path);
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o755 });
}
