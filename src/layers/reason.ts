import type { Json } from '../store/digest.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import type { Inputs } from './key.ts';
import type { ViewLayer } from './view.ts';

/** Why a layer is not in the store: the first input in which it differs from the last layer of that name. */
export function reasonOf(
  store: Store,
  conf: string,
  name: string,
  inputs: Inputs,
  view: readonly ViewLayer[],
): string {
  const last = store.lastOf(name, conf);
  return last ? firstDifference(store, last, inputs, view) : 'first build';
}

function firstDifference(store: Store, last: LayerRow, inputs: Inputs, view: readonly ViewLayer[]): string {
  const note = store.noteOf(last.n);
  const before = note.inputs as Inputs;
  for (const [name, value] of Object.entries(inputs)) {
    const old = before[name];
    if (JSON.stringify(old) === JSON.stringify(value)) continue;
    switch (name) {
      case 'debs':
        return debReason(asList(old), asList(value));
      case 'data':
        return `data file ${memberReason(old, value)}`;
      case 'files':
        return `file ${memberReason(old, value)}`;
      case 'vars':
        return `variable ${memberReason(old, value)}`;
      case 'sources':
        return 'a fetched source changed';
      case 'functions':
        return functionReason(String(old ?? ''), String(value));
      case 'variables':
        return "the scriptlet's own variables changed";
      case 'view':
        return viewReason(store, note.view, view);
      case 'format':
      case 'prelude':
        return 'another version of snap';
      default:
        return old === undefined ? `${name} is new` : `${name} changed`;
    }
  }
  const gone = Object.keys(before).find((name) => !(name in inputs));
  return gone ? `${gone} is gone` : 'the layer was removed from the store';
}

function asList(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function asTable(value: Json | undefined): Record<string, Json> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, Json>)
    : {};
}

/** Debs are `name version arch sha256`. */
function debReason(before: readonly string[], now: readonly string[]): string {
  const versions = new Map(before.map((deb) => [deb.split(' ')[0], deb.split(' ')[1]]));
  for (const deb of now) {
    const [name, version] = deb.split(' ');
    const old = versions.get(name);
    if (old === undefined) return `deb ${name} ${version} is new`;
    if (old !== version) return `deb ${name} ${old} -> ${version}`;
    if (!before.includes(deb)) return `deb ${name} ${version} has other content`;
  }
  const names = new Set(now.map((deb) => deb.split(' ')[0]));
  const gone = [...versions.keys()].find((name) => !names.has(name));
  return gone ? `deb ${gone} is gone` : 'the order of the debs changed';
}

function memberReason(before: Json | undefined, now: Json): string {
  const [old, members] = [asTable(before), asTable(now)];
  for (const [name, value] of Object.entries(members)) {
    if (!(name in old)) return `${name} is new`;
    if (old[name] !== value) return `${name} changed`;
  }
  return `${Object.keys(old).find((name) => !(name in members)) ?? ''} is gone`;
}

/** `declare -f` prints each function as `NAME () ` and its body. */
function functionReason(before: string, now: string): string {
  const parse = (text: string) =>
    new Map(text.split(/^(?=\S+ \(\) ?$)/m).map((body) => [body.split(' ')[0] ?? '', body]));
  const [old, functions] = [parse(before), parse(now)];
  for (const [name, body] of functions) {
    if (!old.has(name)) return `${name} is new`;
    if (old.get(name) !== body) return `${name} changed`;
  }
  return 'a function is gone';
}

function viewReason(
  store: Store,
  before: readonly (readonly [string, number])[],
  now: readonly ViewLayer[],
): string {
  const old = new Map(before);
  for (const { name, row } of now) {
    const n = old.get(name);
    if (n === undefined) return `${name} is seen now`;
    if (n !== row.n && digestAt(store, n) !== row.digest)
      return `${name === 'base' ? 'the base' : `need ${name}`} differs`;
  }
  const names = new Set(now.map(({ name }) => name));
  const gone = before.find(([name]) => !names.has(name));
  return gone ? `${gone[0]} is not seen any more` : 'the order of the needs changed';
}

function digestAt(store: Store, n: number): string | undefined {
  return store.layerNumbered(n)?.digest;
}
