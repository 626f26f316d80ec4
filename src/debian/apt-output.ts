import type { Mirror } from '../project/conf.ts';

/** What `apt-get -s install` would put onto the system. */
export type Simulated = {
  /** In apt's order. */
  readonly installed: readonly { readonly name: string; readonly version: string; readonly arch: string }[];
  /** Packages that would have to go. */
  readonly removed: readonly string[];
};

/** Why apt refused an archive; `archive` and `suite` where apt named them. */
export type UpdateProblem = {
  readonly archive: string | undefined;
  readonly suite: string | undefined;
  readonly reason: string;
};

export function parseSimulation(stdout: string): Simulated {
  const installed = [];
  const removed = [];
  for (const line of stdout.split('\n')) {
    const inst = /^Inst (\S+?)(?::\S+)? (?:\[[^\]]*\] )?\((\S+) (?:.* )?\[([^\]]+)\]\)/.exec(line);
    if (inst !== null) installed.push({ name: inst[1]!, version: inst[2]!, arch: inst[3]! });
    const remv = /^Remv (\S+?)(?::\S+)? /.exec(line);
    if (remv !== null) removed.push(remv[1]!);
  }
  return { installed, removed };
}

/** apt's own words for why it found no solution, without its preamble. */
export function explanation(outcome: { readonly stdout: string; readonly stderr: string }): string[] {
  const lines = outcome.stdout.split('\n');
  const unmet = lines.findIndex((line) => line.startsWith('The following packages have unmet dependencies'));
  const virtual = lines.findIndex((line) =>
    / is a virtual package provided by:|^Package \S+ is not available/.test(line),
  );
  const start = unmet >= 0 ? unmet + 1 : virtual;
  const told = start < 0 ? [] : lines.slice(start).filter((line) => line.trim() !== '');
  return [...told, ...outcome.stderr.split('\n').filter((line) => /^E: /.test(line))];
}

/** What an `apt-get update` that failed says, an archive a line. */
export function updateProblems(stderr: string, mirrors: readonly Mirror[]): UpdateProblem[] {
  const lines = stderr.split('\n').filter((line) => /^[EW]: /.test(line));
  const telling = lines.filter((line) => !/^E: (Some index files failed|The list of sources)/.test(line));
  const named = telling.map((line) => ({ ...place(line, mirrors), reason: reason(line) }));
  const known = named.filter(({ archive }) => archive !== undefined);
  return ranked(known.length > 0 ? known : named);
}

/**
 * The digests (SHA-256) of the Release files that an `apt-get update` with `Debug::pkgAcquire::Auth` fetched, by address. What had not changed
 * on the server since is not among them.
 */
export function fetchedReleases(stderr: string): Map<string, string> {
  const found = new Map<string, string>();
  let address: string | undefined;
  for (const line of stderr.split('\n')) {
    const done = /^\d+ URI Done: (\S+)/.exec(line);
    if (done !== null) address = /\/(?:In)?Release$/.test(done[1]!) ? done[1] : undefined;
    if (line.startsWith('ExpectedHash')) address = undefined;
    const sha256 = /^\s*- SHA256:([0-9a-f]{64})$/.exec(line)?.[1];
    if (address !== undefined && sha256 !== undefined) found.set(bare(address), sha256);
  }
  return found;
}

const CAUSES: readonly [RegExp, (match: RegExpExecArray) => string][] = [
  [
    /NO_PUBKEY ([0-9A-F]+)|Missing key ([0-9A-F]+)/,
    (m) => `it is signed by a key that is not in the keyring (${m[1] ?? m[2]})`,
  ],
  [/BADSIG|invalid signature|Bad signature/i, () => 'its signature is wrong'],
  [/EXPKEYSIG ([0-9A-F]+)/, (m) => `it is signed by a key that has expired (${m[1]})`],
  [/REVKEYSIG ([0-9A-F]+)/, (m) => `it is signed by a key that was revoked (${m[1]})`],
  [/is expired \(invalid since ([^)]*)\)/, (m) => `its Release file expired ${m[1]} ago`],
  [
    /is not valid yet \(invalid for another ([^)]*)\)/,
    (m) => `its Release file is from the future, by ${m[1]}: is the clock right?`,
  ],
  [/is not signed/, () => 'it is not signed'],
  [/NOSPLIT|NODATA|not valid format|Clearsigned file/i, () => 'its InRelease is no signed file'],
  [/does not have a Release file|404/, () => 'it has no such suite'],
  [/Hash Sum mismatch|unexpected size/i, () => 'an index is not what its Release file says'],
  [/Could not resolve '?([^'\s]+)'?/, (m) => `"${m[1]}" has no address: is there a network?`],
  [
    /Could not connect|Unable to connect|Connection refused|Connection failed|Network is unreachable/i,
    () => 'no connection',
  ],
  [/timed out/i, () => 'it does not answer'],
  [
    /Conflicting distribution: .*\(expected (\S+) but got (\S*)\)/,
    (m) => `it offers "${m[2]}" under the name "${m[1]}"`,
  ],
];

function reason(line: string): string {
  for (const [pattern, words] of CAUSES) {
    const match = pattern.exec(line);
    if (match !== null) return words(match);
  }
  return line.replace(/^[EW]: /, '');
}

/** The cause first: apt tells that a key is unknown, and then that the archive is not signed. */
function ranked(problems: readonly UpdateProblem[]): UpdateProblem[] {
  const rank = ({ reason: words }: UpdateProblem) => (words === 'it is not signed' ? 1 : 0);
  const unique = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...unique.values()].sort((a, b) => rank(a) - rank(b));
}

function place(
  line: string,
  mirrors: readonly Mirror[],
): { archive: string | undefined; suite: string | undefined } {
  const fits = mirrors
    .filter(({ uri }) => line.includes(`${bare(uri)}/`) || line.includes(`${bare(uri)} `))
    .sort((a, b) => b.uri.length - a.uri.length);
  for (const mirror of fits) {
    const suites = [...mirror.suites].sort((a, b) => b.length - a.length);
    const suite = suites.find((one) => line.includes(`dists/${one}/`) || line.includes(` ${one} `));
    if (suite !== undefined) return { archive: mirror.name, suite };
  }
  return { archive: fits[0]?.name, suite: undefined };
}

/** An address as apt prints it: without the password in it. */
export function bare(uri: string): string {
  return uri.replace(/\/+$/, '').replace(/\/\/[^@/]*@/, '//');
}
