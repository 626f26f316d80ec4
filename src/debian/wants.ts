import { SnapError } from '../host/error.ts';
import { aptName } from './lock.ts';

/** What scriptlets ask for, by scriptlet name. */
export type Wants = ReadonlyMap<string, readonly string[]>;

/** One argument of `install_debian_deb`: a package, and its architecture and version where they were named. */
export type Want = {
  readonly name: string;
  readonly arch: string | undefined;
  readonly version: string | undefined;
};

/**
 * Reads `PKG`, `PKG:ARCH` or `PKG=VERSION`.
 * @throws SnapError SCRIPTLET for anything else that apt would understand: patterns, tasks, removals, other suites.
 */
export function parseWant(scriptlet: string, text: string): Want {
  const match = /^([a-z0-9][a-z0-9+.-]*)(?::([a-z0-9-]+))?(?:=([A-Za-z0-9.+:~-]+))?$/.exec(text);
  if (match !== null && !match[1]!.endsWith('-'))
    return { name: match[1]!, arch: match[2], version: match[3] };
  throw new SnapError('SCRIPTLET', `Scriptlet "${scriptlet}" cannot install "${text}": ${refusal(text)}`, {
    hint: 'write install_debian_deb PKG, PKG:ARCH or PKG=VERSION',
  });
}

/**
 * The versions that wants name, by package as apt calls it on a system of `native`.
 * @throws SnapError SCRIPTLET when two scriptlets name different ones.
 */
export function namedVersions(wants: Wants, native: string): Map<string, string> {
  const versions = new Map<string, { version: string; scriptlet: string }>();
  for (const [scriptlet, texts] of wants) {
    for (const text of texts) {
      const { version, ...want } = parseWant(scriptlet, text);
      const name = aptName({ ...want, arch: want.arch ?? native }, native);
      const other = versions.get(name);
      if (version === undefined) continue;
      if (other !== undefined && other.version !== version) {
        throw new SnapError(
          'SCRIPTLET',
          `Scriptlets "${other.scriptlet}" and "${scriptlet}" ask for two versions of "${name}": ${other.version} and ${version}`,
        );
      }
      versions.set(name, { version, scriptlet });
    }
  }
  return new Map([...versions].map(([name, { version }]) => [name, version]));
}

/** The packages that are asked for, as apt calls them on a system of `native`, each with the scriptlets that ask. */
export function askers(wants: Wants, native: string): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const [scriptlet, texts] of wants) {
    for (const want of texts.map((text) => parseWant(scriptlet, text))) {
      const name = aptName({ ...want, arch: want.arch ?? native }, native);
      result.set(name, [...(result.get(name) ?? []), scriptlet]);
    }
  }
  return result;
}

function refusal(text: string): string {
  if (text.includes('/')) return 'a package of another suite is not supported';
  if (/[*?^$[\]|()~]/.test(text)) return 'a pattern or a task is not a package name';
  return 'it is not a package name';
}
