/** A program that runs, and its command line. */
export type Program = { readonly file: string; readonly words: readonly string[] };

/** dpkg's own programs that go into its database. */
const DPKG = /\/(dpkg(-query|-divert|-trigger|-statoverride|-deb)?|update-alternatives)$/;

export function isDpkg(program: Program | undefined): boolean {
  return program !== undefined && DPKG.test(program.file);
}

/** Whether it is dpkg itself at its main work. */
export function isConfiguring({ file, words }: Program): boolean {
  return file.endsWith('/dpkg') && (words.includes('--configure') || words.includes('--unpack'));
}

/** Of what dpkg does when it is asked for one of these, the packages that are not named decide nothing. */
const ACTIONS =
  /^--(configure|unpack|compare-versions|print-architecture|print-foreign-architectures|set-selections|(validate|assert)-[a-z-]+)$/;

/** Of dpkg-query: what is answered for the named packages alone. */
const QUERIES =
  /^(-W|--show|-s|--status|-L|--listfiles|-l|--list|-c|--control-path|--control-list|--control-show)$/;

/** A maintainer script, for which its interpreter goes there once: of a package that is there, or is being unpacked. */
const SCRIPT = /^\/var\/lib\/dpkg\/(info\/[^/]+\.(preinst|postinst|prerm|postrm|config)|tmp\.ci\/[a-z]+)$/;

/**
 * What a program that went into the folder of dpkg's database so often may have read of the list of packages: what it says of some by name, or
 * the whole.
 */
export function databaseUse({ file, words }: Program, times: number): 'whole' | readonly string[] {
  const name = file.slice(file.lastIndexOf('/') + 1);
  const args = words.slice(1);
  if (name === 'dpkg') return args.some((word) => ACTIONS.test(word)) ? [] : 'whole';
  if (name === 'dpkg-query') return queried(args);
  if (isDpkg({ file, words })) return [];
  if (args.includes('/usr/share/debconf/frontend')) return [];
  // What snap does around a preinst.
  if (/^(ln|rm)$/.test(name) && args.at(-1) === '/var/lib/dpkg/tmp.ci') return [];
  return times === 1 && args.some((word) => SCRIPT.test(word)) ? [] : 'whole';
}

function queried(args: readonly string[]): 'whole' | string[] {
  let isByName = false;
  const names: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (QUERIES.test(word)) isByName = true;
    else if (word === '-f') at++;
    else if (word.startsWith('-f') || word.startsWith('--showformat=') || word === '--') continue;
    else if (word.startsWith('-')) return 'whole';
    else names.push(word.split(':')[0]!);
  }
  const isPlain = names.every((name) => /^[a-z0-9][a-z0-9+.-]*$/.test(name));
  return isByName && names.length > 0 && isPlain ? names : 'whole';
}
