import { readFileSync } from 'node:fs';
import { derivedBy } from '../debian/derived.ts';
import { activationsOf, type Interest } from '../debian/triggers.ts';
import { digestOf, startDigest } from '../store/digest.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import { type Entry, identity, type Manifest } from '../store/manifest.ts';
import { at } from '../store/tree.ts';

/** What a package's trigger looks at: all beneath a path of the tree, or what its files are made from. */
export type Question = {
  readonly interest: Interest;
  /** Where a file trigger really lies; undefined for a trigger of a name. */
  readonly prefix: string | undefined;
};

/** What one layer holds of what the triggers look at. */
export type Contribution = {
  /** By question: whether the layer brought something there, and the digest of all that the trigger sees of it, '' for nothing. */
  readonly answers: Readonly<Record<string, readonly [brought: boolean, digest: string]>>;
  /** Packages that activate explicit triggers, as their control files say. */
  readonly activations: readonly (readonly [package_: string, trigger: string])[];
};

export function questionId({ interest, prefix }: Question): string {
  return prefix === undefined ? `${plainName(interest.package)} from` : `${interest.package} ${prefix}`;
}

export function plainName(name: string): string {
  return name.split(':')[0] ?? name;
}

/** What each of the layers contributes; a layer is looked through once for the same questions. */
export function contributionsOf(
  store: Store,
  rows: readonly LayerRow[],
  questions: readonly Question[],
): Contribution[] {
  const asked = digestOf(
    JSON.stringify(questions.map((question) => [questionId(question), rulesOf(question)])),
  );
  return rows.map((row) => {
    const key = `contribution ${row.digest}`;
    const text = store.results.get(key);
    const known = text === undefined ? undefined : (JSON.parse(text) as Contribution & { asked: string });
    if (known?.asked === asked) return known;
    const fresh = { asked, ...contribution(store, row, questions) };
    store.results.set(key, JSON.stringify(fresh));
    return fresh;
  });
}

function rulesOf({ interest }: Question): string[] {
  return derivedBy(plainName(interest.package)).map(({ paths, from }) => `${paths} ${from}`);
}

function contribution(store: Store, row: LayerRow, questions: readonly Question[]): Contribution {
  const manifest = store.manifestOf(row.n);
  const asked = new Map(questions.map((question) => [questionId(question), openQuestion(question)]));
  for (const entry of manifest.values()) for (const question of asked.values()) question.look(entry);
  const answers: [string, readonly [boolean, string]][] = [];
  for (const [id, question] of asked) {
    const answer = question.answer();
    if (answer[0] || answer[1] !== '') answers.push([id, answer]);
  }
  return { answers: Object.fromEntries(answers), activations: activations(store, row, manifest) };
}

function openQuestion({ interest, prefix }: Question) {
  const looksAt = lookerOf(interest.package, prefix);
  const rules = derivedBy(plainName(interest.package));
  const lines: string[] = [];
  let brought = false;
  return {
    look(entry: Entry): void {
      const { path } = entry;
      if (!looksAt(path)) return;
      brought ||= entry.type !== 'whiteout';
      const made = rules.some(({ paths }) => paths.test(path));
      if (!made && entry.type !== 'dir') lines.push(`${path}\n${identity(entry)}\n`);
    },
    answer: (): readonly [boolean, string] => [brought, lines.length > 0 ? digestLines(lines) : ''],
  };
}

/** Tells the paths that matter to a package's trigger: what it looks at, and the files that it makes. */
export function lookerOf(package_: string, prefix: string | undefined): (path: string) => boolean {
  if (prefix !== undefined) return (path) => isUnder(path, prefix);
  const rules = derivedBy(plainName(package_));
  return (path) => rules.some(({ paths, from }) => paths.test(path) || from?.test(path));
}

function isUnder(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/');
}

function digestLines(lines: readonly string[]): string {
  const digest = startDigest();
  for (const line of lines) digest.update(Buffer.from(line, 'latin1'));
  return digest.end();
}

const INFO = 'var/lib/dpkg/info/';

function activations(store: Store, row: LayerRow, manifest: Manifest): [string, string][] {
  const found: [string, string][] = [];
  for (const { path, type } of manifest.values()) {
    if (type !== 'file' || !path.startsWith(INFO) || !path.endsWith('.triggers')) continue;
    const name = path.slice(INFO.length, -'.triggers'.length);
    for (const trigger of activationsOf(readFileSync(at(store.treeOf(row.n), path), 'latin1'))) {
      found.push([name, trigger]);
    }
  }
  return found;
}
