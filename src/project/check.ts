import { existsSync, lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { lastLines } from '../host/program.ts';
import { type Bubble, type BubbleOutcome, runInBubble } from './bubble.ts';
import type { Conf } from './conf.ts';
import { missingDeclaration } from './diagnose.ts';
import type { EvaluationCache } from './evaluation-cache.ts';
import type { Scriptlet } from './scriptlet.ts';

export type CheckOptions = {
  readonly cache: Pick<EvaluationCache, 'get' | 'set'>;
  /** A key of everything that the check of a scriptlet looks at: what passed under it is not checked again. */
  readonly checkKey: (scriptlet: Scriptlet) => string;
  /** Absolute path of the prelude that runs a function of a scriptlet. */
  readonly prelude: string;
  /** Time limit for each check; 60 unless told. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
};

const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Runs the `do_check` of each scriptlet that has one, on the host's programs but in a sandbox that shows only the inputs of the
 * scriptlet: its data, the files and variables that it declared. Returns the names of those that ran.
 * @throws SnapError SCRIPTLET for the first one that fails, with line, command and its last 20 lines.
 */
export async function check(
  conf: Conf,
  scriptlets: readonly Scriptlet[],
  options: CheckOptions,
): Promise<string[]> {
  const open = scriptlets.filter(
    (scriptlet) => scriptlet.hasCheck && options.cache.get(options.checkKey(scriptlet)) === undefined,
  );
  if (open.length === 0) return [];
  for (const scriptlet of open) {
    const key = options.checkKey(scriptlet);
    const outcome = await runInBubble(bubbleOf(conf, scriptlet, options));
    if (outcome.end !== 'exit' || outcome.exitCode !== 0) throw failure(conf, scriptlet, options, outcome);
    // What was saved meanwhile has not been looked at.
    if (options.checkKey(scriptlet) === key) options.cache.set(key, 'passed');
  }
  return open.map(({ name }) => name);
}

function bubbleOf(conf: Conf, scriptlet: Scriptlet, { prelude, seconds = 60, signal }: CheckOptions): Bubble {
  const { uid, gid } = statSync(conf.project);
  return {
    mounts: [...hostPrograms(), ...inputs(conf, scriptlet), '--chdir', '/'],
    // Snap itself may lie where the project's owner cannot look, in root's home say.
    files: new Map([
      ['/run/snap/prelude.sh', readFileSync(prelude)],
      ['/run/snap/variables.sh', Buffer.from(scriptlet.variables)],
    ]),
    command: ['/bin/sh', '-c', 'exec /bin/bash /run/snap/prelude.sh do_check </dev/null 2>&1'],
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/tmp',
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      ARCH: conf.arch,
      SUITE: conf.suite,
      DATA_DIR: '/run/snap/data',
      RUN_HOME: '/run/snap/home',
    },
    seconds,
    bytes: MOST_BYTES,
    user: { uid, gid }, // who can read the project, whatever its modes are
    reads: [conf.project],
    ...(signal ? { signal } : {}),
  };
}

function hostPrograms(): string[] {
  const folders = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].flatMap((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return stat.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
  });
  const system = ['--ro-bind', '/usr', '/usr', '--ro-bind-try', '/etc/alternatives', '/etc/alternatives'];
  return [...system, ...folders, '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'];
}

function inputs(conf: Conf, scriptlet: Scriptlet): string[] {
  const data = scriptlet.dataDir === undefined ? ['--dir'] : ['--ro-bind', scriptlet.dataDir];
  const files = scriptlet.files.flatMap((path) => [
    '--ro-bind',
    join(conf.project, path),
    `/run/snap/home/${path}`,
  ]);
  return [
    ...['--ro-bind', scriptlet.file, '/run/snap/scriptlet.sh'],
    ...[...data, '/run/snap/data', '--dir', '/run/snap/home', ...files],
  ];
}

function failure(conf: Conf, scriptlet: Scriptlet, options: CheckOptions, outcome: BubbleOutcome): SnapError {
  const output = printable(outcome.stdout.toString() + outcome.stderr.toString());
  const lines = output.trim() === '' ? [] : lastLines(output, 20);
  const missing = missingDeclaration(scriptlet, conf, lines, (path) => existsSync(join(conf.project, path)));
  return new SnapError(
    'SCRIPTLET',
    `Check of scriptlet "${scriptlet.name}" failed: ${cause(scriptlet, options, outcome)}`,
    {
      lines,
      hint: missing ?? 'mend what it found: nothing was built',
    },
  );
}

function cause({ name }: Scriptlet, { seconds = 60 }: CheckOptions, outcome: BubbleOutcome): string {
  if (outcome.end === 'time') return `no end within ${seconds} s`;
  if (outcome.end === 'output') return 'it prints without end';
  const reports = printable(outcome.third.toString()).trimEnd().split('\n');
  const [line, status, command] = reports.at(-1)?.split('\t') ?? [];
  if (command !== undefined) return `"${command}" exited with ${status} (scriptlets/${name}.sh:${line})`;
  return outcome.exitCode === undefined ? 'do_check was killed' : `do_check exited with ${outcome.exitCode}`;
}

/** Without what moves a terminal's cursor or colours it. */
function printable(text: string): string {
  return text.replaceAll(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, '').replaceAll(/[\0-\x08\x0b-\x1f\x7f]/g, '');
}
