import { lstatSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { bootId } from '../host/clock.ts';
import { errno } from '../host/error.ts';
import type { Store } from '../store/layers.ts';
import { type Layout, namesIn } from '../store/layout.ts';
import { tryHold } from '../store/locks.ts';
import type { TreePath } from '../store/manifest.ts';
import { isTight } from '../store/reserve.ts';
import { at, type Found, removeTree, walk } from '../store/tree.ts';
import { LINUX } from './builder.ts';
import { type KeptNote, NOTE } from './kept.ts';
import { ownFolder } from './own-files.ts';
import { SOURCE_FILES, type Source, unpackInto } from './source.ts';
import { TREE_FOLDERS, treeFolder } from './tree.ts';

/** Something below `kernel/` that is not what it should be. */
export type KernelDamage = {
  /** The name of the folder. */
  readonly folder: string;
  /** Of the source, or of the scriptlet whose kernels are compiled there; that of the folder where nobody knows. */
  readonly name: string;
  /** In the source; undefined: the folder as a whole. */
  readonly path: TreePath | undefined;
  readonly what: string;
};

/** A source that was not held against its archive. */
export type Uncompared = { readonly name: string; readonly why: string };

export type KernelChecks = {
  /** Whether sources are held against their archives. */
  readonly deep: boolean;
  readonly signal: AbortSignal;
  /** SHA-256 of archives that are known to be damaged. */
  readonly damaged: ReadonlySet<string>;
};

/**
 * Looks whether unpacked sources and the trees that kernels are compiled in are whole. What has no note is waste, no fault; what lies in a
 * tree only make knows. Needs the store's lock, shared.
 */
export async function checkKernels(
  store: Store,
  checks: KernelChecks,
): Promise<{ readonly damages: readonly KernelDamage[]; readonly uncompared: readonly Uncompared[] }> {
  const damages: KernelDamage[] = [];
  const uncompared: Uncompared[] = [];
  for (const folder of keptFolders(store.layout)) {
    checks.signal.throwIfAborted();
    const found = noteIn(join(store.layout.kernel, folder));
    if (found === undefined) continue;
    const name = typeof found === 'string' ? folder : found.name;
    const what = typeof found === 'string' ? found : folderFault(store.layout, folder);
    if (what !== undefined) damages.push({ folder, name, path: undefined, what });
    else if (checks.deep && isSource(folder)) {
      const compared = await compareSource(store, folder, name, checks);
      if ('why' in compared) uncompared.push(compared);
      else damages.push(...compared.faults.map((fault) => ({ folder, name, ...fault })));
    }
  }
  return { damages, uncompared };
}

/**
 * Removes a source, with the trees in which something may have been compiled of it, or a tree. Returns the scriptlets whose trees went.
 * The next kernel that has to be built makes all that it needs. Needs the store's lock, alone.
 */
export function dropKernel({ layout }: Pick<Store, 'layout'>, folder: string): string[] {
  const sha256 = isSource(folder) ? archiveOf(layout, folder)?.sha256 : undefined;
  const trees = keptFolders(layout).filter((one) => {
    if (isSource(one) || !isSource(folder)) return one === folder;
    const found = noteIn(join(layout.kernel, one));
    if (sha256 === undefined || typeof found !== 'object') return true;
    return basename(treeFolder(layout, found.name, sha256)) === one;
  });
  for (const one of new Set([...trees, folder])) {
    const path = join(layout.kernel, one);
    // Without it the rest is nothing, whatever of it is still there.
    rmSync(join(path, NOTE), { force: true });
    removeTree(Buffer.from(path));
  }
  return trees;
}

function keptFolders({ kernel }: Layout): string[] {
  return namesIn(kernel).filter((name) => /^(?:source|tree)-[0-9a-f]+$/.test(name));
}

function isSource(folder: string): boolean {
  return folder.startsWith('source-');
}

/** What the folder's note says, or what is wrong with it; undefined where the folder is nothing. */
function noteIn(folder: string): KeptNote | string | undefined {
  try {
    const note = JSON.parse(readFileSync(join(folder, NOTE), 'utf8')) as KeptNote;
    if (note?.format !== 1 || typeof note.name !== 'string') return 'its note is damaged';
    return note.boot === null || note.boot === bootId() ? note : undefined;
  } catch (error) {
    const code = errno(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return code === undefined ? 'its note is damaged' : `its note cannot be read: ${code}`;
  }
}

/** What a folder with a note lacks. */
function folderFault({ kernel }: Layout, folder: string): string | undefined {
  const path = join(kernel, folder);
  if (isSource(folder)) {
    const source = ownFolder(path, ...treeParts());
    const lacks = SOURCE_FILES.find((name) => !source || !isFile(join(source, name)));
    return lacks === undefined ? undefined : `lacks its "${lacks}"`;
  }
  // Whoever works in it may be about to put another folder in the place of one.
  using alone = tryHold(join(path, 'lock'));
  if (!alone) return undefined;
  const lacks = TREE_FOLDERS.find((name) => ownFolder(path, name) === undefined);
  return lacks === undefined ? undefined : `lacks its folder "${lacks}"`;
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function treeParts(): string[] {
  return ['tree', ...LINUX.slice(1).split('/')];
}

/** The archive that a source was unpacked from, by the beginning of its digest. */
function archiveOf({ debs, sources }: Layout, folder: string): Omit<Source, 'name'> | undefined {
  const start = folder.slice('source-'.length);
  const deb = namesIn(debs).find((name) => name.startsWith(start) && name.endsWith('.deb'));
  if (deb !== undefined) return { sha256: basename(deb, '.deb'), kind: 'deb', file: join(debs, deb) };
  const archive = namesIn(sources).find((name) => name.startsWith(start) && /^[0-9a-f]{64}$/.test(name));
  return archive === undefined ? undefined : { sha256: archive, kind: 'url', file: join(sources, archive) };
}

type Fault = { readonly path: TreePath; readonly what: string };

/** Unpacks the archive once more, and compares. */
async function compareSource(
  store: Store,
  folder: string,
  name: string,
  { signal, damaged }: KernelChecks,
): Promise<{ readonly faults: readonly Fault[] } | Uncompared> {
  const { layout } = store;
  const archive = archiveOf(layout, folder);
  if (!archive) return { name, why: 'its archive is not in the store' };
  if (damaged.has(archive.sha256)) return { name, why: 'its archive is damaged' };
  if (store.isReadOnly) return { name, why: 'the store is read-only, and it is unpacked once more for that' };
  const work = store.makeWorkDir();
  try {
    const fresh = join(work, 'tree');
    const source = { ...archive, name };
    const { exitCode } = await unpackInto(fresh, source, { work, signal, timeout: undefined });
    if (exitCode === 0) {
      const own = join(layout.kernel, folder);
      return { faults: await differences(join(fresh, LINUX), join(own, ...treeParts()), signal) };
    }
    const why = isTight(layout)
      ? 'there is no room to unpack it once more'
      : 'its archive cannot be unpacked';
    return { name, why };
  } finally {
    store.dropWorkDir(work);
  }
}

/** So many paths are looked at before others get their turn. */
const TOGETHER = 500;

/** What differs below two folders, of which the first is right. */
async function differences(right: string, own: string, signal: AbortSignal): Promise<Fault[]> {
  const faults: Fault[] = [];
  const expected = new Set<TreePath>();
  for (const { path, stat } of walk(right)) {
    expected.add(path);
    const what = reading(() => differenceAt(right, own, { path, stat }));
    if (what !== undefined) faults.push({ path, what });
    if (expected.size % TOGETHER !== 0) continue;
    await turn();
    signal.throwIfAborted();
  }
  const further = reading(() => {
    for (const { path } of walk(own, undefined, (folder) => expected.has(folder.path))) {
      if (!expected.has(path)) faults.push({ path, what: 'does not belong here' });
    }
    return undefined;
  });
  if (further !== undefined) faults.push({ path: '' as TreePath, what: further });
  return faults;
}

/** What the system says against looking is a fault too. */
function reading(look: () => string | undefined): string | undefined {
  try {
    return look();
  } catch (error) {
    const code = errno(error);
    if (code === undefined) throw error;
    return `cannot be read: ${code}`;
  }
}

function differenceAt(right: string, own: string, { path, stat }: Found): string | undefined {
  const [file, mine] = [at(right, path), at(own, path)];
  const found = lstatSync(mine, { bigint: true, throwIfNoEntry: false });
  if (!found) return 'is missing';
  const [mode, now] = [stat.mode & 0o7777n, found.mode & 0o7777n];
  if ((found.mode & 0o170000n) !== (stat.mode & 0o170000n)) return 'is of another type';
  if (stat.isSymbolicLink()) {
    return readlinkSync(mine, 'latin1') === readlinkSync(file, 'latin1') ? undefined : 'another target';
  }
  if (now !== mode) return `mode ${now.toString(8)} instead of ${mode.toString(8)}`;
  if (found.uid !== stat.uid || found.gid !== stat.gid) {
    return `owner ${found.uid}:${found.gid} instead of ${stat.uid}:${stat.gid}`;
  }
  if (!stat.isFile()) return undefined;
  // make goes by it.
  if (found.mtimeNs !== stat.mtimeNs) return 'another time';
  if (found.size !== stat.size) return `size ${found.size} instead of ${stat.size}`;
  return readFileSync(mine).equals(readFileSync(file)) ? undefined : 'other content';
}
