/**
 * The shared database files of a Debian system as sets of records, so that layers that wrote one of them apart can be merged.
 * A record is a key and a value; members of a set (a group's users, a question's owners) are records of their own, with an
 * empty value, under the key of what they belong to. Files and values are bytes, each as one character (latin1).
 */
export type Records = Map<string, string>;

type Format = {
  parse(text: string): Records;
  format(records: Records): string;
};

const SEPARATOR = '\0';

function subKey(key: string, kind: string, member: string): string {
  return `${key}${SEPARATOR}${kind}${SEPARATOR}${member}`;
}

/** Whether a record is a member of another record's set, and then of which. */
function splitKey(key: string): { key: string; kind: string | undefined; member: string } {
  const [owner = '', kind, ...member] = key.split(SEPARATOR);
  return { key: owner, kind, member: member.join(SEPARATOR) };
}

function membersOf(records: Records): Map<string, Map<string, string[]>> {
  const members = new Map<string, Map<string, string[]>>();
  for (const full of records.keys()) {
    const { key, kind, member } = splitKey(full);
    if (kind === undefined) continue;
    const kinds = members.get(key) ?? new Map<string, string[]>();
    members.set(key, kinds.set(kind, [...(kinds.get(kind) ?? []), member]));
  }
  return members;
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** One record a line, found by `keyOf`. */
function lineFormat(keyOf: (line: string) => string): Format {
  return {
    parse: (text) => new Map(linesOf(text).map((line) => [keyOf(line), line])),
    format: (records) => [...records.values()].map((line) => `${line}\n`).join(''),
  };
}

const wholeLine = lineFormat((line) => line);
const byFirstField = lineFormat((line) => line.slice(0, line.indexOf(':')));
const byLastField = lineFormat((line) => line.slice(line.lastIndexOf(' ') + 1));

/** etc/group (members in the last field) and etc/gshadow (administrators in the last but one, members in the last). */
function groupFormat(sets: readonly string[]): Format {
  return {
    parse(text) {
      const records: Records = new Map();
      for (const line of linesOf(text)) {
        const fields = line.split(':');
        const key = fields[0] ?? '';
        records.set(key, fields.slice(0, -sets.length).join(':'));
        sets.forEach((kind, index) => {
          const members = fields.at(index - sets.length) ?? '';
          for (const member of members.split(',').filter(Boolean)) records.set(subKey(key, kind, member), '');
        });
      }
      return records;
    },
    format(records) {
      const members = membersOf(records);
      const lines: string[] = [];
      for (const [key, value] of records) {
        if (splitKey(key).kind !== undefined) continue;
        const fields = sets.map((kind) => (members.get(key)?.get(kind) ?? []).join(','));
        lines.push(`${[value, ...fields].join(':')}\n`);
      }
      return lines.join('');
    },
  };
}

/** var/lib/dpkg/diversions: a record is three lines, found by the first: the path that is diverted. Half a record is none. */
const diversions: Format = {
  parse(text) {
    const lines = linesOf(text);
    const records: Records = new Map();
    for (let i = 0; i + 3 <= lines.length; i += 3)
      records.set(lines[i] ?? '', lines.slice(i, i + 3).join('\n'));
    return records;
  },
  format: (records) => [...records.values()].map((record) => `${record}\n`).join(''),
};

function stanzasOf(text: string): string[] {
  return text
    .split(/\n\n+/)
    .map((stanza) => stanza.replace(/^\n+|\n+$/g, ''))
    .filter((stanza) => stanza !== '');
}

/** The value of a field of a stanza with its continuation lines, or ''. */
export function fieldOf(stanza: string, name: string): string {
  const start = stanza.startsWith(`${name}:`) ? 0 : stanza.indexOf(`\n${name}:`) + 1;
  if (start === 0 && !stanza.startsWith(`${name}:`)) return '';
  let end = stanza.indexOf('\n', start);
  while (end >= 0 && stanza[end + 1] === ' ') end = stanza.indexOf('\n', end + 1);
  // Not trim(): in latin1 it would take the byte A0, a part of letters in UTF-8, for a space.
  return stanza.slice(start + name.length + 1, end < 0 ? undefined : end).replace(/^[ \t\n]+|[ \t\n]+$/g, '');
}

function withoutField(stanza: string, name: string): string {
  return `${stanza}\n`.replace(new RegExp(`^${name}:.*\\n(?: .*\\n)*`, 'm'), '').replace(/\n$/, '');
}

const PENDING = 'pending';

/**
 * var/lib/dpkg/status by package and architecture. Triggers that wait are members of a set; that others await them is left out,
 * since settle works it out anew, and a package that only waits for triggers counts as installed.
 */
const status: Format = {
  parse(text) {
    const records: Records = new Map();
    for (const stanza of stanzasOf(text)) {
      const key = `${fieldOf(stanza, 'Package')}:${fieldOf(stanza, 'Architecture')}`;
      const triggers = fieldOf(stanza, 'Triggers-Pending')
        .split(/[ \t\n]+/)
        .filter(Boolean);
      const plain = withoutField(withoutField(stanza, 'Triggers-Pending'), 'Triggers-Awaited');
      records.set(
        key,
        plain.replace(/^Status: (\S+ \S+) triggers-(pending|awaited)$/m, 'Status: $1 installed'),
      );
      for (const trigger of triggers) records.set(subKey(key, PENDING, trigger), '');
    }
    return records;
  },
  format(records) {
    const members = membersOf(records);
    const stanzas: string[] = [];
    for (const [key, stanza] of records) {
      if (splitKey(key).kind !== undefined) continue;
      const triggers = members.get(key)?.get(PENDING);
      stanzas.push(`${triggers ? pendingStanza(stanza, triggers) : stanza}\n\n`);
    }
    return stanzas.join('');
  },
};

function pendingStanza(stanza: string, triggers: readonly string[]): string {
  const waiting = stanza.replace(/^Status: (\S+ \S+) installed$/m, 'Status: $1 triggers-pending');
  return `${waiting}\nTriggers-Pending: ${[...triggers].sort().join(' ')}`;
}

/** The trigger activations that wait in a status file: package -> triggers, in byte order. */
export function pendingTriggers(records: Records): Map<string, string[]> {
  const pending = new Map<string, string[]>();
  for (const [key, kinds] of membersOf(records)) pending.set(key, [...(kinds.get(PENDING) ?? [])].sort());
  return pending;
}

/** Whether a record of a status file is a trigger that waits. */
export function isPending(key: string): boolean {
  return splitKey(key).kind === PENDING;
}

/** The status records with exactly these triggers waiting. */
export function withPending(records: Records, pending: ReadonlyMap<string, readonly string[]>): Records {
  const result: Records = new Map();
  for (const [key, value] of records) if (splitKey(key).kind === undefined) result.set(key, value);
  for (const [key, triggers] of pending) {
    for (const trigger of triggers) result.set(subKey(key, PENDING, trigger), '');
  }
  return result;
}

/** debconf's databases by question or template, its owners and flags as sets. */
const debconf: Format = {
  parse(text) {
    const records: Records = new Map();
    for (const stanza of stanzasOf(text)) {
      const key = fieldOf(stanza, 'Name');
      records.set(key, withoutField(withoutField(stanza, 'Owners'), 'Flags'));
      for (const kind of ['Owners', 'Flags']) {
        const members = fieldOf(stanza, kind).split(', ').filter(Boolean);
        for (const member of members) records.set(subKey(key, kind, member), '');
      }
    }
    return records;
  },
  format(records) {
    const members = membersOf(records);
    const stanzas: string[] = [];
    for (const [key, value] of records) {
      if (splitKey(key).kind !== undefined) continue;
      const sets = ['Owners', 'Flags'].flatMap((kind) => {
        const values = members.get(key)?.get(kind);
        return values ? [`${kind}: ${[...values].sort().join(', ')}`] : [];
      });
      stanzas.push(`${[value, ...sets].join('\n')}\n\n`);
    }
    return stanzas.join('');
  },
};

const FORMATS: readonly (readonly [RegExp, Format])[] = [
  [/^etc\/(passwd|shadow)$/, byFirstField],
  [/^etc\/(subuid|subgid|shells)$/, wholeLine],
  [/^etc\/group$/, groupFormat(['member'])],
  [/^etc\/gshadow$/, groupFormat(['administrator', 'member'])],
  [/^var\/lib\/dpkg\/status$/, status],
  [/^var\/lib\/dpkg\/diversions$/, diversions],
  [/^var\/lib\/dpkg\/statoverride$/, byLastField],
  [/^var\/lib\/dpkg\/triggers\/(?!Lock$|Unincorp$)[^/]+$/, wholeLine],
  [/^var\/lib\/ucf\/(hashfile|registry)$/, byLastField],
  [/^var\/cache\/debconf\/[^/]+\.dat$/, debconf],
];

function formatFor(path: string): Format | undefined {
  return FORMATS.find(([pattern]) => pattern.test(path))?.[1];
}

/** Whether a path is a shared database file, which never lies in a layer's tree. */
export function isRecordFile(path: string): boolean {
  return formatFor(path) !== undefined;
}

/** The records of a database file; `text` is its content as latin1. */
export function parseRecords(path: string, text: string): Records {
  return formatFor(path)?.parse(text) ?? new Map();
}

export function formatRecords(path: string, records: Records): string {
  return formatFor(path)?.format(records) ?? '';
}

/** The record that a key stands for, as a person reads it: `dpkg:amd64`, `audio (member dlog)`. */
export function recordName(key: string): string {
  const { key: owner, kind, member } = splitKey(key);
  return kind === undefined ? owner : `${owner} (${kind} ${member})`;
}
