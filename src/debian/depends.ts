import { fieldOf } from './records.ts';

/** What leads from one package to another, what must be there first. */
const FIELDS = ['Pre-Depends', 'Depends', 'Recommends'];

/**
 * The shortest way from one of the packages `from` to the package `to` along what they depend on, both included; undefined where
 * none leads. `stanzas` are those of dpkg's status; names are without architecture.
 */
export function dependencyChain(
  stanzas: Iterable<string>,
  from: readonly string[],
  to: string,
): readonly string[] | undefined {
  const packages = new Map<string, string>();
  const providers = new Map<string, string[]>();
  for (const stanza of stanzas) {
    const name = fieldOf(stanza, 'Package');
    packages.set(name, stanza);
    for (const provided of namesIn(fieldOf(stanza, 'Provides')))
      providers.set(provided, [...(providers.get(provided) ?? []), name]);
  }
  const installed = (name: string): readonly string[] =>
    packages.has(name) ? [name] : (providers.get(name) ?? []);
  const cameFrom = new Map<string, string | undefined>(
    from.flatMap(installed).map((name) => [name, undefined]),
  );
  for (const name of cameFrom.keys()) {
    if (name === to) return wayTo(name, cameFrom);
    const wanted = FIELDS.flatMap((field) => namesIn(fieldOf(packages.get(name) ?? '', field)));
    for (const next of wanted.flatMap(installed)) if (!cameFrom.has(next)) cameFrom.set(next, name);
  }
  return undefined;
}

/** The names of `a (>= 1), b | c:any`. */
function namesIn(relations: string): string[] {
  return relations
    .split(/[,|]/)
    .map((relation) => relation.trim().split(/[\s(:[]/)[0] ?? '')
    .filter((name) => name !== '');
}

function wayTo(to: string, cameFrom: ReadonlyMap<string, string | undefined>): string[] {
  const way = [to];
  for (let at = cameFrom.get(to); at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
}
