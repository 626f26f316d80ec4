import { randomBytes } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { SnapError } from '../host/error.ts';
import { ownFile } from '../host/own.ts';
import { run } from '../host/program.ts';
import { type BubbleOutcome, NOBODY, runInBubble } from './bubble.ts';
import { type Evaluation, type Fault, readSegment, type Segment } from './evaluation.ts';

/** The evaluator's own text: part of what an evaluation depends on. */
export const EVALUATOR = ownFile('src/project/declare.sh');

export const BASH = '/bin/bash';

export type Question = {
  readonly arch: string;
  readonly suite: string;
  /** All that `use_var` can give. */
  readonly vars: Readonly<Record<string, string>>;
  readonly scriptlets: readonly { readonly name: string; readonly text: string }[];
  /** Time limit for all of them together. */
  readonly seconds: number;
};

const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Evaluates scriptlets in one bash, in a sandbox that holds nothing else. Answers stand in the order of the scriptlets.
 * @throws SnapError SCRIPTLET naming the scriptlet that never ended or printed without end; HOST without a sandbox.
 */
export async function evaluate(question: Question): Promise<(Evaluation | Fault)[]> {
  const tokens = question.scriptlets.map(() => randomBytes(16).toString('hex'));
  const outcome = await runInBubble({
    files: texts(question),
    mounts: await mounts(),
    command: ['/run/snap/bash', '--norc', '--noprofile', '/run/snap/declare.sh'],
    env: { LC_ALL: 'C' },
    input: Buffer.from(questionText(question, tokens)),
    seconds: question.seconds,
    bytes: MOST_BYTES,
    user: NOBODY,
    reads: [],
  });
  const known = Object.keys(question.vars);
  return cut(question, tokens, outcome).map((segment) => readSegment(segment, known));
}

/** The very texts that go into the key. */
function texts({ scriptlets }: Question): Map<string, Buffer> {
  return new Map([
    ['/run/snap/declare.sh', readFileSync(EVALUATOR)],
    ...scriptlets.map(
      ({ name, text }) => [`/run/snap/${name}/scriptlet.sh`, Buffer.from(text)] as [string, Buffer],
    ),
  ]);
}

/** Bash, its libraries and /dev/null, on a root that nobody can write to. */
async function mounts(): Promise<string[]> {
  const libraries = (await librariesOfBash()).flatMap((path) => ['--ro-bind', realpathSync(path), path]);
  return [
    ...['--ro-bind', realpathSync(BASH), '/run/snap/bash', ...libraries],
    ...['--dev-bind', '/dev/null', '/dev/null', '--remount-ro', '/', '--chdir', '/'],
  ];
}

let libraries: Promise<string[]> | undefined;

function librariesOfBash(): Promise<string[]> {
  libraries ??= run(['ldd', BASH]).then((text) =>
    [...text.matchAll(/(?:=>\s*|^\s*)(\/\S+)\s+\(0x/gm)].map((found) => found[1]!),
  );
  return libraries;
}

function questionText({ arch, suite, vars, scriptlets }: Question, tokens: readonly string[]): string {
  const given = Object.entries(vars);
  const head = [arch, suite, String(given.length), ...given.flat()];
  const asked = scriptlets.flatMap(({ name }, index) => [name, tokens[index]!]);
  return [...head, ...asked, ''].join('\0');
}

/** Cuts the output at the tokens: what stands before a scriptlet's token and after the one before it is its own. */
function cut(
  { scriptlets, seconds }: Question,
  tokens: readonly string[],
  outcome: BubbleOutcome,
): Segment[] {
  const { stdout, stderr } = outcome;
  let at = stdout.indexOf(0) + 1;
  let errorsAt = 0;
  const shopt = stdout.subarray(0, Math.max(at - 1, 0)).toString();
  return scriptlets.map(({ name }, index) => {
    const token = tokens[index]!;
    const end = stdout.indexOf(`${token}\0`, at);
    const statusEnd = stdout.indexOf(0, end + token.length + 1);
    if (end < 0 || statusEnd < 0) throw unfinished(name, seconds, outcome);
    const errorsEnd = stderr.indexOf(`${token}\n`, errorsAt);
    const records = stdout.subarray(at, end);
    const status = Number(stdout.subarray(end + token.length + 1, statusEnd).toString());
    const errors = stderr.subarray(errorsAt, errorsEnd < 0 ? stderr.length : errorsEnd).toString();
    at = statusEnd + 1;
    errorsAt = errorsEnd < 0 ? stderr.length : errorsEnd + token.length + 1;
    return { name, records, status, stderr: errors, shopt };
  });
}

function unfinished(name: string, seconds: number, { end, stderr }: BubbleOutcome): SnapError {
  const where = `Cannot evaluate scriptlets/${name}.sh`;
  const hint = 'only declarations, functions and variables belong at the top level of a scriptlet';
  if (end === 'time')
    return new SnapError('SCRIPTLET', `${where}: no end of its top level within ${seconds} s`, { hint });
  if (end === 'output') {
    return new SnapError('SCRIPTLET', `${where}: its top level prints without end`, { hint });
  }
  const lines = stderr.toString().split('\n').slice(-20);
  return new SnapError('SCRIPTLET', `${where}: the evaluation broke off`, { hint, lines });
}
