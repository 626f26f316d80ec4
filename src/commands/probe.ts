import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { errno } from '../host/error.ts';
import { ownFile } from '../host/own.ts';
import { findProgram } from '../host/path.ts';
import { attempt } from '../host/program.ts';
import { writeFile } from '../host/write.ts';
import { processBound } from '../layers/cgroup.ts';
import { size } from '../report/quantity.ts';

/** `unknown`: only root can see it. `absent`: not there and not needed. */
export type Verdict = 'ok' | 'missing' | 'absent' | 'unknown';

/** One thing that the host has or lacks; `mend` is the command that helps. */
export type Finding = {
  readonly name: string;
  readonly verdict: Verdict;
  readonly found: string;
  readonly mend?: string;
};

export type DebianPackage = {
  readonly name: string;
  readonly level: 'needed' | 'test' | 'extra' | 'tested';
  /** A program in PATH, or the absolute path of a file. */
  readonly shownBy: string;
  readonly purpose: string;
};

const PACKAGE_LIST = ownFile('bin/debian-packages');
const LEAST_SPACE = 4 * 1024 ** 3;

/**
 * Looks at all that a build needs of this machine. The namespaces, the overlay and the links are tried for real, in a folder
 * that is gone afterwards. `place`: the folder that holds the store, or will.
 */
export async function probeHost(place: string): Promise<readonly Finding[]> {
  const packages = debianPackages(readFileSync(PACKAGE_LIST, 'utf8')).filter(({ level }) => level !== 'test');
  return [
    nodeVersion(process.versions.node),
    linuxVersion(release()),
    root(),
    ...packages.map(program),
    ...(await mirrors()),
    space(place),
    processLimit(),
    fuse(),
    ...(await inScratch(place)),
  ];
}

/** The list of `bin/debian-packages`. Pure. */
export function debianPackages(text: string): DebianPackage[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', level = '', shownBy = '', ...purpose] = line.split(/ +/);
      return { name, level: level as DebianPackage['level'], shownBy, purpose: purpose.join(' ') };
    });
}

/** Linux from 5.11 on has all of overlayfs that a layer needs. Pure. */
export function linuxVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  const enough = major > 5 || (major === 5 && minor >= 11);
  const finding = { name: 'linux', found: version };
  return enough
    ? { ...finding, verdict: 'ok' }
    : {
        ...finding,
        verdict: 'missing',
        mend: 'install a kernel from 5.11 on: apt-get install linux-image-amd64',
      };
}

/** Pure. */
export function nodeVersion(version: string): Finding {
  const finding = { name: 'node', found: version };
  return Number.parseInt(version, 10) >= 24
    ? { ...finding, verdict: 'ok' }
    : { ...finding, verdict: 'missing', mend: 'npm ci' };
}

function root(): Finding {
  if (isRoot()) return { name: 'root', verdict: 'ok', found: 'yes' };
  if (findProgram('sudo')) return { name: 'root', verdict: 'ok', found: 'through sudo' };
  return { name: 'root', verdict: 'missing', found: 'no, and no sudo', mend: 'su -c "apt-get install sudo"' };
}

function program({ name, level, shownBy, purpose }: DebianPackage): Finding {
  const path = shownBy.startsWith('/') ? existing(shownBy) : findProgram(shownBy);
  if (path !== undefined) return { name, verdict: 'ok', found: path };
  return {
    name,
    verdict: level === 'needed' ? 'missing' : 'absent',
    found: `for: ${purpose}`,
    mend: `apt-get install ${name}`,
  };
}

/** With it snap knows what a layer looked for, and runs fewer of them. */
function fuse(): Finding {
  const path = existing('/dev/fuse');
  if (path !== undefined) return { name: 'fuse', verdict: 'ok', found: path };
  return { name: 'fuse', verdict: 'absent', found: 'more layers run after a change', mend: 'modprobe fuse' };
}

/** What apt itself makes of the host's sources. */
async function mirrors(): Promise<Finding[]> {
  const format = '$(REPO_URI) $(CODENAME)';
  const mend = 'add a mirror to /etc/apt/sources.list, or to the conf; then: apt-get update';
  try {
    const command = ['apt-get', 'indextargets', '--format', format, 'Created-By: Packages'];
    const { stdout } = await attempt(command);
    const found = [...new Set(stdout.split('\n').filter((line) => line !== ''))];
    if (found.length > 0) return found.map((mirror) => ({ name: 'mirror', verdict: 'ok', found: mirror }));
    return [{ name: 'mirror', verdict: 'missing', found: "none in the host's apt sources", mend }];
  } catch {
    return [{ name: 'mirror', verdict: 'missing', found: 'apt-get does not answer', mend }];
  }
}

function space(place: string): Finding {
  const { bavail, bsize } = statfsSync(nearestFolder(place));
  const free = bavail * bsize;
  const finding = { name: 'space', found: `${size(free)} free in ${nearestFolder(place)}` };
  if (free >= LEAST_SPACE) return { ...finding, verdict: 'ok' };
  return { ...finding, verdict: 'missing', mend: `make room: ${size(LEAST_SPACE)} at the least` };
}

function processLimit(): Finding {
  const name = 'process limit';
  const bound = processBound();
  if (bound === 'cgroup') return { name, verdict: 'ok', found: 'by control groups' };
  if (bound === 'namespace') return { name, verdict: 'ok', found: 'by a namespace of process numbers' };
  const mend = 'mount -t cgroup2 none /sys/fs/cgroup && echo +pids >/sys/fs/cgroup/cgroup.subtree_control';
  return {
    name,
    verdict: 'absent',
    found: 'none: a scriptlet that forks without end stops this machine',
    mend,
  };
}

/** What is tried on the store's own filesystem. */
async function inScratch(place: string): Promise<Finding[]> {
  let scratch: string;
  try {
    scratch = mkdtempSync(join(nearestFolder(place), '.snap-doctor-'));
  } catch (error) {
    const finding = { name: 'store', found: `cannot write to ${nearestFolder(place)}: ${errno(error)}` };
    if (!isRoot()) return [{ ...finding, verdict: 'unknown', mend: 'sudo snap doctor' }];
    return [{ ...finding, verdict: 'missing', mend: `mount -o remount,rw ${nearestFolder(place)}` }];
  }
  try {
    return [hardLinks(scratch), await overlay(scratch), await sandbox()];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function hardLinks(scratch: string): Finding {
  const name = 'hard links';
  try {
    writeFile(join(scratch, 'one'), '');
    linkSync(join(scratch, 'one'), join(scratch, 'two'));
    return { name, verdict: 'ok', found: 'work' };
  } catch (error) {
    return {
      name,
      verdict: 'missing',
      found: `do not work here: ${errno(error)}`,
      mend: 'move the project to ext4, xfs or btrfs',
    };
  }
}

/**
 * A folder that is removed and made again in an overlay hides the one below only if the filesystem keeps overlayfs's extended
 * attributes; a second mount of the same folders shows it.
 */
const OVERLAY_SCRIPT = `set -e
cd "$1"
mkdir -p lower/d upper work merged
: > lower/d/old
for turn in 1 2; do
  mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,index=off,redirect_dir=off,metacopy=off merged
  if [ "$turn" = 1 ]; then rm -r merged/d; mkdir merged/d; fi
  test ! -e merged/d/old
  umount merged
done
`;

async function overlay(scratch: string): Promise<Finding> {
  const name = 'namespaces, overlay';
  if (!isRoot()) return { name, verdict: 'unknown', found: 'only root can try', mend: 'sudo snap doctor' };
  const folder = join(scratch, 'overlay');
  mkdirSync(folder);
  const command = ['unshare', '--mount', '--pid', '--ipc', '--uts', '--net', '--fork', '--kill-child'];
  return tried(name, [...command, 'sh', '-c', OVERLAY_SCRIPT, 'sh', folder]);
}

async function sandbox(): Promise<Finding> {
  const name = 'sandbox';
  if (!findProgram('bwrap')) {
    return { name, verdict: 'missing', found: 'no bwrap', mend: 'apt-get install bubblewrap' };
  }
  if (!isRoot()) return { name, verdict: 'unknown', found: 'only root can try', mend: 'sudo snap doctor' };
  return tried(name, ['bwrap', '--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', 'true']);
}

async function tried(name: string, command: readonly string[]): Promise<Finding> {
  const mend = 'run snap on the machine itself, or in a container with all rights and its store in a volume';
  try {
    const { exitCode, stderr } = await attempt(command);
    if (exitCode === 0) return { name, verdict: 'ok', found: 'work' };
    return { name, verdict: 'missing', found: stderr.trim().split('\n').at(-1) ?? '', mend };
  } catch (error) {
    return { name, verdict: 'missing', found: error instanceof Error ? error.message : String(error), mend };
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}

function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}
