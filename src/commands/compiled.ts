import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { keepCompiled } from '../host/compiled.ts';
import { layoutOf } from '../store/layout.ts';
import { findProject } from './choose.ts';

/** The folder that `-C` names, and the words after that. */
export function folderAndWords(
  argv: readonly string[],
): [folder: string | undefined, words: readonly string[]] {
  return argv[0] === '-C' ? [argv[1], argv.slice(2)] : [undefined, argv];
}

/** What V8 made of snap's own modules is kept in a store; one that is not there yet is made by the build, with a mode of its own. */
export function keepCompiledIn(project: string): void {
  const { index, root } = layoutOf(project);
  if (existsSync(index)) keepCompiled(join(root, 'compiled'));
}

/** The same for a command that is no build: where builds have kept something. */
export function takeCompiled(argv: readonly string[]): void {
  if (process.getuid?.() !== 0) return;
  const [folder] = folderAndWords(argv);
  const project = findProject(resolve(folder ?? '.'));
  if (project !== undefined && existsSync(join(layoutOf(project).root, 'compiled'))) keepCompiledIn(project);
}
