import { canonicalJson, type Digest, digestInParts, digestOf } from './digest.ts';
import type { LayerNote, LayerRow, RecordPatches } from './layers.ts';
import type { Entry, Manifest } from './manifest.ts';
import { bytesOf } from './sorted-manifest.ts';

/** The digest of a layer's content: its manifest and its record patches. */
export function contentDigest(manifest: Manifest, records: RecordPatches): Digest {
  return contentDigestOf(bytesOf(manifest), records);
}

/** The same of a manifest's canonical bytes. */
export function contentDigestOf(manifest: Buffer, records: RecordPatches): Digest {
  return digestOf(`${digestInParts(manifest)}${canonicalJson(records)}`);
}

/** How many paths a manifest has, and the bytes of its files. */
export type Extent = { readonly paths: number; readonly bytes: number };

export function extentOf(manifest: Manifest): Extent {
  let bytes = 0;
  for (const entry of manifest.values()) if (entry.type === 'file') bytes += entry.size;
  return { paths: manifest.size, bytes };
}

/** What a layer's row holds. */
export function rowOf(n: number, note: LayerNote, { paths, bytes }: Extent): LayerRow {
  const { key, name, kind, digest, seconds, made } = note;
  return { n, key, ids: canonicalJson(note.ids), name, kind, digest, paths, bytes, seconds, made };
}

/** The paths to which others of the manifest are hard links. */
export function linkedPaths(manifest: Manifest): Set<string> {
  const linked = new Set<string>();
  for (const entry of manifest.values()) if (entry.type === 'file' && entry.link) linked.add(entry.link);
  return linked;
}

/** A file may be one with that of another layer, but no hard link: then its other names would come along. */
export function isShareable(entry: Entry, linked: ReadonlySet<string>): boolean {
  return entry.type === 'file' && entry.size > 0 && entry.link === undefined && !linked.has(entry.path);
}
