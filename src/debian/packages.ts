/** The text of one `Packages` file, bytes as latin1, and where its packages come from. */
export type PackagesText = { readonly archive: string; readonly text: string };

/** One package of an index: its stanza as text, without the empty line at its end. */
export type Stanza = { readonly archive: string; readonly text: string };

/** Names of the packages that every system has: `Essential: yes` or `Priority: required`. */
export function requiredNames(indexes: readonly PackagesText[]): string[] {
  const names = new Set<string>();
  for (const { text } of indexes) {
    for (const mark of ['\nEssential: yes\n', '\nPriority: required\n']) {
      for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) {
        names.add(field(text.slice(stanzaStart(text, at), at + 1), 'Package'));
      }
    }
  }
  return [...names].sort();
}

/**
 * The stanzas of `name` `version` for each of `wanted` (keys `name version`), from the first index that has it. The texts hold 60,000
 * stanzas and more: they are scanned, never held as objects.
 */
export function findStanzas(
  indexes: readonly PackagesText[],
  wanted: ReadonlySet<string>,
): Map<string, Stanza> {
  const names = new Set([...wanted].map((key) => key.slice(0, key.indexOf(' '))));
  const found = new Map<string, Stanza>();
  for (const { archive, text } of indexes) {
    eachStanza(text, (name, start, end) => {
      if (!names.has(name)) return;
      const stanza = text.slice(start, end);
      const key = `${name} ${field(stanza, 'Version')}`;
      if (wanted.has(key) && !found.has(key)) found.set(key, { archive, text: stanza });
    });
  }
  return found;
}

/** The names among `names` that no index has, neither as a package nor as provided by one. */
export function unknownNames(indexes: readonly PackagesText[], names: readonly string[]): string[] {
  const open = new Set(names);
  for (const { text } of indexes) eachStanza(text, (name) => open.delete(name));
  return [...open].filter((name) => !indexes.some(({ text }) => provides(text, name)));
}

/** All package names, for "did you mean". */
export function allNames(indexes: readonly PackagesText[]): Set<string> {
  const names = new Set<string>();
  for (const { text } of indexes) eachStanza(text, (name) => names.add(name));
  return names;
}

/** The value of a field on its first line, or '' without it. */
export function field(stanza: string, name: string): string {
  const mark = `${name}:`;
  let at = stanza.startsWith(mark) ? 0 : stanza.indexOf(`\n${mark}`) + 1;
  if (at === 0 && !stanza.startsWith(mark)) return '';
  at += mark.length;
  const end = stanza.indexOf('\n', at);
  return stanza.slice(at, end < 0 ? undefined : end).trim();
}

/** A stanza as it stands in dpkg's status of a system that has the package. */
export function installedStanza(stanza: string): string {
  const end = stanza.indexOf('\n');
  return `${stanza.slice(0, end)}\nStatus: install ok installed${stanza.slice(end)}`;
}

function eachStanza(text: string, take: (name: string, start: number, end: number) => void): void {
  const mark = 'Package: ';
  let start = 0;
  while (start < text.length) {
    if (text[start] === '\n') {
      start++;
      continue;
    }
    const gap = text.indexOf('\n\n', start);
    const end = gap < 0 ? text.trimEnd().length : gap;
    const name = text.startsWith(mark, start)
      ? text.slice(start + mark.length, text.indexOf('\n', start))
      : field(text.slice(start, end), 'Package');
    take(name, start, end);
    start = gap < 0 ? text.length : gap + 2;
  }
}

function stanzaStart(text: string, at: number): number {
  const gap = text.lastIndexOf('\n\n', at);
  return gap < 0 ? 0 : gap + 2;
}

function provides(text: string, name: string): boolean {
  const literal = name.replace(/[.+]/g, '\\$&');
  return new RegExp(`^Provides:(?:.*[ ,])?${literal}(?=[ ,(:]|$)`, 'm').test(text);
}
