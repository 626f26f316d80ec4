/** Makes what the small projects of these tests start from, once for each state of src/. Started by `someProject` under a lock. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatLock, parseLock } from '../../src/debian/lock-text.ts';
import { openIndex } from '../../src/store/database.ts';
import { makeDist, snap } from '../commands/launcher.ts';
import { CATALOGUE, EPOCH } from './catalogue.ts';
import { SHARED_DEBS, shareDebs } from './shared-debs.ts';

const [target = ''] = process.argv.slice(2);
if (!existsSync(target)) prepare(target);

/**
 * A project with the lock of the whole catalogue and the ids of the base, its debs, apt's indexes, and the base in its store. The lock's epoch is set back by
 * years, so that a time of the build is told from SOURCE_DATE_EPOCH.
 */
function prepare(folder: string): void {
  makeDist();
  rmSync(dirname(folder), { recursive: true, force: true });
  const work = `${folder}.new`;
  for (const name of ['conf', 'scriptlets', 'store']) mkdirSync(join(work, name), { recursive: true });
  shareDebs(SHARED_DEBS, join(work, 'store', 'debs'));
  const names = CATALOGUE.map((_, number) => `packages-${number}`);
  CATALOGUE.forEach((packages, number) => {
    const text = `install_debian_deb ${packages.join(' ')}\n`;
    writeFileSync(join(work, 'scriptlets', `${names[number]}.sh`), text);
  });
  writeConf(work, 'all', names);
  must(snap(['-C', work, 'lock', 'all']));
  const file = join(work, 'conf', 'all.lock');
  const lock = { ...parseLock(readFileSync(file, 'utf8'), file), epoch: EPOCH };
  writeFileSync(file, formatLock(lock));
  writeFileSync(join(work, 'scriptlets', 'nothing.sh'), 'do_run() { :; }\n');
  writeConf(work, 'base', ['nothing']);
  const baseFile = join(work, 'conf', 'base.lock');
  writeFileSync(baseFile, formatLock({ ...lock, closures: new Map() }));
  must(snap(['-C', work, 'build', 'base']));
  forgetBuilds(work);
  const { uids, gids } = parseLock(readFileSync(baseFile, 'utf8'), baseFile);
  writeFileSync(file, formatLock({ ...lock, uids, gids }));
  shareDebs(join(work, 'store', 'debs'), SHARED_DEBS);
  renameSync(work, folder);
}

/** The projects that start from here have another conf. */
function forgetBuilds(project: string): void {
  rmSync(join(project, 'store', 'builds', 'base'), { recursive: true });
  const index = openIndex(join(project, 'store', 'index.db'));
  index.exec('DELETE FROM builds');
  index.close();
}

function writeConf(project: string, name: string, scriptlets: readonly string[]): void {
  const text = `suite = "bookworm"\narch = "amd64"\nscriptlets = ${JSON.stringify(scriptlets)}\n`;
  writeFileSync(join(project, 'conf', `${name}.toml`), text);
}

function must({ status, stderr }: { readonly status: number | null; readonly stderr: string }): void {
  if (status !== 0) throw new Error(stderr);
}
