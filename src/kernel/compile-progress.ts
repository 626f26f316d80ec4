/** How far a kernel's make is: a fold over what it prints. */
export type Compiling = {
  /** Files compiled. */
  readonly files: number;
  /** Files to compile, as far as that is known. */
  readonly total: number | undefined;
  /** Of the file compiled last. */
  readonly folder: string;
  readonly warnings: number;
  /** A line that has not ended yet. */
  readonly rest: string;
};

/** What the script that runs make says of how much there is to do. */
export const TOTAL_MARK = 'snap: files to compile: ';

export function beginCompiling(total: number | undefined): Compiling {
  return { files: 0, total, folder: '', warnings: 0, rest: '' };
}

const COMPILED = /^ {2}(?:HOST)?(?:CC|CXX|AS|RUSTC)(?: \[M\])? +(\S+)/;

export function readMakeOutput(compiling: Compiling, text: string): Compiling {
  const lines = `${compiling.rest}${text}`.split('\n');
  const rest = lines.pop() ?? '';
  let { files, total, folder, warnings } = compiling;
  for (const line of lines) {
    const compiled = COMPILED.exec(line)?.[1];
    if (compiled !== undefined) {
      files++;
      folder = compiled.replace(/\/?[^/]*$/, '');
    } else if (/: warning: /.test(line)) warnings++;
    else if (line.startsWith(TOTAL_MARK)) total = Number(line.slice(TOTAL_MARK.length)) || undefined;
  }
  return { files, total, folder, warnings, rest };
}

/** `compiling 120 of 843 files, drivers/net, 2 warnings` */
export function compilingWords({ files, total, folder, warnings }: Compiling): string {
  const many = total !== undefined && total >= files ? `${files} of ${total} files` : counted(files, 'file');
  return [
    `compiling ${many}`,
    ...(folder === '' ? [] : [folder]),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ].join(', ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What went wrong first in a make of many processes. */
export type MakeError = {
  /** In one line: file, line and message, without the folder that everything is built in. */
  readonly what: string;
  /** As the compiler showed it, with the lines that belong to it. */
  readonly lines: readonly string[];
};

/** Lines that belong to one error of a compiler. */
const CONTEXT = 12;

/** In the order in which they explain more: a compiler's own words, then those of linker and modpost, then make's. */
const ERRORS: readonly RegExp[] = [
  /^(\S+?:\d+(?::\d+)?): (?:fatal )?error: (.*)$/,
  /^(\S+?:\d+): (syntax error.*|.*recursive dependency.*)$/,
  /^(\S*Kconfig\S*:\d+): (.* not found|Sorry, .*)$/,
  /^(ERROR: modpost: .*)$/,
  /^(?:\S*ld(?:\.\w+)?: )?(\S+): (undefined reference to .*|multiple definition of .*)$/,
  /^(\S+:\d+): (Error: .*)$/,
  /^make(?:\[\d+\])?: \*\*\* (No rule to make target .*)$/,
  /^(\S*(?:sh|gcc|cc|ld|make)(?:\[\d+\])?: .*(?:not found|No such file or directory).*)$/,
  /^make(?:\[\d+\])?: \*\*\* (.*)$/,
];

/** The first error that explains a failed make; undefined when there is none that one would know. */
export function firstError(log: string): MakeError | undefined {
  const lines = log.split('\n').map(plain);
  for (const pattern of ERRORS) {
    const at = lines.findIndex((line) => pattern.test(line));
    if (at < 0) continue;
    const [, first = '', second] = pattern.exec(lines[at]!) ?? [];
    const what = second === undefined ? first : `${first}: ${second}`;
    return { what, lines: contextOf(lines, at) };
  }
  return undefined;
}

/** Paths as a person knows them: relative to the source, or to the scriptlet's folder. */
function plain(line: string): string {
  return line.replaceAll(/\/usr\/src\/(?:linux|modules|build)\//g, '').trimEnd();
}

/** The compiler's lines about one error: in which function, its text, the excerpt below it. */
function contextOf(lines: readonly string[], at: number): string[] {
  const before = lines.slice(0, at);
  const begin =
    before.findLastIndex(
      (line) => !/^(?:\S+: (?:In function|At top level)|In file included from |\s+from )/.test(line),
    ) + 1;
  const after = lines.slice(at + 1, at + CONTEXT);
  const end = after.findIndex((line) => !/^\s*(?:\d+ )?\s*\||^\S+: note: |^\s*\^/.test(line));
  return [
    ...lines.slice(Math.max(begin, at - CONTEXT), at + 1),
    ...after.slice(0, end < 0 ? after.length : end),
  ];
}
