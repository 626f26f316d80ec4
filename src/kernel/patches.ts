import { lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { makeFolders } from '../host/folder.ts';
import { lastLines } from '../host/program.ts';
import { writeFile } from '../host/write.ts';
import { at, digestFile, walk } from '../store/tree.ts';
import { type Builder, builderEnvironment, INPUT, LINUX } from './builder.ts';
import type { Patch } from './data.ts';
import { ownFolder } from './own-files.ts';
import { type PatchFailure, readPatchOutput } from './series.ts';

/** By path in the source: the digest of what patches made of it, or what else they made there. */
export type Patched = Readonly<Record<string, string>>;

export const GONE = 'gone';

const MARK = 'snap: patch ';

/**
 * Applies patches in order, without fuzz, to a pristine source: `folder`, which is made, gets `usr/src/linux` with what they change,
 * and a whiteout for what they remove. @throws SnapError RUN naming patch, file and hunk, with the reject.
 */
export async function applyPatches(
  builder: Builder,
  scriptlet: string,
  source: string,
  patches: readonly Patch[],
  { folder, work, epoch }: { readonly folder: string; readonly work: string; readonly epoch: number },
): Promise<Patched> {
  const made = join(folder, LINUX);
  makeFolders(made, 0o755);
  if (patches.length === 0) return {};
  const input = join(work, 'patches');
  mkdirSync(input, { mode: 0o755 });
  const commands = patches.map(({ strip, reverse, content }, index) => {
    writeFile(join(input, String(index)), content);
    const options = `-p${strip} --fuzz=0 --force --no-backup-if-mismatch --reject-format=unified${reverse ? ' -R' : ''}`;
    return `echo '${MARK}${index}'; patch ${options} -i ${INPUT}/${index}`;
  });
  const outcome = await builder.run({
    script: `cd ${LINUX}; command -v patch >/dev/null || exit 127\n${commands.join('\n')}`,
    env: builderEnvironment(epoch),
    binds: [{ from: input, to: INPUT }],
    over: [source],
  });
  const changed = join(outcome.upper, LINUX);
  const parts = LINUX.slice(1).split('/');
  if (outcome.ending.exitCode !== 0) throw patchFailure(scriptlet, patches, outcome, changed);
  if (ownFolder(outcome.upper, ...parts) !== undefined) {
    renameSync(changed, `${made}.new`);
    renameSync(made, `${made}.empty`);
    renameSync(`${made}.new`, made);
  }
  return patchedIn(made);
}

/** What lies in such a folder. */
export function patchedIn(folder: string): Patched {
  const found: Record<string, string> = {};
  for (const { path, stat } of walk(folder)) {
    const file = at(folder, path);
    if (stat.isFile()) found[path] = `${stat.mode & 0o111n ? 'x' : 'f'} ${digestFile(file, stat.size)}`;
    else if (stat.isSymbolicLink()) found[path] = `l ${readlinkSync(file, 'latin1')}`;
    else if (!stat.isDirectory()) found[path] = GONE;
  }
  return found;
}

function patchFailure(
  scriptlet: string,
  patches: readonly Patch[],
  { ending, log }: { ending: { exitCode: number | undefined }; log: string },
  upper: string,
): SnapError {
  if (ending.exitCode === 127) {
    return new SnapError(
      'RUN',
      `Cannot apply the patches of "${scriptlet}": there is no "patch" where it is built`,
      {
        hint: 'a scriptlet that build_need names installs it: install_debian_deb patch',
      },
    );
  }
  const parts = log.split(MARK);
  const index = Number(/^\d+/.exec(parts.at(-1) ?? '')?.[0] ?? -1);
  const patch = patches[index];
  const text = (parts.at(-1) ?? '').replace(/^\d+\n/, '');
  if (!patch) {
    return new SnapError('RUN', `Cannot apply the patches of "${scriptlet}"`, { lines: lastLines(log, 10) });
  }
  const failure = readPatchOutput(text);
  return new SnapError('RUN', `Cannot apply ${patch.path} of "${scriptlet}": ${failureWords(failure)}`, {
    lines: failure.reject === undefined ? lastLines(text, 10) : rejectLines(upper, failure.reject),
    hint: `refresh the patch against the source that kernel_source names, or take "${basename(patch.path)}" out of its series`,
  });
}

function failureWords({ file, hunks, reason }: PatchFailure): string {
  const where = file === undefined ? '' : ` in ${file}`;
  if (hunks.length === 0) return `${reason ?? 'patch failed'}${where}`;
  const one = ({ number, line }: PatchFailure['hunks'][number]): string =>
    line === undefined ? `${number}` : `${number} (line ${line})`;
  const which = `hunk${hunks.length > 1 ? 's' : ''} ${hunks.map(one).join(', ')}`;
  return `${which} ${hunks.length > 1 ? 'do' : 'does'} not apply${where}`;
}

/** Lines of a reject that are shown. */
const REJECT_LINES = 40;

function rejectLines(upper: string, reject: string): string[] {
  const parts = reject.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const stat = lstatSync(join(upper, ...parts.slice(0, depth)), { throwIfNoEntry: false });
    if (!(depth < parts.length ? stat?.isDirectory() : stat?.isFile())) return [];
  }
  const lines = readFileSync(join(upper, reject), 'utf8').trimEnd().split('\n');
  const more = lines.length - REJECT_LINES;
  return more > 0 ? [...lines.slice(0, REJECT_LINES), `... and ${more} more lines`] : lines;
}
