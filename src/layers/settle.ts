import { derivedBy, derivedRules } from '../debian/derived.ts';
import type { Lock } from '../debian/lock.ts';
import { fieldOf, isPending, pendingTriggers, type Records, withPending } from '../debian/records.ts';
import { type Interest, interestsOf, statusKey } from '../debian/triggers.ts';
import { canonicalJson, type Digest, digestOf } from '../store/digest.ts';
import type { RecordPatches, Store } from '../store/layers.ts';
import { identity, type TreePath } from '../store/manifest.ts';
import { type Contribution, contributionsOf, plainName, type Question, questionId } from './contribution.ts';
import type { Inputs } from './key.ts';
import type { Step } from './sandbox.ts';
import { commonBinds, imageEnvironment } from './steps.ts';
import { type View, type ViewLayer, viewDigests, withRecords } from './view.ts';

const STATUS = 'var/lib/dpkg/status';
const INFO = 'var/lib/dpkg/info/';

/** Raised when the same triggers on the same view would now leave something else, or others would be due. */
const FORMAT = 3;

/** What decides, beside the view, which triggers are due and what they leave: two snaps that do not agree in it know nothing of each other's settling. */
export function settlingRules(): Digest {
  return digestOf(`${FORMAT}\n${derivedRules()}`);
}

/** One package whose triggers have to run on the finished view. */
export type Settlement = {
  /** As dpkg names it on its command line. */
  readonly package: string;
  /** In byte order. */
  readonly triggers: readonly string[];
  readonly inputs: Inputs;
  /** Whether one can say what they look at, so that `inputs` has no more of the view than that. */
  readonly isKnown: boolean;
};

/** What the packages of a view have their triggers look at. */
export function questionsOf(view: View): Question[] {
  return interestsOf(view.records).map((interest): Question => {
    const { trigger } = interest;
    return { interest, prefix: trigger.startsWith('/') ? throughAlias(view, trigger) : undefined };
  });
}

/**
 * The packages whose triggers layers deferred, or that make a file again which several layers may have left differently. A layer
 * whose view did not hold the package could not note that it activated it: so everything that a layer brought under a package's
 * interests counts, whatever the status file says.
 */
export function settlements(store: Store, view: View, lock: Lock): Settlement[] {
  const status = view.records.get(STATUS)?.records ?? new Map();
  const questions = questionsOf(view);
  const rows = view.layers.map(({ row }) => row);
  const contributions = contributionsOf(store, rows, questions);
  const brought = contributions.slice(1);
  const activated = activatedNames(brought, status);
  const due = new Map<string, Question[]>();
  for (const question of questions) {
    const { interest, prefix } = question;
    const isDue =
      activated.has(interest.trigger) ||
      ((prefix !== undefined || isMadeBy(interest)) &&
        brought.some(({ answers }) => answers[questionId(question)]?.[0]));
    if (isDue) due.set(interest.package, [...(due.get(interest.package) ?? []), question]);
  }
  return [...due]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, asked]) => {
      const triggers = [...new Set(asked.map(({ interest }) => interest.trigger))].sort();
      const script = view.get(`${INFO}${name}.postinst` as TreePath);
      const isKnown = asked.every(canSay);
      return {
        package: name,
        triggers,
        isKnown,
        inputs: {
          format: FORMAT,
          kind: 'settle',
          arch: lock.arch,
          epoch: lock.epoch,
          package: name,
          version: fieldOf(status.get(statusKey(status, name) ?? '') ?? '', 'Version'),
          script: script ? digestOf(identity(script)) : '',
          triggers,
          activated: triggers.flatMap((trigger) =>
            [...new Set(activated.get(trigger))].filter(Boolean).sort(),
          ),
          sees: isKnown
            ? seenOf(view.layers, contributions, name, asked)
            : digestOf(canonicalJson(viewDigests(view.layers))),
        },
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

/** Whether a trigger of a name is the one by which its package makes its files. */
function isMadeBy({ package: name, trigger }: Interest): boolean {
  return derivedBy(plainName(name)).some(({ triggers }) => triggers.includes(trigger));
}

/** Trigger -> the packages, with version, whose control files activate it in some layer; '' for one that waits. */
function activatedNames(brought: readonly Contribution[], status: Records): Map<string, string[]> {
  const activated = new Map<string, string[]>();
  const add = (trigger: string, by: string): void => {
    activated.set(trigger, [...(activated.get(trigger) ?? []), by]);
  };
  for (const [, triggers] of pendingTriggers(status)) {
    for (const trigger of triggers) add(trigger, '');
  }
  for (const [name, trigger] of brought.flatMap(({ activations }) => activations)) {
    const stanza = status.get(statusKey(status, name) ?? '') ?? '';
    add(trigger, `${name} ${fieldOf(stanza, 'Version')}`);
  }
  return activated;
}

/** Whether one can say what a trigger looks at; that of a name may look at anything, as that of initramfs-tools does. */
function canSay({ interest, prefix }: Question): boolean {
  return prefix !== undefined || isMadeBy(interest);
}

/**
 * A digest of all that a package's triggers see: what each layer contributes, and which of these layers see each other, since that
 * decides between them where they meet. The order of the layers is no part of it.
 */
function seenOf(
  layers: readonly ViewLayer[],
  contributions: readonly Contribution[],
  name: string,
  asked: readonly Question[],
): Digest {
  const ids = [...new Set([...asked.map(questionId), `${plainName(name)} from`])].sort();
  const parts = new Map<string, string>();
  for (const [index, layer] of layers.entries()) {
    const digests = ids.map((id) => contributions[index]?.answers[id]?.[1] ?? '');
    if (digests.some((digest) => digest !== '')) parts.set(layer.name, digests.join(' '));
  }
  const seen = layers.flatMap(({ name: layer, sees }) => {
    const own = parts.get(layer);
    if (own === undefined) return [];
    return [[own, ...[...sees].flatMap((other) => parts.get(other) ?? []).sort()]];
  });
  return digestOf(canonicalJson(seen.map((part) => JSON.stringify(part)).sort()));
}

/** The view with the triggers of one package waiting, and no others: what dpkg is to work off. */
export function withTriggers(view: View, settlement: Settlement | undefined): View {
  return withStatus(view, (status) => {
    const key = settlement && statusKey(status, settlement.package);
    return withPending(status, new Map(settlement && key ? [[key, settlement.triggers]] : []));
  });
}

/**
 * The view with the triggers waiting that settle's layers activated while they ran, `patches` giving theirs: the package that they are for
 * may have been at work beside them, and taken all of its own for done.
 */
export function withActivated(view: View, patches: () => readonly RecordPatches[]): View {
  return withStatus(view, (status) => {
    const records = new Map(status);
    for (const patch of patches()) {
      const set = (patch[STATUS] ?? []).flatMap(([key, value]) =>
        value === null ? [] : [[key, value] as const],
      );
      for (const [key, value] of set) if (isPending(key)) records.set(key, value);
    }
    return records;
  });
}

/** The view with another status file, where it has one. */
function withStatus(view: View, change: (status: Records) => Records): View {
  return withRecords(view, (files) => {
    const file = files.get(STATUS);
    return file ? new Map(files).set(STATUS, { ...file, records: change(file.records) }) : files;
  });
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
