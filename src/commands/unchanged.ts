import { SnapError } from '../host/error.ts';
import { recallUnchanged } from '../unchanged.ts';
import { chooseConf, chooseProject } from './choose.ts';
import { folderAndWords, keepCompiledIn } from './compiled.ts';
import { printJson } from './print.ts';
import { tellBuild } from './tell-build.ts';

/** Options that decide nothing where nothing is to be done. */
const IDLE = new Set(['--locked', '--offline']);

/**
 * Answers `snap build [CONF]` when nothing changed since the last build; says nothing and returns false when it has to be built, or
 * when the words are for the command line to understand.
 */
export function answerUnchanged(argv: readonly string[]): boolean {
  const [folder, [command, ...rest]] = folderAndWords(argv);
  if (command !== 'build' || process.getuid?.() !== 0) return false;
  const [name, ...more] = rest.filter((word) => !IDLE.has(word) && word !== '--json');
  if (name?.startsWith('-') || more.length > 0) return false;
  try {
    const project = chooseProject({ folder });
    const conf = chooseConf(project, name);
    const result = recallUnchanged(project, conf);
    if (result === undefined) {
      keepCompiledIn(project);
      return false;
    }
    const seconds = performance.now() / 1000;
    const printValue = rest.includes('--json') ? printJson : undefined;
    tellBuild(conf, { ...result, seconds }, { orders: 0, ids: 0 }, printValue);
    return true;
  } catch (error) {
    if (error instanceof SnapError) return false;
    throw error;
  }
}
