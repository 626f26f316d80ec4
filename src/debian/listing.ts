import { eachStanza, field, folded } from './packages.ts';

/**
 * What a `Packages` file offers, and where, in byte order: `NAME VERSION START LENGTH NEEDS` for each stanza, and `PROVIDED =NAME` for each
 * further name that leads to it. Looked up by bisection, so that 65,000 packages cost nothing until they are asked for.
 */
export type Listing = string & { readonly brand: 'Listing' };

/** One package of a `Packages` file. */
export type Offer = {
  readonly name: string;
  readonly version: string;
  /** Where its stanza lies, bytes. */
  readonly start: number;
  readonly length: number;
  /** Every name in its Depends and Pre-Depends, all alternatives. */
  readonly needs: readonly string[];
};

export type Found = { readonly offers: readonly Offer[]; readonly providers: readonly string[] };

/** The listing of a `Packages` file whose bytes are given as latin1. */
export function listingOf(text: string): Listing {
  const lines: string[] = [];
  eachStanza(text, (name, start, end) => {
    const stanza = text.slice(start, end);
    const needs = new Set(['Pre-Depends', 'Depends'].flatMap((one) => relationNames(folded(stanza, one))));
    lines.push(`${name} ${field(stanza, 'Version')} ${start} ${end - start} ${[...needs].join(',')}\n`);
    const keys = new Set(relationNames(folded(stanza, 'Provides')));
    if (isRequired(stanza)) keys.add(REQUIRED);
    for (const key of keys) lines.push(`${key} =${name}\n`);
  });
  return lines.sort().join('') as Listing;
}

/** What lies under a name: its packages, one a version, and the names of those that provide it. */
export function lookUp(listing: Listing, name: string): Found {
  const offers: Offer[] = [];
  const providers: string[] = [];
  for (const [version = '', start, length, needs = ''] of linesOf(listing, name)) {
    if (version.startsWith('=')) providers.push(version.slice(1));
    else {
      const all = needs === '' ? [] : needs.split(',');
      offers.push({ name, version, start: Number(start), length: Number(length), needs: all });
    }
  }
  return { offers, providers };
}

/** The names of the packages that every system has: `Essential: yes` or `Priority: required`. */
export function requiredNames(listing: Listing): readonly string[] {
  return lookUp(listing, REQUIRED).providers;
}

/** Whether anything is found under `name`. */
export function isKnown(listing: Listing, name: string): boolean {
  return linesOf(listing, name).length > 0;
}

/** All package names. */
export function namesIn(listing: Listing): Set<string> {
  const names = new Set<string>();
  for (let at = 0; at < listing.length; at = listing.indexOf('\n', at) + 1) {
    const space = listing.indexOf(' ', at);
    if (listing[space + 1] !== '=') names.add(listing.slice(at, space));
  }
  return names;
}

/**
 * All offers that an installation of `seeds` may take into account, by file, in the order in which they stand there: whatever the seeds may need,
 * by whichever alternative. What no chain of needs leads to, apt would not choose either.
 */
export function reachable<File extends { readonly listing: Listing }>(
  files: readonly File[],
  seeds: Iterable<string>,
): Map<File, Offer[]> {
  const names = new Set(seeds);
  const chosen = new Map(files.map((file): [File, Offer[]] => [file, []]));
  // Going through a set comes to what is added to it meanwhile.
  for (const name of names) {
    for (const [{ listing }, offers] of chosen) {
      const found = lookUp(listing, name);
      offers.push(...found.offers);
      for (const need of found.offers.flatMap(({ needs }) => needs)) names.add(need);
      for (const provider of found.providers) names.add(provider);
    }
  }
  for (const offers of chosen.values()) offers.sort((a, b) => a.start - b.start);
  return chosen;
}

/** A key that no package can have. */
const REQUIRED = '!required';

function isRequired(stanza: string): boolean {
  return field(stanza, 'Essential') === 'yes' || field(stanza, 'Priority') === 'required';
}

/** The words after `key` in each of its lines. */
function linesOf(listing: string, key: string): string[][] {
  const prefix = `${key} `;
  const lines: string[][] = [];
  for (let at = firstFrom(listing, prefix); listing.startsWith(prefix, at); ) {
    const end = listing.indexOf('\n', at);
    lines.push(listing.slice(at + prefix.length, end).split(' '));
    at = end + 1;
  }
  return lines;
}

/** The names of `a (>= 1), b | c:any`. */
function relationNames(relations: string): string[] {
  return Array.from(relations.matchAll(/([^\s(:[,|]+)[^,|]*/g), ([, name]) => name!);
}

/** Where the first line begins that is not before `prefix`. */
function firstFrom(listing: string, prefix: string): number {
  let low = 0;
  let high = listing.length;
  while (low < high) {
    const start = listing.lastIndexOf('\n', Math.floor((low + high) / 2) - 1) + 1;
    if (listing.slice(start, start + prefix.length) < prefix) low = listing.indexOf('\n', start) + 1;
    else high = start;
  }
  return low;
}
