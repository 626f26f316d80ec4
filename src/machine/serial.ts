/** One step of a script that looks at a console on a serial line. */
export type ConsoleStep =
  | { readonly kind: 'expect'; readonly regex: RegExp }
  /** Typed once everything before it was seen, with the Enter key after it. */
  | { readonly kind: 'send'; readonly text: string };

export type ConsoleScript = {
  /** Takes what the console wrote, as plain text; returns what is to be typed now. */
  take(text: string): readonly string[];
  /** What is waited for; undefined when every step is done. */
  readonly awaited: RegExp | undefined;
};

/** Characters of the console in which an expected text is looked for. */
const REACH = 65_536;

/** Goes through the steps in order. What one `expect` has seen the next one does not see again. */
export function consoleScript(steps: readonly ConsoleStep[]): ConsoleScript {
  const open = [...steps];
  let seen = '';
  const typed = (): string[] => {
    const texts: string[] = [];
    for (let next = open[0]; next?.kind === 'send'; next = open[0]) {
      texts.push(`${next.text}\r`);
      open.shift();
    }
    return texts;
  };
  return {
    take(text) {
      seen = (seen + text).slice(-REACH);
      const texts = typed();
      for (let next = open[0]; next?.kind === 'expect'; next = open[0]) {
        const found = next.regex.exec(seen);
        if (!found) break;
        seen = seen.slice(found.index + found[0].length);
        open.shift();
        texts.push(...typed());
      }
      return texts;
    },
    get awaited() {
      return open[0]?.kind === 'expect' ? open[0].regex : undefined;
    },
  };
}

/** Escape sequences as ECMA-48 shapes them, whole ones: CSI, strings (OSC, DCS, ...), others, and one that is none. */
const SEQUENCE =
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|[P\]X^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ\\`-~]|(?=[\x00-\x1f\x7f]))/g;
/** Everything that a terminal would obey but the end of a line and the tab. */
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
/** Characters that the end of an escape sequence is waited for. */
const LONGEST = 256;

/** Makes plain text of what a console writes, piece by piece: without escape sequences and control characters, lines ended by a newline. */
export function plainText(): (bytes: Uint8Array) => string {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const text = (rest + decoder.decode(bytes, { stream: true })).replace(SEQUENCE, '');
    const begun = text.indexOf('\x1b');
    const end = begun !== -1 && text.length - begun < LONGEST ? begun : text.length;
    rest = text.slice(end);
    return text.slice(0, end).replace(CONTROL, '');
  };
}
