import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import type { Mirror } from '../project/conf.ts';
import { mirrorsFor, parseDeb822, parseOneLine, type SourceEntry } from './sources.ts';

/**
 * The archives of the host's own apt sources that fit a suite and an architecture.
 * @throws SnapError RESOLVE when there is none.
 */
export async function hostMirrors(
  target: { readonly suite: string; readonly arch: string },
  folder = '/etc/apt',
): Promise<Mirror[]> {
  const entries = await Promise.all((await readEntries(folder)).map(withMirrorLists));
  const mirrors = mirrorsFor(entries, { ...target, hostSuite: await hostSuite() });
  if (mirrors.length > 0) return mirrors;
  throw new SnapError('RESOLVE', `No apt source in "${folder}" offers suite "${target.suite}"`, {
    hint: 'name an archive in the conf, or add one to the host',
  });
}

async function readEntries(folder: string): Promise<SourceEntry[]> {
  const parts = join(folder, 'sources.list.d');
  const names = (await readdir(parts).catch(() => [])).filter((name) =>
    /^[\w.-]+\.(list|sources)$/.test(name),
  );
  const files = [join(folder, 'sources.list'), ...names.sort().map((name) => join(parts, name))];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return files.flatMap((file, index) =>
    file.endsWith('.sources') ? parseDeb822(texts[index]!) : parseOneLine(texts[index]!),
  );
}

/** `mirror+file:` names a list of equal archives, as on Debian's cloud images: the first one stands for all. */
async function withMirrorLists(entry: SourceEntry): Promise<SourceEntry> {
  const uris = entry.uris.map(async (uri) => {
    const list = /^mirror\+file:(.*)$/.exec(uri)?.[1];
    if (list === undefined) return uri;
    const text = await readFile(list.replace(/^\/\/+/, '/'), 'utf8').catch(() => '');
    return /^\s*([a-z+]+:\S+)/m.exec(text)?.[1] ?? uri;
  });
  return { ...entry, uris: await Promise.all(uris) };
}

async function hostSuite(): Promise<string | undefined> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (!/^ID=.?debian.?$/m.test(text)) return undefined;
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(text)?.[1];
}
