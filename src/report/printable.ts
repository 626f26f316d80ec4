/** Escape sequences as ECMA-48 shapes them, also where the line ends before they do: strings (OSC, DCS, ...), CSI, others. */
const ESCAPES =
  /(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x9c|\x1b\\|$)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?/gs;
const UNSAFE = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/**
 * One line of foreign text (what a scriptlet or a server wrote) that is safe on a terminal: no escape sequence, no control
 * character, no change of the writing direction. What a carriage return wrote over is gone, a tab becomes a space.
 */
export function printable(line: string): string {
  const plain = line.replace(ESCAPES, '').replace(/[\r\n]+$/, '');
  return plain
    .replace(/^.*[\r\n]/s, '')
    .replaceAll('\t', ' ')
    .replace(UNSAFE, '');
}

/** The name of a file in an image (bytes, latin1-decoded) for the eye: UTF-8 where it is, `\xNN` for every other byte. */
export function printablePath(path: string): string {
  const bytes = Buffer.from(path, 'latin1');
  const text = bytes.toString('utf8');
  const valid = Buffer.from(text, 'utf8').equals(bytes);
  const unsafe = valid ? UNSAFE : /[^\x20-\x7e]/g;
  return (valid ? text : path).replace(unsafe, (character) =>
    [...Buffer.from(character, valid ? 'utf8' : 'latin1')]
      .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
      .join(''),
  );
}

/** How many columns of a terminal a printable text takes. */
export function columns(text: string): number {
  let sum = 0;
  for (const character of text) sum += width(character);
  return sum;
}

/** The text, cut to at most `most` columns; what was cut shows as an ellipsis. */
export function cut(text: string, most: number): string {
  if (columns(text) <= most) return text;
  let kept = '';
  let sum = 0;
  for (const character of text) {
    sum += width(character);
    if (sum > most - 1) break;
    kept += character;
  }
  return most < 1 ? '' : `${kept}…`;
}

function width(character: string): number {
  if (/\p{M}/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
