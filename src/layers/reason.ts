import type { Json } from '../store/digest.ts';
import type { Store } from '../store/layers.ts';
import { type Found, pathsBetween, pathsSeenBetween, type Seen } from './changed-paths.ts';
import type { Inputs } from './key.ts';
import type { ViewLayer } from './view.ts';

export type Change = 'new' | 'changed' | 'gone';

/** One input in which a layer differs from another of its name. Paths are as a person reads them. */
export type Difference =
  /** Equal versions: the same version with other bytes. */
  | { readonly kind: 'deb'; readonly name: string; readonly from?: string; readonly to?: string }
  | { readonly kind: 'deb-order' }
  /** A file of the scriptlet's own folder; of the project (`use_file`). */
  | { readonly kind: 'data' | 'file'; readonly path: string; readonly change: Change }
  /** A variable of the conf (`use_var`); what `fetch_source` fetches. */
  | { readonly kind: 'variable' | 'source'; readonly name: string; readonly change: Change }
  /** Of the scriptlet's file, as bash prints them. */
  | {
      readonly kind: 'function' | 'own-variable';
      readonly name: string;
      readonly change: Change;
      readonly before: string;
      readonly now: string;
    }
  /** A layer that it sees, base included; `changed`: the first paths in which that differs, and how many there are. */
  | ({ readonly kind: 'need'; readonly name: string; readonly change: Change } & Found)
  | { readonly kind: 'need-order' }
  /** What a package's triggers work on. */
  | ({ readonly kind: 'seen' } & Found)
  | { readonly kind: 'activation'; readonly by: string; readonly change: Change }
  | { readonly kind: 'snap' }
  | { readonly kind: 'input'; readonly name: string; readonly change: Change };

/** Why a layer runs, or what is to be said of one that does not. */
export type Reason =
  | Difference
  | { readonly kind: 'first' }
  /** It had these very inputs, and is not in the store any more. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'asked' }
  | { readonly kind: 'no-lock' }
  | { readonly kind: 'uncovered' }
  /** It sees a layer that will run, and what comes out of that nobody knows. */
  | { readonly kind: 'below'; readonly layer: string }
  | { readonly kind: 'impure' };

/** What decides a layer, and the layers that it saw. */
export type Decided = { readonly inputs: Inputs; readonly view: Seen };

type Contents = Pick<Store, 'layerNumbered' | 'manifestOf' | 'recordsOf'>;

/** Why a layer is not in the store: the first input in which it differs from the last layer of that name. */
export function reasonOf(
  store: Contents & Pick<Store, 'lastOf' | 'noteOf'>,
  conf: string,
  name: string,
  inputs: Inputs,
  view: readonly ViewLayer[],
): Reason {
  const last = store.lastOf(name, conf);
  if (!last) return { kind: 'first' };
  const now = { inputs, view: view.map((layer) => [layer.name, layer.row.n] as const) };
  const [first] = differences(store, decidedOf(store, last.n), now);
  return first ?? { kind: 'lost' };
}

export function decidedOf(store: Pick<Store, 'noteOf'>, n: number): Decided {
  const { inputs, view } = store.noteOf(n);
  return { inputs: inputs as Inputs, view };
}

/**
 * All inputs in which a layer differs from an earlier one, in the order of the key, but what it sees last: with another view alone it may not
 * have run. Worked out as they are asked for.
 */
export function* differences(store: Contents, before: Decided, now: Decided): Generator<Difference> {
  const { view, ...own } = now.inputs;
  for (const [name, value] of Object.entries(view === undefined ? own : { ...own, view })) {
    const old = before.inputs[name];
    if (JSON.stringify(old) === JSON.stringify(value)) continue;
    if (old === undefined) yield { kind: 'input', name, change: 'new' };
    else yield* inputDifferences(store, name, before, now);
  }
  for (const name of Object.keys(before.inputs)) {
    if (!(name in now.inputs)) yield { kind: 'input', name, change: 'gone' };
  }
}

function* inputDifferences(
  store: Contents,
  name: string,
  before: Decided,
  now: Decided,
): Generator<Difference> {
  const [old, value] = [before.inputs[name], now.inputs[name]];
  switch (name) {
    case 'debs':
      return yield* debDifferences(asList(old), asList(value));
    case 'view':
      return yield* needDifferences(store, before, now);
    case 'data':
    case 'files':
      for (const [path, change] of changedMembers(asTable(old), asTable(value))) {
        yield { kind: name === 'data' ? 'data' : 'file', path, change };
      }
      return;
    case 'vars':
      for (const [member, change] of changedMembers(asTable(old), asTable(value)))
        yield { kind: 'variable', name: member, change };
      return;
    case 'sources':
      for (const [member, change] of changedMembers(firstWords(old), firstWords(value)))
        yield { kind: 'source', name: member, change };
      return;
    case 'patches':
      return yield* partDifferences(['patch', 'patches'], firstWords(old), firstWords(value));
    case 'kconfig':
      return yield* partDifferences(['', 'settings'], settingsIn(String(old)), settingsIn(String(value)));
    case 'modules':
      return yield* partDifferences(['module', 'modules'], textsOf(old), textsOf(value));
    case 'functions':
      return yield* textDifferences('function', functionsIn(String(old)), functionsIn(String(value)));
    case 'variables':
      return yield* ownVariables(before.inputs, now.inputs);
    case 'version':
      return yield { kind: 'deb', name: String(now.inputs.package), from: String(old), to: String(value) };
    case 'activated':
      for (const [by, change] of changedMembers(firstWords(old), firstWords(value)))
        yield { kind: 'activation', by, change };
      return;
    case 'sees':
      return yield { kind: 'seen', ...pathsSeenBetween(store, before.view, now.view, now.inputs) };
    case 'format':
    case 'prelude':
      return yield { kind: 'snap' };
    default:
      return yield { kind: 'input', name, change: 'changed' };
  }
}

type Table = Readonly<Record<string, Json>>;

function asList(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function asTable(value: Json | undefined): Table {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Table) : {};
}

/** Lines by their first word. */
function firstWords(value: Json | undefined): Table {
  return Object.fromEntries(asList(value).map((line) => [line.split(' ')[0] ?? '', line]));
}

/** The parts of an input by name; where none of them differs, their order does. */
function* partDifferences(
  [noun, nouns]: readonly [string, string],
  before: Table,
  now: Table,
): Generator<Difference> {
  let same = true;
  for (const [name, change] of changedMembers(before, now)) {
    same = false;
    yield { kind: 'input', name: `${noun} ${name}`.trimStart(), change };
  }
  if (same) yield { kind: 'input', name: `the order of the ${nouns}`, change: 'changed' };
}

/** The lines of a kernel's configuration by symbol. */
function settingsIn(text: string): Table {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [/CONFIG_\w+/.exec(line)?.[0] ?? line, line]));
}

function textsOf(value: Json | undefined): Table {
  return Object.fromEntries(Object.entries(asTable(value)).map(([name, one]) => [name, JSON.stringify(one)]));
}

/** The members that are not the same in two tables: in the order of the new one, then those that are gone. */
function* changedMembers(before: Table, now: Table): Generator<[name: string, change: Change]> {
  for (const [name, value] of Object.entries(now)) {
    if (!Object.hasOwn(before, name)) yield [name, 'new'];
    else if (before[name] !== value) yield [name, 'changed'];
  }
  for (const name of Object.keys(before)) if (!Object.hasOwn(now, name)) yield [name, 'gone'];
}

/** Debs are `name version arch sha256`. */
function* debDifferences(before: readonly string[], now: readonly string[]): Generator<Difference> {
  const parse = (debs: readonly string[]) =>
    new Map(debs.map((deb) => [deb.split(' ')[0] ?? '', { version: deb.split(' ')[1] ?? '', deb }]));
  const [old, debs] = [parse(before), parse(now)];
  let same = true;
  for (const [name, { version, deb }] of debs) {
    const was = old.get(name);
    if (was?.deb === deb) continue;
    same = false;
    yield was ? { kind: 'deb', name, from: was.version, to: version } : { kind: 'deb', name, to: version };
  }
  for (const [name, { version }] of old) {
    if (debs.has(name)) continue;
    same = false;
    yield { kind: 'deb', name, from: version };
  }
  if (same) yield { kind: 'deb-order' };
}

function* needDifferences(store: Contents, before: Decided, now: Decided): Generator<Difference> {
  const [old, seen] = [seenBy(before), seenBy(now)];
  let same = true;
  for (const [name, { n, digest }] of seen) {
    const was = old.get(name);
    if (was?.digest === digest) continue;
    same = false;
    if (was) yield { kind: 'need', name, change: 'changed', ...pathsBetween(store, was.n, n) };
    else yield { kind: 'need', name, change: 'new', paths: [], count: 0 };
  }
  for (const name of old.keys()) {
    if (seen.has(name)) continue;
    same = false;
    yield { kind: 'need', name, change: 'gone', paths: [], count: 0 };
  }
  if (same) yield { kind: 'need-order' };
}

/** The layers of a view with the contents that they had: the key holds these in the same order. */
function seenBy({ inputs, view }: Decided): Map<string, { readonly n: number; readonly digest: string }> {
  const digests = asList(inputs.view);
  return new Map(view.map(([name, n], at) => [name, { n, digest: digests[at] ?? '' }]));
}

function* textDifferences(
  kind: 'function' | 'own-variable',
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): Generator<Difference> {
  for (const [name, change] of changedMembers(before, now)) {
    yield { kind, name, change, before: before[name] ?? '', now: now[name] ?? '' };
  }
}

/** `declare -f` prints each function as `NAME () ` and its body. */
function functionsIn(text: string): Record<string, string> {
  const bodies = text.split(/^(?=\S+ \(\) ?$)/m).filter((body) => body.trim() !== '');
  return Object.fromEntries(bodies.map((body) => [body.split(' ')[0] ?? '', body]));
}

/** Those of the conf are inputs of their own, and told there. */
function* ownVariables(before: Inputs, now: Inputs): Generator<Difference> {
  const given = { ...asTable(before.vars), ...asTable(now.vars) };
  const parse = (text: Json | undefined): Record<string, string> => {
    const lines = String(text)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [/^declare \S+ ([^=]+)/.exec(line)?.[1] ?? line.replace(/ -[su] /, ' '), line] as const);
    return Object.fromEntries(lines.filter(([name]) => !Object.hasOwn(given, name)));
  };
  yield* textDifferences('own-variable', parse(before.variables), parse(now.variables));
}

/** A reason in one line. */
export function wordsOf(reason: Reason): string {
  switch (reason.kind) {
    case 'first':
      return 'first build';
    case 'lost':
      return 'the layer was removed from the store';
    case 'asked':
      return 'asked for';
    case 'no-lock':
      return 'there is no lock yet';
    case 'uncovered':
      return 'the lock does not cover its packages yet';
    case 'below':
      return `known when ${reason.layer} has run`;
    case 'impure':
      return 'impure: it used the network; --rerun asks again';
    case 'deb':
      return debWords(reason);
    case 'deb-order':
      return 'the order of the debs changed';
    case 'data':
      return `data file ${changeWords(reason.path === '' ? 'folder' : reason.path, reason.change)}`;
    case 'file':
      return `file ${changeWords(reason.path, reason.change)}`;
    case 'variable':
      return `variable ${changeWords(reason.name, reason.change)}`;
    case 'source':
      return `source ${changeWords(reason.name, reason.change)}`;
    case 'function':
      return changeWords(reason.name, reason.change);
    case 'own-variable':
      return `own variable ${changeWords(reason.name, reason.change)}`;
    case 'need':
      return needWords(reason);
    case 'need-order':
      return 'the order of the needs changed';
    case 'seen':
      return reason.count === 0 ? 'what its triggers see differs' : differing(reason);
    case 'activation':
      return `activated by ${reason.by}: ${reason.change}`;
    case 'snap':
      return 'another version of snap';
    case 'input':
      return changeWords(reason.name, reason.change);
    default:
      return reason satisfies never;
  }
}

function changeWords(name: string, change: Change): string {
  return change === 'changed' ? `${name} changed` : `${name} is ${change}`;
}

function debWords({ name, from, to }: Difference & { kind: 'deb' }): string {
  if (from === undefined) return `deb ${name} ${to} is new`;
  if (to === undefined) return `deb ${name} is gone`;
  return from === to ? `deb ${name} ${to} has other content` : `deb ${name} ${from} -> ${to}`;
}

function needWords(need: Difference & { kind: 'need' }): string {
  const { name, change, count } = need;
  if (change === 'new') return `need ${name} is new`;
  if (change === 'gone') return `need ${name} is gone`;
  const what = name === 'base' ? 'base' : `need ${name}`;
  return count === 0 ? `${what} differs` : `${what}: ${differing(need)}`;
}

function differing({ paths, count }: Found): string {
  return count === 1 ? `${paths[0]} differs` : `${paths[0]} and ${count - 1} more differ`;
}
