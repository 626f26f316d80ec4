/** One declaration of a scriptlet's top level: `need user systemd` in line 2. */
export type Declaration = {
  readonly word: string;
  readonly args: readonly string[];
  readonly line: number;
};

/** What the top level of a scriptlet says, before it is held against the conf and the project. */
export type Evaluation = {
  readonly declarations: readonly Declaration[];
  /** Name and text (`declare -f`) of each function, in byte order of names. */
  readonly functions: readonly (readonly [name: string, text: string])[];
  /** One line each: `declare -p` of each variable in byte order of names, then `shopt` of each option that was changed. */
  readonly variables: readonly string[];
};

/** Why a scriptlet has no evaluation. Line 0: unknown. */
export type Fault = { readonly line: number; readonly what: string; readonly hint: string | undefined };

/** What one scriptlet left behind in the evaluator. */
export type Segment = {
  readonly name: string;
  /** Its records, as declare.sh writes them. */
  readonly records: Buffer;
  readonly stderr: string;
  /** Exit status of its subshell. */
  readonly status: number;
  /** The evaluator's `BASHOPTS`, without what the scriptlet changed. */
  readonly shopt: string;
};

const WORDS = new Set([
  'need',
  'install_debian_deb',
  'use_var',
  'use_file',
  'fetch_source',
  'use_network',
  'exclude_path',
  'build_need',
  'kernel_source',
  'kernel_patches',
  'kernel_kconfig',
  'kernel_module',
  'kernel_arch',
  'kernel_version_suffix',
  'kernel_headers',
]);

const PLAIN = 'only declarations, functions and variables belong at the top level of a scriptlet';

const EXTERNAL = 'external commands belong in do_run';

/** All that declare.sh writes besides declarations. */
const NOTES = new Set(['external', 'misplaced', 'overridden', 'shopt', 'function', 'variable', 'end']);

const SNAPS_OWN = new Set([
  ...['ARCH', 'SUITE', 'PATH', 'LC_ALL', 'IMAGE_DIR', 'DATA_DIR', 'RUN_HOME', 'SOURCES_DIR'],
]);

const OWN_HINT = "this variable is snap's own at the top level: choose another name, or set it in do_run";

/** Records other than declarations have the same form. */
type Written = Declaration;

/** Reads what declare.sh wrote about one scriptlet; `known` are the variables that the conf can give. */
export function readSegment(segment: Segment, known: readonly string[]): Evaluation | Fault {
  const { records, whole } = parseRecords(segment.records);
  const faults = [...records.flatMap(faultOf), ...diagnostics(segment, known)];
  const [first] = faults.sort((a, b) => (a.line || Infinity) - (b.line || Infinity));
  if (first) return first;
  if (!whole) return damaged;
  if (records.at(-1)?.word !== 'end') return endedEarly(segment);
  if (records.filter(({ word }) => word === 'end' || word === 'shopt').length !== 2) return damaged;
  return {
    declarations: records.filter(({ word }) => WORDS.has(word)),
    functions: pairs(records, 'function'),
    variables: [
      ...pairs(records, 'variable').map(([, text]) => text),
      ...changedOptions(segment.shopt, records.find(({ word }) => word === 'shopt')?.args[0] ?? ''),
    ],
  };
}

export function isFault(result: Evaluation | Fault): result is Fault {
  return 'what' in result;
}

const damaged: Fault = {
  line: 0,
  what: 'what it says is damaged',
  hint: 'file descriptor 250 belongs to snap',
};

/** The records up to the first one that is damaged. */
function parseRecords(bytes: Buffer): { readonly records: Written[]; readonly whole: boolean } {
  const fields = bytes.toString().split('\0');
  const rest = fields.pop();
  const records: Written[] = [];
  for (let at = 0; at < fields.length; ) {
    const [word = '', line = '', count = ''] = fields.slice(at, at + 3);
    const next = at + 3 + Number(count);
    const known = WORDS.has(word) || NOTES.has(word);
    if (!known || !/^\d{1,9}$/.test(line) || !/^\d{1,6}$/.test(count) || next > fields.length) {
      return { records, whole: false };
    }
    records.push({ word, line: Number(line), args: fields.slice(at + 3, next) });
    at = next;
  }
  return { records, whole: rest === '' };
}

function faultOf({ word, args, line }: Written): Fault[] {
  const [subject = ''] = args;
  switch (word) {
    case 'external':
      return [{ line, what: `"${subject}" is an external command`, hint: EXTERNAL }];
    case 'misplaced':
      return [{ line, what: `"${subject}" at the top level of the scriptlet`, hint: 'it belongs in do_run' }];
    case 'overridden':
      return [{ line, what: `it defines a function "${subject}"`, hint: 'choose another name for it' }];
    case 'variable':
      return SNAPS_OWN.has(subject) ? [{ line, what: `it sets "${subject}"`, hint: OWN_HINT }] : [];
    default:
      return [];
  }
}

/** What bash itself had to say about the scriptlet. */
function diagnostics({ name, stderr }: Segment, known: readonly string[]): Fault[] {
  const prefix = `/run/snap/${name}/scriptlet.sh: `;
  return stderr.split('\n').flatMap((text) => {
    if (!text.startsWith(prefix)) return [];
    const found = /^(?:[a-z ]+: )?line (\d+): (.*)$/.exec(text.slice(prefix.length));
    if (!found) return [];
    const line = Number(found[1]);
    const message = found[2] ?? '';
    return [{ line, what: message, hint: diagnosticHint(message, known) }];
  });
}

function diagnosticHint(message: string, known: readonly string[]): string | undefined {
  const unbound = /^(\w+): unbound variable$/.exec(message)?.[1];
  if (unbound !== undefined) {
    return known.includes(unbound)
      ? `declare it first: use_var ${unbound}`
      : `set it first, or add it to [vars] of the conf and declare it: use_var ${unbound}`;
  }
  if (/: readonly function$/.test(message)) return 'this name is a word of snap: choose another one';
  if (
    /: (?:No such file or directory|Permission denied|Read-only file system|Is a directory)$/.test(message)
  ) {
    return `the top level of a scriptlet sees no files, and ${EXTERNAL}`;
  }
  return undefined;
}

function endedEarly({ status, stderr }: Segment): Fault {
  if (stderr.includes(': cannot allocate '))
    return { line: 0, what: 'its top level needs too much memory', hint: PLAIN };
  const how = status > 128 ? `was ended by signal ${status - 128}` : 'ended before the end of the file';
  return {
    line: 0,
    what: `its top level ${how}`,
    hint: 'only declarations, functions and variables belong there',
  };
}

function pairs(records: readonly Written[], word: string): [string, string][] {
  return records
    .filter((record) => record.word === word)
    .map(({ args: [name = '', text = ''] }): [string, string] => [name, text.replace(/\n$/, '')])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function changedOptions(before: string, after: string): string[] {
  const [had, has] = [new Set(before.split(':')), new Set(after.split(':'))];
  return [
    ...[...has].filter((name) => !had.has(name)).map((name) => `shopt -s ${name}`),
    ...[...had].filter((name) => !has.has(name)).map((name) => `shopt -u ${name}`),
  ].sort();
}
