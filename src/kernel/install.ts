import { copyFileSync, lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import type { Making } from '../layers/maker.ts';
import type { View } from '../layers/view.ts';
import type { TreePath } from '../store/manifest.ts';
import { at, setTime, walk } from '../store/tree.ts';
import { OUT } from './builder.ts';
import { type KernelJob, requireSuccess, runStage } from './job.ts';
import { ownFolder } from './own-files.ts';

/** Puts kernel, modules and headers where they are in an image, with what depmod makes of them, into the layer. */
export async function install(
  job: KernelJob,
  { upper, view }: Pick<Making, 'upper' | 'view'>,
): Promise<void> {
  const { tree, workshop, data } = job;
  const { release } = tree.note;
  const { epoch } = workshop.lock;
  const out = join(tree.folder, 'out');
  const library = libraryOf(view);
  const place = (what: string, from: string | undefined, to: string): void => {
    if (from !== undefined) copyInto(what, from, { upper, to, epoch });
  };
  place('the kernel', ownFolder(out, 'boot'), 'boot');
  place('the device trees', ownFolder(out, 'dtbs'), `usr/lib/linux-image-${release}`);
  place('the modules of the kernel', ownFolder(out, 'lib', 'modules'), `${library}/modules`);
  for (const { name } of data.modules) {
    const own = ownFolder(join(tree.folder, 'modules', name), 'lib', 'modules');
    place(`module "${name}"`, own, `${library}/modules`);
  }
  if (job.headers) {
    const headers = `usr/src/linux-headers-${release}`;
    place('the headers of the kernel', ownFolder(tree.folder, 'headers'), headers);
    const target = { upper, to: `${library}/modules/${release}`, epoch };
    linkInto('the headers of the kernel', `/${headers}`, 'build', target);
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

type Place = { readonly upper: string; readonly to: string; readonly epoch: number };

/** Copies a folder to its place in the layer, where other parts of the kernel may have made folders, and nothing else. */
function copyInto(what: string, from: string, { upper, to, epoch }: Place): void {
  makeFolders(what, upper, to);
  for (const { path, stat } of walk(from)) {
    const [source, place] = [at(from, path), `${to}/${path}`];
    const target = at(upper, place);
    if (stat.isDirectory()) makeFolder(what, upper, place);
    else requireFree(what, upper, place);
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source, 'buffer'), target);
    else if (stat.isFile()) copyFileSync(source, target);
    else if (!stat.isDirectory()) continue;
    setTime(target, epoch);
  }
}

/** A link of this name, where nothing is yet. */
function linkInto(what: string, target: string, name: string, { upper, to, epoch }: Place): void {
  makeFolders(what, upper, to);
  const path = `${to}/${name}`;
  requireFree(what, upper, path);
  symlinkSync(target, at(upper, path));
  setTime(at(upper, path), epoch);
}

function makeFolders(what: string, upper: string, path: string): void {
  const parts = path.split('/');
  for (const depth of parts.keys()) makeFolder(what, upper, parts.slice(0, depth + 1).join('/'));
}

function makeFolder(what: string, upper: string, path: string): void {
  if (lstatSync(at(upper, path), { throwIfNoEntry: false })?.isDirectory()) return;
  requireFree(what, upper, path);
  mkdirSync(at(upper, path), { mode: 0o755 });
}

/** A link that another part left there would lead out of the layer. */
function requireFree(what: string, upper: string, path: string): void {
  const stat = lstatSync(at(upper, path), { throwIfNoEntry: false });
  if (!stat) return;
  const kind = stat.isSymbolicLink() ? 'a link' : stat.isDirectory() ? 'a folder' : 'a file';
  throw new SnapError('RUN', `Cannot install ${what}: "/${path}" is there already, as ${kind}`, {
    hint: 'another part of the kernel, or a module before it, installs the same path',
  });
}
