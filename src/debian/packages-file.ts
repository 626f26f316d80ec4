import { closeSync, fstatSync, openSync, readFileSync, readSync, renameSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { writeFile } from '../host/write.ts';
import { isKnown, type Listing, listingOf, lookUp, namesIn, type Offer } from './listing.ts';
import { field, type Stanza } from './packages.ts';

/** What an archive offers: a `Packages` file that stays where it is, read a stanza at a time. */
export type PackagesFile = {
  readonly archive: string;
  /** What its packages are for, beside those for all. */
  readonly arch: string;
  readonly listing: Listing;
  /** The stanzas of these offers, bytes as latin1, without the empty line at their ends. */
  readonly stanzas: (offers: readonly Offer[]) => string[];
};

/** Where a listing is kept, and where it is written first: a path on the same filesystem that nobody else has. */
export type ListingPlace = { readonly kept: string; readonly scratch: string };

/**
 * Opens a `Packages` file of apt's. Its listing is kept, and made again when the file is another one. What is read later is of the file
 * that was opened, even if apt has put a newer one in its place.
 */
export function openPackages(
  file: string,
  from: Pick<PackagesFile, 'archive' | 'arch'>,
  place: ListingPlace,
): PackagesFile & Disposable {
  const opened = openSync(file, 'r');
  return {
    ...from,
    listing: keptListing(opened, place),
    stanzas: (offers) => offers.map(({ start, length }) => bytesAt(opened, start, length)),
    [Symbol.dispose]: () => closeSync(opened),
  };
}

/** Stanzas that are at hand. */
export function packagesInMemory({ archive, text }: Stanza): PackagesFile {
  return {
    archive,
    arch: field(text, 'Architecture'),
    listing: listingOf(text),
    stanzas: (offers) => offers.map(({ start, length }) => text.slice(start, start + length)),
  };
}

/** The stanza of each of `wanted` (keys `name version arch`), from the first file that has it. */
export function findStanzas(
  files: readonly PackagesFile[],
  wanted: ReadonlySet<string>,
): Map<string, Stanza> {
  const found = new Map<string, Stanza>();
  for (const key of wanted) {
    const place = placeOf(files, key);
    const [text] = place?.file.stanzas([place.offer]) ?? [];
    if (place !== undefined && text !== undefined) found.set(key, { archive: place.file.archive, text });
  }
  return found;
}

/** Whether a file has `name version arch`. */
export function isOffered(files: readonly PackagesFile[], key: string): boolean {
  return placeOf(files, key) !== undefined;
}

function placeOf(files: readonly PackagesFile[], key: string) {
  const [name = '', version, arch] = key.split(' ');
  for (const file of files.filter((one) => arch === 'all' || one.arch === arch)) {
    const offer = lookUp(file.listing, name).offers.find((one) => one.version === version);
    if (offer !== undefined) return { file, offer };
  }
  return undefined;
}

/** Those among `names`, `NAME` or `NAME:ARCH`, that no file has, neither as a package nor as provided by one. */
export function unknownNames(files: readonly PackagesFile[], names: readonly string[]): string[] {
  return names.filter((full) => {
    const [name = '', arch] = full.split(':');
    return !files.some((file) => (arch === undefined || arch === file.arch) && isKnown(file.listing, name));
  });
}

/** All package names, for "did you mean". */
export function allNames(files: readonly PackagesFile[]): Set<string> {
  return new Set(files.flatMap(({ listing }) => [...namesIn(listing)]));
}

const FORMAT = 'snap-listing 1';

/** The listing that is kept, if it is that of the opened file and whole; else a new one, which is put there. */
function keptListing(opened: number, place: ListingPlace): Listing {
  const { dev, ino, size, mtimeNs, ctimeNs } = fstatSync(opened, { bigint: true });
  const identity = `${FORMAT} ${[dev, ino, size, mtimeNs, ctimeNs].join(' ')}`;
  return readListing(place.kept, identity) ?? makeListing(opened, place, identity);
}

function readListing(kept: string, identity: string): Listing | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(kept);
  } catch {
    return undefined;
  }
  const end = bytes.indexOf('\n');
  const body = bytes.subarray(end + 1);
  const header = bytes.toString('latin1', 0, Math.max(end, 0));
  return header === headerOf(identity, body) ? (body.toString('latin1') as Listing) : undefined;
}

function makeListing(opened: number, { kept, scratch }: ListingPlace, identity: string): Listing {
  const listing = listingOf(readFileSync(opened, 'latin1'));
  const body = Buffer.from(listing, 'latin1');
  writeFile(scratch, Buffer.concat([Buffer.from(`${headerOf(identity, body)}\n`), body]));
  renameSync(scratch, kept);
  return listing;
}

function headerOf(identity: string, body: Buffer): string {
  return `${identity} ${crc32(body)}`;
}

function bytesAt(opened: number, start: number, length: number): string {
  const bytes = Buffer.alloc(length);
  const got = readSync(opened, bytes, 0, length, start);
  if (got !== length) throw new Error(`The Packages file ends before byte ${start + length}`);
  return bytes.toString('latin1');
}
