/** The way to a value: `['mirror', 1, 'uri']` is `uri` in the second `[[mirror]]`. */
export type TomlPath = readonly (string | number)[];

/**
 * Line (from 1) of the value that `path` leads to in a valid TOML text, or that of the nearest value around it.
 * The parser keeps no positions, so this reads headers and keys line by line.
 */
export function lineOf(text: string, path: TomlPath): number {
  const places = keyLines(text);
  for (let length = path.length; length > 0; length--) {
    const line = places.get(spell(path.slice(0, length)));
    if (line === undefined) continue;
    const index = path[length];
    return typeof index === 'number' ? elementLine(text, line, index) : line;
  }
  return 1;
}

/** A decimal number as the person wrote it (`1.10`), or undefined where the value at `line` is none. */
export function decimalAt(text: string, line: number): string | undefined {
  return /=\s*(-?\d+(?:\.\d+)?)\s*(?:#.*)?$/.exec(text.split('\n')[line - 1]?.trimEnd() ?? '')?.[1];
}

function keyLines(text: string): Map<string, number> {
  const places = new Map<string, number>();
  const counts = new Map<string, number>();
  let table: TomlPath = [];
  for (const [index, line] of text.split('\n').entries()) {
    const array = /^\s*\[\[(.+?)\]\]/.exec(line)?.[1];
    const header = array ?? /^\s*\[([^[\]]+)\]\s*(?:#.*)?$/.exec(line)?.[1];
    const key = /^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+|\s*\.\s*)+?)\s*=/.exec(line)?.[1];
    if (array !== undefined) table = nextOf(parts(array), counts);
    else if (header !== undefined) table = parts(header);
    const place = spell(header === undefined && key !== undefined ? [...table, ...parts(key)] : table);
    if ((header ?? key) !== undefined && !places.has(place)) places.set(place, index + 1);
  }
  return places;
}

function nextOf(name: readonly string[], counts: Map<string, number>): TomlPath {
  const count = counts.get(spell(name)) ?? 0;
  counts.set(spell(name), count + 1);
  return [...name, count];
}

/** Line of the string number `index` of the array that begins at `line`; `line` itself where it cannot be told. */
function elementLine(text: string, line: number, index: number): number {
  const rest = text
    .split('\n')
    .slice(line - 1)
    .join('\n');
  const begin = rest.indexOf('[', rest.indexOf('=')) + 1;
  let seen = 0;
  for (const token of rest.slice(begin).matchAll(/"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|\]/g)) {
    if (token[0] === ']') break;
    if (token[0].startsWith('#') || seen++ < index) continue;
    return line + rest.slice(0, begin + token.index).split('\n').length - 1;
  }
  return line;
}

function parts(dotted: string): string[] {
  return [...dotted.matchAll(/"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)/g)].map((m) => m[1] ?? m[2] ?? m[3] ?? '');
}

function spell(path: TomlPath): string {
  return JSON.stringify(path);
}
