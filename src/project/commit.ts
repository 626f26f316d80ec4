import { SnapError } from '../host/error.ts';
import { attempt, type Outcome } from '../host/program.ts';

/**
 * The git commit of a project's folder, with `-dirty` when files that git tracks differ from it.
 * @throws SnapError CONF when the project has no commit.
 */
export async function projectCommit(project: string): Promise<string> {
  const outcome = await describe(project);
  if (outcome.exitCode === 0) return outcome.stdout.trim();
  throw new SnapError('CONF', `Cannot tell SNAP_COMMIT: "${project}" has no git commit`, {
    lines: outcome.stderr.trimEnd().split('\n'),
    hint: 'make a first commit, or take SNAP_COMMIT out of the scriptlets',
  });
}

/** The same; null where there is none, or no git. */
export async function commitIfAny(project: string): Promise<string | null> {
  try {
    const { exitCode, stdout } = await describe(project);
    return exitCode === 0 ? stdout.trim() : null;
  } catch (error) {
    if (error instanceof SnapError) return null;
    throw error;
  }
}

function describe(project: string): Promise<Outcome> {
  // Under sudo the project belongs to another user: git would refuse it. No program of the repository's own choice is run.
  const git = [
    'git',
    '-c',
    `safe.directory=*`,
    '-c',
    'core.fsmonitor=false',
    '--no-optional-locks',
    '-C',
    project,
  ];
  return attempt([...git, 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*']);
}
