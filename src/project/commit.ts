import { SnapError } from '../host/error.ts';
import { attempt } from '../host/program.ts';

/**
 * The git commit of a project's folder, with `-dirty` when files that git tracks differ from it.
 * @throws SnapError CONF when the project has no commit.
 */
export async function projectCommit(project: string): Promise<string> {
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
  const outcome = await attempt([...git, 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*']);
  if (outcome.exitCode === 0) return outcome.stdout.trim();
  throw new SnapError('CONF', `Cannot tell SNAP_COMMIT: "${project}" has no git commit`, {
    lines: outcome.stderr.trimEnd().split('\n'),
    hint: 'make a first commit, or take SNAP_COMMIT out of the scriptlets',
  });
}
