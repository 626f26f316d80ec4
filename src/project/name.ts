import { nearest } from '../host/error.ts';

/** What confs and scriptlets may be called: safe in paths, in the lock and on the command line. */
export const NAME = /^[a-z0-9][a-z0-9._+-]*$/;

export const NAME_RULE = 'a name is made of a-z 0-9 . _ + - and begins with a letter or a digit';

/** Variables that snap sets for every scriptlet that declares them with `use_var`. */
export const OWN_VARIABLES = ['SNAP_CONF', 'SNAP_COMMIT'] as const;

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Families of names that belong to bash, to the loader or to snap. */
const RESERVED_PREFIX =
  /^(?:BASH|COMP_|COMPREPLY|COPROC|DEBCONF_|DEBIAN_|DPKG_|EPOCH|HIST|LC_|LD_|MALLOC_|READLINE_|SNAP_|__snap)/;

/** What bash sets or reads by itself, and what snap puts into the environment of a scriptlet. */
const RESERVED = new Set(
  `_ ARCH auto_resume CDPATH CHILD_MAX COLUMNS DATA_DIR DIRSTACK EMACS ENV EUID EXECIGNORE FCEDIT FIGNORE FUNCNAME FUNCNEST
  GLOBIGNORE GROUPS histchars HOME HOSTFILE HOSTNAME HOSTTYPE IFS IGNOREEOF IMAGE_DIR INPUTRC INSIDE_EMACS LANG LANGUAGE LINENO
  LINES MACHTYPE MAIL MAILCHECK MAILPATH MAPFILE OLDPWD OPTARG OPTERR OPTIND OSTYPE PATH PIPESTATUS POSIXLY_CORRECT PPID
  PROMPT_COMMAND PROMPT_DIRTRIM PS0 PS1 PS2 PS3 PS4 PWD RANDOM REPLY RUN_HOME SECONDS SHELL SHELLOPTS SHLVL SOURCES_DIR
  SOURCE_DATE_EPOCH SRANDOM SUITE TERM TIMEFORMAT TMOUT TMPDIR TZ UID`.split(/\s+/),
);

/** Why a conf cannot give this variable, or undefined when it can. */
export function variableFault(name: string): string | undefined {
  if (!IDENTIFIER.test(name)) return 'is not a shell variable name (letters, digits and _)';
  if (RESERVED_PREFIX.test(name) || RESERVED.has(name)) return 'belongs to bash or to snap';
  return undefined;
}

/** A hint with the nearest of the names that there are, or all of them when none is near and they are few. */
export function didYouMean(name: string, names: readonly string[], kind: string): string {
  const near = nearest(name, names);
  if (near.length > 0) return `did you mean ${near.map((one) => `"${one}"`).join(' or ')}?`;
  if (names.length === 0) return `there are no ${kind}`;
  return names.length <= 12 ? `${kind}: ${names.join(' ')}` : `there are ${names.length} ${kind}`;
}
