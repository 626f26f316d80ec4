import { posix } from 'node:path';
import type { Conf } from './conf.ts';
import { OWN_VARIABLES } from './name.ts';
import type { Scriptlet } from './scriptlet.ts';

/**
 * What a failed scriptlet forgot to declare, as a hint, told from the last lines of its output; undefined when they do not tell.
 * `exists` answers for paths relative to the project.
 */
export function missingDeclaration(
  scriptlet: Pick<Scriptlet, 'vars' | 'files' | 'network'>,
  conf: Pick<Conf, 'vars'>,
  logTail: readonly string[],
  exists: (path: string) => boolean,
): string | undefined {
  for (const line of logTail.toReversed()) {
    const hint =
      missingVariable(scriptlet, conf, line) ??
      missingFile(scriptlet, line, exists) ??
      (NO_NETWORK.test(line) && !scriptlet.network ? 'declare it: use_network' : undefined);
    if (hint !== undefined) return hint;
  }
  return undefined;
}

type Forgetful = Pick<Scriptlet, 'vars' | 'files' | 'network'>;

const NO_NETWORK =
  /Temporary failure in name resolution|Temporary failure resolving|Network is unreachable|Could not resolve host|unable to resolve host|Name or service not known|getaddrinfo|EAI_AGAIN|ENETUNREACH/i;

function missingVariable(scriptlet: Forgetful, conf: Pick<Conf, 'vars'>, line: string): string | undefined {
  const name = /(?:^|: )([A-Za-z_]\w*): unbound variable$/.exec(line.trimEnd())?.[1];
  if (name === undefined || Object.hasOwn(scriptlet.vars, name)) return undefined;
  const known = Object.hasOwn(conf.vars, name) || OWN_VARIABLES.some((own) => own === name);
  return known ? `declare it: use_var ${name}` : undefined;
}

function missingFile(
  scriptlet: Forgetful,
  line: string,
  exists: (path: string) => boolean,
): string | undefined {
  for (const { path, under } of namedPaths(line)) {
    const plain = posix.normalize(path).replace(/\/$/, '');
    if (plain === '.' || plain === '..' || plain.startsWith('../') || !exists(plain)) continue;
    const declared = scriptlet.files.some((file) => plain === file || plain.startsWith(`${file}/`));
    if (declared && under === 'home') continue;
    if (declared) return `it lies in "$RUN_HOME/${plain}"`;
    const declare = `declare it: use_file ${shellWord(plain)}`;
    return under === 'home' ? declare : `${declare} (it is then "$RUN_HOME/${plain}")`;
  }
  return undefined;
}

type Named = { readonly path: string; readonly under: 'home' | 'elsewhere' };

/** Paths that a message names as missing, the most certain first. */
function namedPaths(line: string): Named[] {
  const home = [
    ...line.matchAll(
      /(['"\u2018])\/run\/snap\/home\/([^'"\u2019]+)['"\u2019]|\/run\/snap\/home\/([^\s'":;,)]+)/g,
    ),
  ];
  const unfound = [
    /^copy_file: no "(?:\/run\/snap\/data\/)?([^/"][^"]*)"/.exec(line)?.[1],
    /['"\u2018](?:\/run\/snap\/data\/)?([^/'"\u2019][^'"\u2019]*)['"\u2019]: No such file or directory/.exec(
      line,
    )?.[1],
    /(?:^|: )(?:\/run\/snap\/data\/)?([^/:][^:]*): No such file or directory/.exec(line)?.[1],
    /No such file or directory: ['"]?(?:\/run\/snap\/data\/)?([^/'"][^'"]*)/.exec(line)?.[1],
  ];
  return [
    ...home.map((found): Named => ({ path: found[2] ?? found[3] ?? '', under: 'home' })),
    ...unfound.flatMap((path): Named[] => (path === undefined ? [] : [{ path, under: 'elsewhere' }])),
  ];
}

function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
