import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { NAME, NAME_RULE } from './name.ts';
import type { TomlPath } from './toml-line.ts';
import { checkKeys, fault, type Page, string, table, word, words, wrongType } from './toml-table.ts';

/** An archive to take packages from; `name` stands for it in the lock. */
export type Mirror = {
  readonly name: string;
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Absolute path of a keyring file on the host, or undefined for apt's own trusted keys. */
  readonly signedBy: string | undefined;
};

/** A mirror as one conf file gives it: what may be left out is not filled in yet. */
export type RawMirror = Omit<Mirror, 'name' | 'suites'> & {
  readonly name: string | undefined;
  readonly suites: readonly string[] | undefined;
  readonly page: Page;
  readonly index: number;
};

const MIRROR_KEYS = ['name', 'uri', 'suites', 'components', 'signed_by'];

/** The `[[mirror]]` tables of one conf file. */
export function readMirrors(page: Page, value: unknown): RawMirror[] {
  if (value === undefined) return [];
  if (!Array.isArray(value))
    throw wrongType(page, value, ['mirror'], 'a table of its own for each: [[mirror]]');
  return value.map((item, index) => readMirror(page, item, index));
}

function readMirror(page: Page, value: unknown, index: number): RawMirror {
  const path = ['mirror', index];
  const given = table(page, value, path) ?? {};
  checkKeys(page, given, path, MIRROR_KEYS);
  const uri = word(page, given.uri, [...path, 'uri']);
  if (uri === undefined) throw fault(page, path, 'this mirror has no "uri"', 'add uri = "http://..."');
  if (!/^(?:https?:\/\/.|file:\/)/.test(uri)) {
    throw fault(
      page,
      [...path, 'uri'],
      `unknown kind of address "${uri}"`,
      'expected http://, https:// or file:/',
    );
  }
  const name = string(page, given.name, [...path, 'name']);
  if (name !== undefined && !NAME.test(name)) {
    throw fault(page, [...path, 'name'], `"${name}" is not a name for a mirror`, NAME_RULE);
  }
  return {
    name,
    uri: uri.replace(/\/+$/, ''),
    suites: words(page, given.suites, [...path, 'suites']),
    components: words(page, given.components, [...path, 'components']) ?? ['main'],
    signedBy: keyring(page, given.signed_by, [...path, 'signed_by']),
    page,
    index,
  };
}

function keyring(page: Page, value: unknown, path: TomlPath): string | undefined {
  const given = string(page, value, path);
  if (given === undefined) return undefined;
  const file = resolve(page.project, given);
  if (existsSync(file)) return file;
  throw fault(
    page,
    path,
    `there is no keyring "${file}"`,
    'expected a file, absolute or relative to the project',
  );
}

/** Gives names to mirrors without one (the last part of the address) and the conf's suite to those without suites. */
export function nameMirrors(mirrors: readonly RawMirror[], suite: string): Mirror[] {
  const taken = new Set<string>();
  for (const { name, page, index } of mirrors) {
    if (name === undefined) continue;
    if (taken.has(name)) {
      throw fault(
        page,
        ['mirror', index, 'name'],
        `two mirrors are called "${name}"`,
        'give each its own name',
      );
    }
    taken.add(name);
  }
  return mirrors.map(({ name, uri, suites, components, signedBy }) => ({
    name: name ?? freeName(uri, taken),
    uri,
    suites: suites ?? [suite],
    components,
    signedBy,
  }));
}

function freeName(uri: string, taken: Set<string>): string {
  const last = basename(uri).toLowerCase();
  const stem = NAME.test(last) ? last : 'mirror';
  let name = stem;
  for (let count = 2; taken.has(name); count++) name = `${stem}-${count}`;
  taken.add(name);
  return name;
}
