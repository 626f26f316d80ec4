import { SnapError } from '../host/error.ts';
import { type Lock, type LockTarget, type Order, type PackageId, type Pin, packageId } from './lock.ts';

const VERSION = 1;
const HEADER = 'snap-lock';

/**
 * The lock as text: one fact a line, words parted by one space, so that two branches merge line by line. Every line stands for
 * itself. Sorted by byte order but for `base`, `want` and `closure` lines, whose order is meaning. Names are escaped as %XX.
 */
export function formatLock(lock: Lock): string {
  const lines = [
    `${HEADER} ${VERSION}`,
    '# Written by snap: commit it. Every package with its bytes, and what builds have learned.',
    `suite ${escapeName(lock.suite)}`,
    `arch ${escapeName(lock.arch)}`,
    `epoch ${lock.epoch}`,
    ...lock.releases.map(releaseLine).sort(),
    ...[...lock.uids].map(([name, id]) => `uid ${escapeName(name)} ${id}`).sort(),
    ...[...lock.gids].map(([name, id]) => `gid ${escapeName(name)} ${id}`).sort(),
    ...lock.orders.map(orderLine).sort(),
    ...lock.base.map((id) => `base ${id}`),
    ...lock.tools.map((id) => `tool ${id}`).sort(),
    ...[...lock.closures].sort(byKey).flatMap(([name, closure]) => closureLines(name, closure)),
    ...[...lock.pins.values()].map(debLine).sort(),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Reads what `formatLock` wrote. With `target` the lock must be for that suite and architecture.
 * @throws SnapError LOCK with `file:line` and the reason: nothing damaged is ever guessed at.
 */
export function parseLock(text: string, file: string, target?: LockTarget): Lock {
  const draft = emptyDraft();
  const seen = new Map<string, number>();
  const lines = text.replace(/\n$/, '').split(/\r?\n/);
  const refuse = (line: number, reason: string): never => {
    throw lockError(file, line, reason);
  };
  for (const [index, line] of lines.entries()) {
    const at = index + 1;
    const fail = (reason: string): never => refuse(at, reason);
    if (/^(<{7}|={7}|>{7}|\|{7})/.test(line))
      fail('conflict marker of a merge: keep the lines of both sides');
    if (at === 1) checkHeader(line, fail);
    else if (line.trim() !== '' && !line.startsWith('#')) {
      const first = seen.get(line);
      if (first !== undefined) fail(`the same line as line ${first}`);
      seen.set(line, at);
      takeLine(line, { at, draft, target, fail });
    }
  }
  return finish(draft, lines.length, refuse);
}

function takeLine(line: string, context: Omit<Line, 'words'>): void {
  const [field = '', ...words] = line.split(' ');
  const { fail } = context;
  const known = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined;
  const read = known ?? fail(`unknown field "${field}"`);
  if (words.length !== read.words) fail(`"${field}" takes ${read.words} words and has ${words.length}`);
  read.take({ words, ...context });
}

type Draft = {
  suite: string | undefined;
  arch: string | undefined;
  epoch: number | undefined;
  releases: Lock['releases'][number][];
  pins: Map<PackageId, Pin>;
  base: PackageId[];
  tools: PackageId[];
  closures: Map<string, { wants: string[]; debs: PackageId[] }>;
  orders: Order[];
  uids: Map<string, number>;
  gids: Map<string, number>;
  /** Every mention of a package, with its line, to be found among the pins at the end. */
  mentions: { id: PackageId; at: number }[];
};

type Line = {
  readonly words: readonly string[];
  readonly at: number;
  readonly draft: Draft;
  readonly target: LockTarget | undefined;
  readonly fail: (reason: string) => never;
};

const FIELDS: Readonly<Record<string, { words: number; take: (line: Line) => void }>> = {
  suite: { words: 1, take: (line) => takeTarget(line, 'suite') },
  arch: { words: 1, take: (line) => takeTarget(line, 'arch') },
  epoch: { words: 1, take: takeEpoch },
  release: { words: 3, take: takeRelease },
  uid: { words: 2, take: (line) => takeId(line, line.draft.uids) },
  gid: { words: 2, take: (line) => takeId(line, line.draft.gids) },
  order: { words: 5, take: takeOrder },
  base: { words: 1, take: (line) => line.draft.base.push(mention(line, 0)) },
  tool: { words: 1, take: (line) => line.draft.tools.push(mention(line, 0)) },
  want: { words: 2, take: (line) => closureOf(line).wants.push(name(line, 1)) },
  closure: { words: 2, take: (line) => closureOf(line).debs.push(mention(line, 1)) },
  deb: { words: 7, take: takeDeb },
};

function emptyDraft(): Draft {
  return {
    suite: undefined,
    arch: undefined,
    epoch: undefined,
    releases: [],
    pins: new Map(),
    base: [],
    tools: [],
    closures: new Map(),
    orders: [],
    uids: new Map(),
    gids: new Map(),
    mentions: [],
  };
}

function finish(draft: Draft, last: number, refuse: (line: number, reason: string) => never): Lock {
  const { suite, arch, epoch, mentions, ...rest } = draft;
  if (suite === undefined) return refuse(last, 'the line "suite" is missing');
  if (arch === undefined) return refuse(last, 'the line "arch" is missing');
  if (epoch === undefined) return refuse(last, 'the line "epoch" is missing');
  if (rest.base.length === 0) return refuse(last, 'the lines "base" are missing');
  for (const { id, at } of mentions) {
    if (!rest.pins.has(id)) refuse(at, `"${id}" has no line "deb"`);
  }
  for (const [scriptlet, closure] of rest.closures) {
    if (closure.wants.length === 0)
      refuse(last, `scriptlet "${scriptlet}" has lines "closure" but no line "want"`);
  }
  return { suite, arch, epoch, ...rest };
}

function checkHeader(line: string, fail: Line['fail']): void {
  const version = Number(new RegExp(`^${HEADER} ([0-9]+)$`).exec(line)?.[1]);
  if (Number.isNaN(version)) fail(`expected "${HEADER} ${VERSION}", so this is not a lock`);
  if (version > VERSION) fail(`format ${version} is newer than this snap, which reads up to ${VERSION}`);
  if (version < VERSION) fail(`format ${version} is unknown`);
}

function takeTarget({ words, draft, target, fail }: Line, field: 'suite' | 'arch'): void {
  const value = unescapeName(words[0]!, fail);
  if (draft[field] !== undefined) fail(`a second "${field}"`);
  if (target !== undefined && target[field] !== value) {
    fail(`the lock is for ${field} "${value}", and the conf asks for "${target[field]}"`);
  }
  draft[field] = value;
}

function takeEpoch({ words, draft, fail }: Line): void {
  if (draft.epoch !== undefined) fail('a second "epoch"');
  draft.epoch = whole(words[0]!, fail);
}

function takeRelease(line: Line): void {
  const { words, draft, fail } = line;
  const date = Date.parse(words[2]!) / 1000;
  if (!Number.isInteger(date) || isoTime(date) !== words[2]) fail(`"${words[2]}" is not a time in UTC`);
  const release = { archive: name(line, 0), suite: name(line, 1), date };
  if (draft.releases.some((other) => other.archive === release.archive && other.suite === release.suite)) {
    fail(`a second "release" of "${release.archive}" "${release.suite}"`);
  }
  draft.releases.push(release);
}

function takeId(line: Line, ledger: Map<string, number>): void {
  const owner = name(line, 0);
  const id = whole(line.words[1]!, line.fail);
  if (id > 0xffff_fffe) line.fail(`"${id}" is not an id`);
  if (ledger.has(owner)) line.fail(`"${owner}" has an id already`);
  const other = [...ledger].find(([, taken]) => taken === id)?.[0];
  if (other !== undefined) line.fail(`id ${id} belongs to "${other}" already`);
  ledger.set(owner, id);
}

function takeOrder(line: Line): void {
  if (line.words[1] !== 'after' || line.words[3] !== '#') {
    line.fail('expected "order LATER after EARLIER # PATH"');
  }
  const path = unescapeBytes(line.words[4]!, line.fail);
  line.draft.orders.push({ later: name(line, 0), earlier: name(line, 2), path });
}

function takeDeb(line: Line): void {
  const { words, draft, fail } = line;
  const pin: Pin = {
    name: words[0]!,
    arch: words[1]!,
    version: words[2]!,
    size: whole(words[3]!, fail),
    sha256: words[4]!,
    archive: name(line, 5),
    path: unescapeBytes(words[6]!, fail),
  };
  if (!/^[a-z0-9][a-z0-9+.-]*$/.test(pin.name)) fail(`"${pin.name}" is not a package name`);
  if (!/^[a-z0-9][a-z0-9-]*$/.test(pin.arch)) fail(`"${pin.arch}" is not an architecture`);
  if (!/^[A-Za-z0-9.+:~-]+$/.test(pin.version)) fail(`"${pin.version}" is not a version`);
  if (!/^[0-9a-f]{64}$/.test(pin.sha256)) fail('damaged digest: a SHA-256 has 64 hexadecimal digits');
  if (pin.path === '' || pin.path.startsWith('/') || pin.path.split('/').includes('..')) {
    fail(`"${pin.path}" is not a path below an archive`);
  }
  const id = packageId(pin);
  if (draft.pins.has(id)) fail(`a second "deb" of "${id}"`);
  draft.pins.set(id, pin);
}

function closureOf(line: Line): { wants: string[]; debs: PackageId[] } {
  const scriptlet = name(line, 0);
  const closure = line.draft.closures.get(scriptlet) ?? { wants: [], debs: [] };
  line.draft.closures.set(scriptlet, closure);
  return closure;
}

function mention(line: Line, index: number): PackageId {
  const id = line.words[index] as PackageId;
  if (!/^[a-z0-9][a-z0-9+.-]*:[a-z0-9-]+$/.test(id)) line.fail(`"${id}" is not a package as "name:arch"`);
  line.draft.mentions.push({ id, at: line.at });
  return id;
}

function name(line: Line, index: number): string {
  return unescapeName(line.words[index]!, line.fail);
}

function whole(word: string, fail: Line['fail']): number {
  const number = /^(0|[1-9][0-9]*)$/.test(word) ? Number(word) : Number.NaN;
  return Number.isSafeInteger(number) ? number : fail(`"${word}" is not a whole number`);
}

function lockError(file: string, line: number, reason: string): SnapError {
  return new SnapError('LOCK', `Cannot read lock "${file}:${line}": ${reason}`, {
    hint: 'mend the line, or take the file back from version control; snap never makes a damaged lock anew',
  });
}

function releaseLine(release: Lock['releases'][number]): string {
  return `release ${escapeName(release.archive)} ${escapeName(release.suite)} ${isoTime(release.date)}`;
}

function orderLine(order: Order): string {
  return `order ${escapeName(order.later)} after ${escapeName(order.earlier)} # ${escapeBytes(order.path)}`;
}

function closureLines(
  scriptlet: string,
  closure: { wants: readonly string[]; debs: readonly PackageId[] },
): string[] {
  const owner = escapeName(scriptlet);
  return [
    ...closure.wants.map((want) => `want ${owner} ${escapeName(want)}`),
    ...closure.debs.map((id) => `closure ${owner} ${id}`),
  ];
}

function debLine(pin: Pin): string {
  const words = [pin.name, pin.arch, pin.version, pin.size, pin.sha256];
  return `deb ${words.join(' ')} ${escapeName(pin.archive)} ${escapeBytes(pin.path)}`;
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** Names are text: what is not plain ASCII is escaped as the bytes of its UTF-8. */
function escapeName(text: string): string {
  return escapeBytes(Buffer.from(text, 'utf8').toString('latin1'));
}

function unescapeName(word: string, fail: Line['fail']): string {
  const bytes = unescapeBytes(word, fail);
  return bytes === word ? word : Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Tree paths are bytes, one a character. */
function escapeBytes(text: string): string {
  const escaped = text.replace(
    /[^!"$&-~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return escaped === '' ? '%' : escaped;
}

/** What needs no escape, and has none. */
const PLAIN = /^[!"$&-~]+$/;

function unescapeBytes(word: string, fail: Line['fail']): string {
  if (word === '%') return '';
  if (PLAIN.test(word)) return word;
  if (!/^(?:[!"$&-~]|%[0-9A-F]{2})+$/.test(word)) fail(`"${word}" is not escaped as %XX`);
  return word.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
