import {
  chmodSync,
  chownSync,
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { giveToCaller } from './host/caller.ts';
import { nearest, SnapError } from './host/error.ts';
import { writeFile } from './host/write.ts';
import type { Problem } from './kernel/check-kconfig.ts';
import { baseOf } from './kernel/configure.ts';
import { findProblems } from './kernel/facts.ts';
import { openScratch } from './kernel/scratch.ts';
import { tryOut, writeBack } from './kernel/write-back.ts';
import { findKernel, type KernelRequest, type KernelTree, withKernelTree } from './kernel-tree.ts';
import type { Scriptlet } from './project/scriptlet.ts';
import type { Report } from './report/event.ts';

export type MenuconfigRequest = KernelRequest & {
  readonly scriptlet: string;
  /** A fragment as the scriptlet declares it. One that is not there yet is made, where a glob of the scriptlet matches it. */
  readonly fragment: string;
};

export type MenuconfigResult = {
  /** Absolute path of the fragment. */
  readonly file: string;
  readonly before: string;
  /** The same text where nothing came of it. */
  readonly after: string;
  /** What is not as the fragments ask for, the edited one among them. */
  readonly problems: readonly Problem[];
  /** What was chosen and does not come of it, in words. */
  readonly undone: readonly string[];
};

/** Opens the kernel's own menus on the terminal, and writes what was changed in them, and only that, into a fragment. */
export async function menuconfig(
  request: MenuconfigRequest,
  report: Report,
  ready: () => void,
): Promise<MenuconfigResult> {
  const { scriptlet, conf } = await findKernel(request);
  const fragment = normalize(request.fragment);
  const file = join(request.project, 'scriptlets', scriptlet.name, fragment);
  using _made = makeIfNew(file);
  const { before, after, ...found } = await withKernelTree({ ...request, conf }, report, (tree) =>
    editIn(tree, fragment, readFileSync(file, 'utf8'), ready),
  );
  if (after !== before) replaceText(file, after);
  return { file, before, after, ...found };
}

type Edited = Omit<MenuconfigResult, 'file'>;

async function editIn(
  { job, patched, scriptlet }: KernelTree,
  fragment: string,
  text: string,
  ready: () => void,
): Promise<Edited> {
  const { fragments } = job.data;
  if (!fragments.some(({ path }) => path === fragment)) throw noFragment(scriptlet, fragment, fragments);
  const scratch = openScratch(job);
  if (!(await scratch.canDraw())) throw noCurses(scriptlet);
  const desk = { ...scratch, base: await baseOf(job, patched), fragments, edited: fragment };
  const begun = await tryOut(desk, text);
  const problems = await findProblems(scratch.tree, begun.merged.settings, begun.config);
  ready();
  // What was asked for in vain comes true as soon as what it depends on is chosen.
  const saved = await scratch.edit(problems.length > 0 ? begun.asked : begun.config);
  if (saved === undefined) return { before: text, after: text, problems, undone: [] };
  const { config, merged, text: after, undone } = await writeBack(desk, begun, await scratch.complete(saved));
  return { before: text, after, problems: await findProblems(scratch.tree, merged.settings, config), undone };
}

function noFragment(
  { name, kernel }: Scriptlet,
  fragment: string,
  fragments: readonly { readonly path: string }[],
): SnapError {
  const paths = fragments.map(({ path }) => path).filter((path) => path !== fragment);
  const near = nearest(fragment, paths);
  const words = kernel?.fragments.join(' ') ?? '';
  return new SnapError('USAGE', `"${fragment}" is no fragment of the kernel of "${name}"`, {
    hint:
      near.length > 0
        ? `did you mean ${near.map((one) => `"${one}"`).join(' or ')}?`
        : `its scriptlet declares: kernel_kconfig ${words}`,
  });
}

function noCurses({ name, buildNeeds }: Scriptlet): SnapError {
  const [need] = buildNeeds;
  const where = need === undefined ? 'a scriptlet that build_need names' : `scriptlets/${need}.sh`;
  return new SnapError(
    'RUN',
    `Cannot draw menus: there is no ncurses where the kernel of "${name}" is built`,
    {
      hint: `install it there: install_debian_deb libncurses-dev in ${where}`,
    },
  );
}

/** So that a new fragment is one like all others from the beginning; it goes where nothing was written into it. */
function makeIfNew(file: string): Disposable {
  if (existsSync(file)) return { [Symbol.dispose]() {} };
  if (!existsSync(dirname(file))) {
    throw new SnapError('USAGE', `Cannot make "${file}": there is no folder "${dirname(file)}"`);
  }
  writeFile(file, '');
  giveToCaller(file);
  return {
    [Symbol.dispose]() {
      if (statSync(file, { throwIfNoEntry: false })?.size === 0) rmSync(file);
    },
  };
}

/** Whole or not at all, with the mode and the owner that the file has. */
function replaceText(path: string, text: string): void {
  const file = realpathSync(path);
  const { mode, uid, gid } = statSync(file);
  const fresh = join(dirname(file), `.${basename(file)}.${process.pid}`);
  try {
    writeFile(fresh, text);
    chmodSync(fresh, mode & 0o7777);
    chownSync(fresh, uid, gid);
    renameSync(fresh, file);
  } finally {
    rmSync(fresh, { force: true });
  }
}
