import type { Mirror } from '../project/conf.ts';

/** One binary entry of the host's apt sources, as it stands there. */
export type SourceEntry = {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Empty: every architecture. */
  readonly architectures: readonly string[];
  /** A keyring file, a fingerprint, or an armored key itself. */
  readonly signedBy: string | undefined;
};

export type SourcesTarget = {
  readonly suite: string;
  readonly arch: string;
  /** The host's own release (VERSION_CODENAME), undefined when it is no Debian. */
  readonly hostSuite: string | undefined;
};

/** Debian's own keys, for an archive that names no other. */
export const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The entries of a deb822 file (`*.sources`) that are enabled and offer binaries. */
export function parseDeb822(text: string): SourceEntry[] {
  return stanzas(text)
    .filter((fields) => !/^(no|false|without|off|disable|0)$/i.test((fields.get('enabled') ?? '').trim()))
    .filter((fields) => words(fields.get('types')).includes('deb'))
    .map((fields) => ({
      uris: words(fields.get('uris')),
      suites: words(fields.get('suites')),
      components: words(fields.get('components')),
      architectures: words(fields.get('architectures')),
      signedBy: signedBy(fields.get('signed-by')),
    }));
}

/** The entries of a one-line file (`*.list`) that offer binaries. */
export function parseOneLine(text: string): SourceEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (match === null) return [];
    const [, bracket = '', uri = '', suite = '', components = ''] = match;
    const options = new Map(words(bracket).map((option) => optionPair(option)));
    return [
      {
        uris: [uri],
        suites: [suite],
        components: words(components),
        architectures: (options.get('arch') ?? '').split(',').filter(Boolean),
        signedBy: options.get('signed-by'),
      },
    ];
  });
}

/**
 * The archives that fit the target: SUITE, SUITE-updates and SUITE-security of the entries that offer them; for another release than
 * the host's the same places of Debian's archives with that suite. Backports and other vendors' suites are left out.
 */
export function mirrorsFor(entries: readonly SourceEntry[], target: SourcesTarget): Mirror[] {
  const fitting = entries.filter(
    ({ architectures }) => architectures.length === 0 || architectures.includes(target.arch),
  );
  const own = fitting.flatMap((entry) => atPlaces(entry, offered(entry, target)));
  const found = own.length > 0 ? own : fitting.flatMap((entry) => atPlaces(entry, moved(entry, target)));
  return named(merged(found));
}

type Place = Omit<Mirror, 'name'>;

/** Names that Debian gives to releases by their state; on the host they mean its own. */
const ALIASES = ['stable', 'oldstable', 'oldoldstable', 'testing'];
const ENDINGS = ['', '-updates', '-security'];

function offered(entry: SourceEntry, target: SourcesTarget): string[] {
  const real = entry.suites.map((suite) => {
    const { release, ending } = split(suite);
    return ALIASES.includes(release) && target.hostSuite !== undefined ? target.hostSuite + ending : suite;
  });
  return real.filter((suite) => ENDINGS.some((ending) => suite === target.suite + ending));
}

/** What an entry for the host's release offers of another one. */
function moved(entry: SourceEntry, target: SourcesTarget): string[] {
  if (!entry.components.includes('main')) return [];
  const rolling = ['sid', 'unstable', 'experimental'].includes(target.suite);
  const endings = entry.suites.flatMap((suite) => {
    const { release, ending } = split(suite);
    const host = release === target.hostSuite || [...ALIASES, 'sid', 'unstable'].includes(release);
    return host && ENDINGS.includes(ending) && !(rolling && ending !== '') ? [ending] : [];
  });
  return endings.map((ending) => target.suite + ending);
}

function split(suite: string): { release: string; ending: string } {
  const dash = suite.indexOf('-');
  return dash < 0
    ? { release: suite, ending: '' }
    : { release: suite.slice(0, dash), ending: suite.slice(dash) };
}

function atPlaces(entry: SourceEntry, suites: readonly string[]): Place[] {
  if (suites.length === 0) return [];
  return entry.uris
    .filter((uri) => /^(https?|file|copy):/.test(uri))
    .map((uri) => ({
      uri: uri.replace(/\/+$/, ''),
      suites,
      components: entry.components,
      signedBy: entry.signedBy ?? DEBIAN_KEYRING,
    }));
}

/** Entries that differ in their suites alone are one archive. */
function merged(places: readonly Place[]): Place[] {
  const byPlace = new Map<string, Place>();
  for (const place of places) {
    const key = JSON.stringify([place.uri, place.components, place.signedBy]);
    const suites = [...new Set([...(byPlace.get(key)?.suites ?? []), ...place.suites])];
    byPlace.set(key, { ...place, suites });
  }
  return [...byPlace.values()];
}

function named(places: readonly Place[]): Mirror[] {
  const taken = new Set<string>();
  return places.map((place) => {
    const name = unique(archiveName(place.uri), taken);
    taken.add(name);
    return { name, ...place };
  });
}

/** An archive is called after the last part of its address: `debian`, `debian-security`. */
export function archiveName(uri: string): string {
  const { pathname, hostname } = new URL(uri);
  const last = pathname.split('/').filter(Boolean).at(-1);
  return decodeURIComponent(last ?? hostname) || 'archive';
}

function unique(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let n = 2; ; n++) {
    if (!taken.has(`${name}-${n}`)) return `${name}-${n}`;
  }
}

/** The stanzas of a deb822 text: field names in lower case, continuation lines kept. */
function stanzas(text: string): Map<string, string>[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return lines
    .join('\n')
    .split(/\n(?:[ \t]*\n)+/)
    .map((stanza) => fieldsOf(stanza))
    .filter((fields) => fields.size > 0);
}

function fieldsOf(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const match of stanza.matchAll(/^([^\s:#]+):(.*(?:\n[ \t].*)*)/gm)) {
    fields.set(match[1]!.toLowerCase(), match[2]!);
  }
  return fields;
}

/** A path or fingerprints on one line; a key itself without the indentation and dots that deb822 asks for. */
function signedBy(value: string | undefined): string | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  if (!value.includes('-----BEGIN PGP')) return value.trim();
  const lines = value.split('\n').map((line) => line.trim());
  return `${lines
    .map((line) => (line === '.' ? '' : line))
    .join('\n')
    .trim()}\n`;
}

function optionPair(option: string): [string, string] {
  const at = option.indexOf('=');
  return at < 0 ? [option.toLowerCase(), ''] : [option.slice(0, at).toLowerCase(), option.slice(at + 1)];
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter(Boolean);
}
