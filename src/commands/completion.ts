import { SnapError } from '../host/error.ts';
import { buildText, keptBuilds, readTags } from '../store/builds.ts';
import { layoutOf } from '../store/layout.ts';
import { confNames, findProject, scriptletNames } from './choose.ts';
import { print } from './print.ts';
import type { Command } from './session.ts';

/** The command line as a value: what the shells complete is made from it. */
export type CommandTree = {
  readonly options: readonly OptionSpec[];
  readonly commands: readonly CommandSpec[];
};

export type CommandSpec = {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionSpec[];
  readonly args: readonly Values[];
};

export type OptionSpec = {
  /** `-j` */
  readonly short?: string;
  /** `--jobs` */
  readonly long?: string;
  readonly description: string;
  /** Absent: the option takes no value. */
  readonly value?: Values;
};

/** What may stand at a place of the command line: one of fixed words, names of the project, files, or anything. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'names'; readonly of: 'confs' | 'layers' | 'both' | 'builds' | 'tags' }
  | { readonly kind: 'folders' | 'files' }
  | { readonly kind: 'free' };

export type CompletionOptions = { readonly names?: string };

/** `snap completion SHELL`, and `snap completion --names confs|layers|both|builds|tags` for what those scripts ask. */
export function completionCommand(tree: CommandTree): Command<[shell?: string], CompletionOptions> {
  return async (session, [shell], options) => {
    if (options.names !== undefined)
      for (const name of names(session.folder ?? '.', options.names)) print(name);
    else process.stdout.write(completion(shell ?? '', tree));
    return 0;
  };
}

/** The script that a shell reads. Pure. */
export function completion(shell: string, tree: CommandTree): string {
  switch (shell) {
    case 'bash':
      return bash(tree);
    case 'zsh':
      return zsh(tree);
    case 'fish':
      return fish(tree);
    default:
      throw new SnapError('USAGE', `Unknown shell "${shell}"`, { hint: 'one of: bash, zsh, fish' });
  }
}

function names(folder: string, kind: string): string[] {
  const project = findProject(folder === '.' ? process.cwd() : folder);
  if (project === undefined) return [];
  if (kind === 'tags') return [...readTags(layoutOf(project)).keys()];
  if (kind === 'builds') return buildNames(project);
  return [
    ...(kind === 'layers' ? [] : confNames(project)),
    ...(kind === 'confs' ? [] : scriptletNames(project)),
  ];
}

/** What a build may be called; nothing where the store is closed to the caller. */
function buildNames(project: string): string[] {
  const place = layoutOf(project);
  const builds = keptBuilds(place);
  return [...new Set(builds.map(({ conf }) => conf)), ...readTags(place).keys(), ...builds.map(buildText)];
}

function bash(tree: CommandTree): string {
  const valued = tree.commands.flatMap((command) =>
    command.options.flatMap((option) =>
      option.value === undefined ? [] : [{ command, option, value: option.value }],
    ),
  );
  const patterns = valued.map(({ command, option }) => bashPattern(command, option));
  const replies = valued.map(
    ({ command, option, value }) => `    ${bashPattern(command, option)}) ${bashReply(value)}; return ;;`,
  );
  const flagLists = tree.commands.map(
    (command) =>
      `      ${command.name}) _snap_reply words ${quoted(flags([...command.options, ...tree.options]))} ;;`,
  );
  const places = tree.commands.flatMap((command) =>
    command.args.map((value, place) => `    ${command.name}:${place}) ${bashReply(value)} ;;`),
  );
  return `# snap completion bash > /etc/bash_completion.d/snap
_snap_reply() {
  case $1 in
    names) mapfile -t COMPREPLY < <(compgen -W "$("\${ask[@]}" completion --names "$2" 2>/dev/null)" -- "$current") ;;
    words) mapfile -t COMPREPLY < <(compgen -W "$2" -- "$current") ;;
    files) mapfile -t COMPREPLY < <(compgen -f -- "$current"); compopt -o filenames 2>/dev/null ;;
    folders) mapfile -t COMPREPLY < <(compgen -d -- "$current"); compopt -o filenames 2>/dev/null ;;
  esac
}
_snap_offer() {
  local before=\${words[-2]} command='' place=0 at
  local ask=("\${words[0]}")
  for ((at = 1; at < \${#words[@]} - 1; at++)); do
    case "$command \${words[at]}" in
      *' -C') ask+=(-C "\${words[++at]}") ;;
      ${patterns.join(' | ')}) ((++at)) ;;
      *' -'*) ;;
      ' '*) command=\${words[at]} ;;
      *) ((++place)) ;;
    esac
  done
  case "$command $before" in
    *' -C') _snap_reply folders; return ;;
${replies.join('\n')}
  esac
  if [[ $current == -* ]]; then
    case $command in
      '') _snap_reply words ${quoted(flags(tree.options))} ;;
${flagLists.join('\n')}
    esac
    return
  fi
  case $command:$place in
    :0) _snap_reply words ${quoted(tree.commands.map((command) => command.name).join(' '))} ;;
${places.join('\n')}
  esac
}
# Bash takes "demo@3" for three words, and asks for what comes after the last of them.
_snap() {
  local words=() word current
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:0:COMP_CWORD + 1}"; do
    if [[ \${#words[@]} -gt 0 && ($word == @* || \${words[-1]} == *@) ]]; then words[-1]+=$word; else words+=("$word"); fi
  done
  current=\${words[-1]}
  _snap_offer
  if [[ $current != "\${COMP_WORDS[COMP_CWORD]}" ]]; then COMPREPLY=("\${COMPREPLY[@]#"\${current%@*}@"}"); fi
}
complete -F _snap snap
`;
}

function bashPattern(command: CommandSpec, option: OptionSpec): string {
  return [option.short, option.long]
    .filter((flag) => flag !== undefined)
    .map((flag) => `'${command.name} ${flag}'`)
    .join(' | ');
}

function bashReply(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `_snap_reply words ${quoted(values.words.join(' '))}`;
    case 'names':
      return `_snap_reply names ${values.of}`;
    case 'folders':
    case 'files':
      return `_snap_reply ${values.kind}`;
    case 'free':
      return ':';
  }
}

function zsh(tree: CommandTree): string {
  const names = tree.commands.map((command) => `    ${quoted(`${command.name}:${command.description}`)}`);
  const cases = tree.commands.map((command) => {
    const specs = [
      ...command.options.flatMap(zshOption),
      ...command.args.map((values, place) => quoted(`${place + 1}: :${zshAction(values)}`)),
    ];
    return `    ${command.name}) _arguments ${specs.join(' ')} ;;`;
  });
  return `#compdef snap
# snap completion zsh > /usr/local/share/zsh/site-functions/_snap
_snap_names() {
  local -a names
  names=(\${(f)"$(snap "\${snap_folder[@]}" completion --names \${@[-1]} 2>/dev/null)"})
  compadd "\${@[1,-2]}" -a names
}
_snap_commands() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  _describe command commands
}
_snap() {
  local context state line
  local -a snap_folder
  typeset -A opt_args
  _arguments -C ${tree.options.flatMap(zshOption).join(' ')} '1: :_snap_commands' '*:: :->rest' && return
  [[ $state == rest ]] || return
  [[ -n \${opt_args[-C]:-} ]] && snap_folder=(-C "\${(Q)opt_args[-C]}")
  case $words[1] in
${cases.join('\n')}
  esac
}
if [[ \${funcstack[1]} == _snap ]]; then _snap "$@"; else compdef _snap snap; fi
`;
}

function zshOption(option: OptionSpec): string[] {
  const description = option.description.replace(/[[\]:]/g, (character) => `\\${character}`);
  const value = option.value === undefined ? '' : `:value:${zshAction(option.value)}`;
  return [option.short, option.long]
    .filter((flag) => flag !== undefined)
    .map((flag) => quoted(`*${flag}[${description}]${value}`));
}

function zshAction(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `(${values.words.join(' ')})`;
    case 'names':
      return `_snap_names ${values.of}`;
    case 'folders':
      return '_files -/';
    case 'files':
      return '_files';
    case 'free':
      return ' ';
  }
}

function fish(tree: CommandTree): string {
  const seen = (command: CommandSpec) => `-n ${fishQuoted(`__fish_seen_subcommand_from ${command.name}`)}`;
  return [
    '# snap completion fish > ~/.config/fish/completions/snap.fish',
    'function __snap_names',
    '  set -l words (commandline -opc)',
    '  set -l folder',
    '  if set -l at (contains -i -- -C $words); set folder -C $words[(math $at + 1)]; end',
    '  snap $folder completion --names $argv 2>/dev/null',
    'end',
    // Fish brings words for another program of this name: they are loaded now, so that they can be taken away.
    "complete -C 'snap ' >/dev/null 2>&1",
    'complete -e -c snap',
    'complete -c snap -f',
    ...tree.options.map((option) => `complete -c snap ${fishOption(option)}`),
    ...tree.commands.flatMap((command) => [
      `complete -c snap -n __fish_use_subcommand -a ${command.name} -d ${fishQuoted(command.description)}`,
      ...command.options.map((option) => `complete -c snap ${seen(command)} ${fishOption(option)}`),
      ...command.args.flatMap((values) =>
        fishAction(values) === '' ? [] : [`complete -c snap ${seen(command)} ${fishAction(values)}`],
      ),
    ]),
    '',
  ].join('\n');
}

function fishOption({ short, long, description, value }: OptionSpec): string {
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    ...(long === undefined ? [] : [`-l ${long.slice(2)}`]),
    ...(value === undefined ? [] : [`-x ${fishAction(value)}`.trim()]),
    `-d ${fishQuoted(description)}`,
  ].join(' ');
}

function fishAction(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `-a ${fishQuoted(values.words.join(' '))}`;
    case 'names':
      return `-a '(__snap_names ${values.of})'`;
    case 'folders':
      return "-a '(__fish_complete_directories)'";
    case 'files':
      return "-a '(__fish_complete_path)'";
    case 'free':
      return '';
  }
}

function flags(options: readonly OptionSpec[]): string {
  return options
    .flatMap((option) => [option.short, option.long])
    .filter((flag) => flag !== undefined)
    .join(' ');
}

/** For bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
