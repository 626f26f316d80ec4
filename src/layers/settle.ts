import { readFileSync } from 'node:fs';
import { derivedBy } from '../debian/derived.ts';
import type { Lock } from '../debian/lock.ts';
import { fieldOf, pendingTriggers, type Records, withPending } from '../debian/records.ts';
import { activationsOf, type Interest, interestsOf, statusKey } from '../debian/triggers.ts';
import { digestOf, startDigest } from '../store/digest.ts';
import type { Store } from '../store/layers.ts';
import { type Entry, identity, type TreePath } from '../store/manifest.ts';
import { at } from '../store/tree.ts';
import type { Inputs } from './key.ts';
import type { Step } from './sandbox.ts';
import { commonBinds, imageEnvironment } from './steps.ts';
import { type Placed, type View, withRecords } from './view.ts';

const STATUS = 'var/lib/dpkg/status';
const INFO = 'var/lib/dpkg/info/';

/** One package whose triggers have to run on the finished view. */
export type Settlement = {
  /** As dpkg names it on its command line. */
  readonly package: string;
  /** In byte order. */
  readonly triggers: readonly string[];
  readonly inputs: Inputs;
};

/**
 * The packages whose triggers layers deferred, or that make a file again which several layers may have left differently. A layer
 * whose view did not hold the package could not note that it activated it: so everything that a layer brought under a package's
 * interests counts, whatever the status file says.
 */
export function settlements(store: Store, view: View, lock: Lock): Settlement[] {
  const status = view.records.get(STATUS)?.records ?? new Map();
  const brought = [...view.entries()].filter(({ layer }) => layer > 0);
  const activated = activatedNames(store, view, brought, status);
  const due = new Map<string, Set<string>>();
  const add = (name: string, trigger: string): void => {
    due.set(name, (due.get(name) ?? new Set()).add(trigger));
  };
  for (const interest of interestsOf(view.records)) {
    const { trigger } = interest;
    if (trigger.startsWith('/')) {
      const prefix = throughAlias(view, trigger);
      if (brought.some(({ entry }) => isUnder(entry.path, prefix))) add(interest.package, trigger);
    } else if (activated.has(trigger) || makesFrom(interest, brought)) add(interest.package, trigger);
  }
  return [...due]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, triggers]) => {
      const sorted = [...triggers].sort();
      return {
        package: name,
        triggers: sorted,
        inputs: settleInputs(view, lock, status, name, sorted, activated),
      };
    });
}

/** The path of a file trigger in the tree: /lib/udev is usr/lib/udev where /lib is a link to usr/lib. */
function throughAlias(view: View, trigger: string): string {
  const [first = '', ...rest] = trigger.slice(1).split('/');
  const entry = view.get(first as TreePath);
  const start = entry?.type === 'symlink' ? entry.target.replace(/^\/+/, '') : first;
  return [start, ...rest].join('/');
}

function isUnder(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/');
}

/** Whether layers brought something that the package's explicit trigger makes its files from. */
function makesFrom({ package: name, trigger }: Interest, brought: readonly Placed[]): boolean {
  const rules = derivedBy(plainName(name)).filter(({ triggers }) => triggers.includes(trigger));
  return rules.some((rule) =>
    brought.some(({ entry }) => rule.paths.test(entry.path) || rule.from?.test(entry.path)),
  );
}

function plainName(name: string): string {
  return name.split(':')[0] ?? name;
}

/** Explicit trigger -> the packages, with version, that activated it in some layer. */
function activatedNames(
  store: Store,
  view: View,
  brought: readonly Placed[],
  status: Records,
): Map<string, string[]> {
  const activated = new Map<string, string[]>();
  const add = (trigger: string, by: string): void => {
    activated.set(trigger, [...(activated.get(trigger) ?? []), by]);
  };
  for (const [, triggers] of pendingTriggers(status)) {
    for (const trigger of triggers) if (!trigger.startsWith('/')) add(trigger, '');
  }
  for (const { entry, layer } of brought) {
    if (!entry.path.startsWith(INFO) || !entry.path.endsWith('.triggers') || entry.type !== 'file') continue;
    const control = readFileSync(at(store.treeOf(view.layers[layer]!.row.n), entry.path), 'latin1');
    for (const trigger of activationsOf(control)) {
      const name = entry.path.slice(INFO.length, -'.triggers'.length);
      const stanza = status.get(statusKey(status, name) ?? '') ?? '';
      add(trigger, `${name} ${fieldOf(stanza, 'Version')}`);
    }
  }
  return activated;
}

/** What a package's triggers see: what lies under its interests, and who activated it. */
function settleInputs(
  view: View,
  lock: Lock,
  status: Records,
  name: string,
  triggers: readonly string[],
  activated: ReadonlyMap<string, readonly string[]>,
): Inputs {
  const files = triggers.filter((trigger) => trigger.startsWith('/'));
  const prefixes = files.map((trigger) => throughAlias(view, trigger));
  const rules = derivedBy(plainName(name));
  const seen: Entry[] = [];
  for (const { entry } of view.entries()) {
    const relevant =
      prefixes.some((prefix) => isUnder(entry.path, prefix)) ||
      rules.some(({ from }) => from?.test(entry.path));
    const made = rules.some(({ paths }) => paths.test(entry.path));
    if (relevant && !made && entry.type !== 'dir') seen.push(entry);
  }
  const script = view.get(`${INFO}${name}.postinst` as TreePath);
  return {
    format: 1,
    kind: 'settle',
    arch: lock.arch,
    epoch: lock.epoch,
    package: name,
    version: fieldOf(status.get(statusKey(status, name) ?? '') ?? '', 'Version'),
    script: script ? digestOf(identity(script)) : '',
    triggers,
    activated: triggers.flatMap((trigger) => [...(activated.get(trigger) ?? [])].filter(Boolean).sort()),
    sees: digestEntries(seen),
  };
}

function digestEntries(entries: readonly Entry[]): string {
  const digest = startDigest();
  const lines = entries.map((entry) => `${entry.path}\n${identity(entry)}\n`).sort();
  for (const line of lines) digest.update(Buffer.from(line, 'latin1'));
  return digest.end();
}

/** The view with the triggers of one package waiting, and no others: what dpkg is to work off. */
export function withTriggers(view: View, settlement: Settlement | undefined): View {
  const file = view.records.get(STATUS);
  if (!file) return view;
  const key = settlement && statusKey(file.records, settlement.package);
  const pending = new Map(settlement && key ? [[key, settlement.triggers]] : []);
  const records = new Map(view.records).set(STATUS, { ...file, records: withPending(file.records, pending) });
  return withRecords(view, records);
}

/** The packages for which triggers still wait in a view. */
export function unsettled(view: View): string[] {
  return [...pendingTriggers(view.records.get(STATUS)?.records ?? new Map()).keys()];
}

export function settleStep(settlement: Settlement, epoch: number, eatmydata: string): Step {
  return {
    command: ['/bin/sh', '-c', 'umask 022; dpkg --triggers-only "$1"', 'dpkg', settlement.package],
    env: imageEnvironment(epoch),
    binds: commonBinds(eatmydata),
    network: false,
  };
}
