import type { Records } from './records.ts';

/** A package that reacts when something happens to a path, or when a trigger of a name is activated. */
export type Interest = {
  /** As dpkg writes it: with the architecture where several may be installed. */
  readonly package: string;
  /** An absolute path, or a plain name. */
  readonly trigger: string;
};

const FOLDER = 'var/lib/dpkg/triggers/';

/** All interests from the record files of the trigger database. */
export function interestsOf(files: ReadonlyMap<string, { readonly records: Records }>): Interest[] {
  const interests: Interest[] = [];
  for (const [path, { records }] of files) {
    if (!path.startsWith(FOLDER)) continue;
    const name = path.slice(FOLDER.length);
    for (const line of records.keys()) {
      const words = line.split(' ');
      const [trigger, owner] = name === 'File' ? [words.slice(0, -1).join(' '), words.at(-1)] : [name, line];
      if (owner && trigger) interests.push({ trigger, package: owner.replace(/\/noawait$/, '') });
    }
  }
  return interests;
}

/** What the trigger database gets of a package's `triggers` control file, by database file. */
export function interestRecords(name: string, control: string): Record<string, [string, string][]> {
  const files: Record<string, [string, string][]> = {};
  for (const [directive, trigger] of directivesIn(control)) {
    if (!directive.startsWith('interest')) continue;
    const owner = directive === 'interest-noawait' ? `${name}/noawait` : name;
    const [file, line] = trigger.startsWith('/') ? ['File', `${trigger} ${owner}`] : [trigger, owner];
    files[`${FOLDER}${file}`] = [...(files[`${FOLDER}${file}`] ?? []), [line, line]];
  }
  return files;
}

/** The explicit triggers that a package activates when it is configured, from its `triggers` control file. */
export function activationsOf(control: string): string[] {
  return directivesIn(control)
    .filter(([directive]) => directive.startsWith('activate'))
    .map(([, trigger]) => trigger);
}

function directivesIn(control: string): [directive: string, trigger: string][] {
  return control
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
    .flatMap(([directive = '', trigger]): [string, string][] => (trigger ? [[directive, trigger]] : []));
}

/** The record key of a package as the trigger database names it. */
export function statusKey(status: Records, name: string): string | undefined {
  if (status.has(name)) return name;
  const plain = name.split(':')[0];
  for (const key of status.keys()) if (!key.includes('\0') && key.split(':')[0] === plain) return key;
  return undefined;
}
