import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { errno, SnapError } from '../host/error.ts';
import { ownFile } from '../host/own.ts';
import { stateOf, statOf } from '../host/witness.ts';
import { type Conf, namesIn } from './conf.ts';
import { type Declared, readDeclared, scriptletFault } from './declared.ts';
import { BASH, EVALUATOR, evaluate } from './evaluate.ts';
import { type Evaluation, type Fault, isFault } from './evaluation.ts';
import { type EvaluationCache, type EvaluationInput, recall, remember } from './evaluation-cache.ts';
import { type Keeper, KeptReadings } from './kept-reading.ts';
import { sourceClosure } from './kernel.ts';
import { didYouMean } from './name.ts';
import { checkNeeds } from './order.ts';

export type { Source } from './declared.ts';

/** One scriptlet as its file declares it. */
export type Scriptlet = Declared & {
  readonly name: string;
  /** Absolute path of the shell file. */
  readonly file: string;
  /** What the file held when it was read. */
  readonly text: string;
  /** Absolute path of the data folder, undefined where there is none. */
  readonly dataDir: string | undefined;
  /** All functions that the file defines, as `declare -f` prints them, in byte order of names. */
  readonly functions: string;
  /**
   * All variables that the file defines, those of `use_var` among them, as `declare -p` prints them: one line each, in byte order
   * of names; then a `shopt` line for each option that it changed.
   */
  readonly variables: string;
  readonly hasRun: boolean;
  readonly hasCheck: boolean;
  /** The conf does not list it: a `build_need` names it, or what such a one needs. The image gets nothing of it. */
  readonly buildOnly: boolean;
};

export type ReadOptions = {
  readonly cache: EvaluationCache;
  /** Where is kept what was read the last time, so that no file that stayed the same is opened. Without it each is. */
  readonly keeper?: Keeper;
  /** Time limit for evaluating all scriptlets together; 10 unless told. */
  readonly seconds?: number;
};

/**
 * Reads and evaluates the scriptlets of a conf, in its order, and before them those that only builds need. Starts no process where all
 * is remembered.
 * @throws SnapError SCRIPTLET with file and line, CONF for a scriptlet that is not there.
 */
export async function readScriptlets(conf: Conf, { keeper, ...rest }: ReadOptions): Promise<Scriptlet[]> {
  const readings = keeper && new KeptReadings<Read>(keeper, conf.name, snapItself());
  const options = { ...rest, readings, there: namesOf(join(conf.project, 'scriptlets')) };
  let scriptlets = await readNamed(conf, conf.scriptlets, options);
  for (;;) {
    const further = buildNeedsOf(scriptlets);
    if (further.length === 0) break;
    const read = await readNamed(conf, further, options);
    scriptlets = [...read.map(asBuildOnly), ...scriptlets];
  }
  checkNeeds(scriptlets, () => namesIn(join(conf.project, 'scriptlets'), '.sh'));
  readings?.keep();
  return scriptlets;
}

/** What the text of a scriptlet and the conf say, without a look at anything else of the project. */
type Read = Omit<Scriptlet, 'file' | 'dataDir' | 'buildOnly'>;

type Reading = Omit<ReadOptions, 'keeper'> & {
  readonly readings: KeptReadings<Read> | undefined;
  /** All names in the folder of scriptlets: most have no folder of data, and none is looked for. */
  readonly there: ReadonlySet<string>;
};

/** Stands for this very snap: another one may read the same otherwise. */
function snapItself(): string {
  const made = statOf(ownFile('dist/.made'));
  return made ? stateOf(made) : '';
}

function namesOf(folder: string): Set<string> {
  return new Set(existsSync(folder) ? readdirSync(folder) : []);
}

/** What a lock answers for: the packages of each scriptlet, and of a kernel that of its source. */
export function wantsOf(scriptlets: readonly Scriptlet[]): Map<string, readonly string[]> {
  const wants = new Map<string, readonly string[]>();
  for (const { name, packages, kernel } of scriptlets) {
    wants.set(name, packages);
    if (kernel?.source.kind === 'deb') wants.set(sourceClosure(name), [kernel.source.name]);
  }
  return wants;
}

async function readNamed(conf: Conf, names: readonly string[], options: Reading): Promise<Scriptlet[]> {
  const files = names.map((name) => readText(conf, name, options.readings));
  const vars = await givenVariables(conf, files);
  const { given, inputOf } = evaluationInput(options.cache, conf, vars);
  const { readings, there } = options;
  const read = new Map(files.map((file) => [file, readings?.of(file.name, given)]));
  const open = files.filter((file) => read.get(file) === undefined);
  const evaluations = await evaluateAll(conf, open, vars, { ...options, inputOf });
  for (const [index, file] of open.entries()) {
    const reading = readingOf(conf, file, evaluations[index]!, vars);
    readings?.add(file.name, given, reading);
    read.set(file, reading);
  }
  return files.map((file) => toScriptlet(conf, file, read.get(file)!, there));
}

/** What builds need, and those again, that has not been read. */
function buildNeedsOf(scriptlets: readonly Scriptlet[]): string[] {
  const known = new Set(scriptlets.map(({ name }) => name));
  const wanted = scriptlets.flatMap(({ buildNeeds, buildOnly, needs }) => [
    ...buildNeeds,
    ...(buildOnly ? needs : []),
  ]);
  return [...new Set(wanted)].filter((name) => !known.has(name));
}

/** Nothing of it is in the image, so that it leaves nothing out of that either. */
function asBuildOnly(scriptlet: Scriptlet): Scriptlet {
  const { name, lines } = scriptlet;
  if (scriptlet.needsAll) {
    const hint = 'a scriptlet that only builds need must name its needs';
    throw scriptletFault(name, lines['need *'] ?? 0, `it needs '*', and a build_need names it`, hint);
  }
  if (scriptlet.kernel) {
    const hint = 'name the scriptlet that installs the compiler';
    throw scriptletFault(name, 0, 'it makes a kernel, and a build_need names it', hint);
  }
  return { ...scriptlet, buildOnly: true, excludes: [] };
}

type ShellFile = { readonly name: string; readonly file: string; readonly text: string };
type Variables = Readonly<Record<string, string>>;

function readText(conf: Conf, name: string, readings: KeptReadings<Read> | undefined): ShellFile {
  const file = join(conf.project, 'scriptlets', `${name}.sh`);
  const kept = readings?.lookAt(name, file);
  if (kept) return { name, file, text: kept.text };
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file));
    const line = (at: number) => text.slice(0, at).split('\n').length;
    const strange = text.search(/\r|\0|^\uFEFF/);
    if (strange < 0) return { name, file, text };
    const what = text[strange] === '\0' ? 'there is a NUL' : 'it is a text of Windows';
    throw scriptletFault(name, line(strange), what, `write it as plain UTF-8 with Unix line ends`);
  } catch (error) {
    if (error instanceof SnapError) throw error;
    if (error instanceof TypeError) throw scriptletFault(name, 0, 'it is not UTF-8', 'store it as UTF-8');
    if (errno(error) !== 'ENOENT') throw scriptletFault(name, 0, `cannot be read: ${errno(error) ?? error}`);
    const hint = didYouMean(name, namesIn(join(conf.project, 'scriptlets'), '.sh'), 'scriptlets');
    throw new SnapError(
      'CONF',
      `Cannot read scriptlet "${name}" of conf "${conf.name}": there is no file "${file}"`,
      {
        hint,
        cause: error,
      },
    );
  }
}

/** What `use_var` can give: the conf's variables and snap's own. The commit is asked for only where a text names it. */
async function givenVariables(conf: Conf, files: readonly ShellFile[]): Promise<Variables> {
  const vars = { ...conf.vars, SNAP_CONF: conf.name };
  if (!files.some(({ text }) => text.includes('SNAP_COMMIT'))) return vars;
  const { projectCommit } = await import('./commit.ts');
  return { ...vars, SNAP_COMMIT: await projectCommit(conf.project) };
}

async function evaluateAll(
  conf: Conf,
  files: readonly ShellFile[],
  vars: Variables,
  { cache, seconds = 10, inputOf }: Reading & { readonly inputOf: (file: ShellFile) => EvaluationInput },
): Promise<(Evaluation | Fault)[]> {
  const lookUp = (name: string) => (Object.hasOwn(vars, name) ? vars[name] : undefined);
  const answers = new Map<ShellFile, Evaluation | Fault>();
  for (const file of files) {
    const remembered = recall(cache, inputOf(file), lookUp);
    if (remembered) answers.set(file, remembered);
  }
  const asked = files.filter((file) => !answers.has(file));
  if (asked.length > 0) {
    const { arch, suite } = conf;
    const fresh = await evaluate({ arch, suite, vars, scriptlets: asked, seconds });
    for (const [index, file] of asked.entries()) {
      const answer = fresh[index]!;
      answers.set(file, answer);
      if (!isFault(answer)) remember(cache, inputOf(file), answer, lookUp);
    }
  }
  return files.map((file) => answers.get(file)!);
}

/** What an evaluation depends on; `given` stands for all that is no scriptlet's own. */
function evaluationInput(cache: EvaluationCache, conf: Conf, vars: Variables) {
  const { name: confName, arch, foreignArchs, suite } = conf;
  const evaluator = cache.keyOf(readFileSync(EVALUATOR, 'utf8'));
  const { size, mtimeMs } = statSync(BASH);
  const common = { evaluator, bash: `${size} ${mtimeMs}`, arch, suite };
  return {
    given: cache.keyOf(JSON.stringify([common, confName, foreignArchs, Object.entries(vars)])),
    inputOf: ({ name, text }: ShellFile): EvaluationInput => ({ ...common, name, text }),
  };
}

function readingOf(
  conf: Conf,
  { name, text }: ShellFile,
  evaluation: Evaluation | Fault,
  vars: Variables,
): Read {
  const declared = readDeclared(name, evaluation, conf, vars);
  if (isFault(evaluation)) throw new Error('a fault was not thrown');
  const functions = evaluation.functions.map(([, text]) => text);
  const names = new Set(evaluation.functions.map(([word]) => word));
  if (!names.has('do_run') && !names.has('do_check') && evaluation.declarations.length === 0) {
    throw scriptletFault(name, 0, 'it declares nothing and has no do_run', 'write a function do_run');
  }
  return {
    name,
    text,
    ...declared,
    functions: lines(functions),
    variables: lines(evaluation.variables),
    hasRun: names.has('do_run'),
    hasCheck: names.has('do_check'),
  };
}

function toScriptlet(
  conf: Conf,
  { name, file }: ShellFile,
  read: Read,
  there: ReadonlySet<string>,
): Scriptlet {
  checkFiles(conf, name, read);
  const dataDir = there.has(name) ? join(conf.project, 'scriptlets', name) : undefined;
  return {
    ...read,
    kernel: read.kernel, // JSON, in which it may have been kept, has no word for undefined
    file,
    dataDir: dataDir && statSync(dataDir, { throwIfNoEntry: false })?.isDirectory() ? dataDir : undefined,
    buildOnly: false,
  };
}

/** Each file of `use_file` must be there, and stay in the project where links lead. */
function checkFiles(conf: Conf, name: string, declared: Declared): void {
  if (declared.files.length === 0) return;
  const top = realpathSync(conf.project) + sep;
  for (const path of declared.files) {
    const file = join(conf.project, path);
    const line = declared.lines[`use_file ${path}`] ?? 0;
    if (!existsSync(file))
      throw scriptletFault(name, line, `use_file "${path}": there is no such file`, `looked for ${file}`);
    if (realpathSync(file).startsWith(top)) continue;
    throw scriptletFault(
      name,
      line,
      `use_file "${path}" lies outside the project`,
      `it leads to ${realpathSync(file)}`,
    );
  }
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
