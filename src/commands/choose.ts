import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { nearest, SnapError } from '../host/error.ts';
import type { Session } from './session.ts';

/**
 * The project's folder, absolute: that of `-C`, or the nearest one at or above the working directory that has confs.
 * @throws SnapError USAGE when there is none.
 */
export function chooseProject(session: Pick<Session, 'folder'>): string {
  const start = resolve(session.folder ?? '.');
  const found = session.folder === undefined ? findProject(start) : isProject(start) && start;
  if (found) return found;
  throw new SnapError('USAGE', `Cannot find a project in "${start}": no "conf/*.toml"`, {
    hint: 'make one: snap init DIR, or name one: snap -C DIR ...',
  });
}

/** The project's folder, or undefined outside of one. */
export function findProject(folder: string): string | undefined {
  if (isProject(folder)) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : findProject(parent);
}

/**
 * The conf that a person means: the named one (also as `conf/NAME.toml`), else the only one.
 * @throws SnapError USAGE with the names there are.
 */
export function chooseConf(project: string, given: string | undefined): string {
  const names = confNames(project);
  if (given !== undefined) return knownConf(names, confNamed(given));
  if (names.length === 1) return names[0]!;
  throw new SnapError('USAGE', `Several confs, none named: ${quoted(names)}`, {
    hint: `name one: snap build ${names[0]}`,
  });
}

/** The conf that is named by itself or by its file, `conf/NAME.toml`. */
export function confNamed(given: string): string {
  return given.replace(/^.*\//, '').replace(/\.toml$/, '');
}

/** The names of all confs, in byte order. */
export function confNames(project: string): string[] {
  return namesIn(join(project, 'conf'), '.toml');
}

/** The names of all scriptlets, in byte order. */
export function scriptletNames(project: string): string[] {
  return namesIn(join(project, 'scriptlets'), '.sh');
}

function knownConf(names: readonly string[], name: string): string {
  if (names.includes(name)) return name;
  const near = nearest(name, names);
  throw new SnapError('USAGE', `Unknown conf "${name}"`, {
    hint: near.length > 0 ? `did you mean ${quoted(near)}?` : `there are: ${quoted(names)}`,
  });
}

function isProject(folder: string): boolean {
  return statSync(join(folder, 'conf'), { throwIfNoEntry: false })?.isDirectory() === true
    ? confNames(folder).length > 0
    : false;
}

function namesIn(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending) && !file.startsWith('.'))
    .map((file) => file.slice(0, -ending.length))
    .sort();
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
