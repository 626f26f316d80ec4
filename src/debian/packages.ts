/** One package of an index: its stanza as text, without the empty line at its end, and the archive that it comes from. */
export type Stanza = { readonly archive: string; readonly text: string };

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

/** The value of a field with its further lines, or '' without it. */
export function folded(stanza: string, name: string): string {
  const mark = `\n${name}:`;
  const at = stanza.indexOf(mark);
  if (at < 0) return '';
  let end = stanza.indexOf('\n', at + mark.length);
  while (end >= 0 && /[ \t]/.test(stanza[end + 1] ?? '')) end = stanza.indexOf('\n', end + 1);
  return stanza.slice(at + mark.length, end < 0 ? undefined : end).trim();
}

/** Each stanza of a `Packages` file: its package, where it begins and where its last line ends. */
export function eachStanza(text: string, take: (name: string, start: number, end: number) => void): void {
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
