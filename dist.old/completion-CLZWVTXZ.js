import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  confNames,
  findProject,
  scriptletNames
} from "./chunk-GEQQK4VD.js";
import {
  print
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import "./chunk-STE4WAD5.js";
import {
  SnapError
} from "./chunk-LVCJS3W4.js";

// src/commands/completion.ts
function completionCommand(tree) {
  return async (session, [shell], options) => {
    if (options.names !== void 0)
      for (const name of names(session.folder ?? ".", options.names)) print(name);
    else process.stdout.write(completion(shell ?? "", tree));
    return 0;
  };
}
function completion(shell, tree) {
  switch (shell) {
    case "bash":
      return bash(tree);
    case "zsh":
      return zsh(tree);
    case "fish":
      return fish(tree);
    default:
      throw new SnapError("USAGE", `Unknown shell "${shell}"`, { hint: "one of: bash, zsh, fish" });
  }
}
function names(folder, kind) {
  const project = findProject(folder === "." ? process.cwd() : folder);
  if (project === void 0) return [];
  return [
    ...kind === "layers" ? [] : confNames(project),
    ...kind === "confs" ? [] : scriptletNames(project)
  ];
}
function bash(tree) {
  const valued = tree.commands.flatMap(
    (command) => command.options.flatMap(
      (option) => option.value === void 0 ? [] : [{ command, option, value: option.value }]
    )
  );
  const patterns = valued.map(({ command, option }) => bashPattern(command, option));
  const replies = valued.map(
    ({ command, option, value }) => `    ${bashPattern(command, option)}) ${bashReply(value)}; return ;;`
  );
  const flagLists = tree.commands.map(
    (command) => `      ${command.name}) _snap_reply words ${quoted(flags([...command.options, ...tree.options]))} ;;`
  );
  const places = tree.commands.flatMap(
    (command) => command.args.map((value, place) => `    ${command.name}:${place}) ${bashReply(value)} ;;`)
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
_snap() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command='' place=0 at
  local ask=("\${COMP_WORDS[0]}")
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "$command \${COMP_WORDS[at]}" in
      *' -C') ask+=(-C "\${COMP_WORDS[++at]}") ;;
      ${patterns.join(" | ")}) ((++at)) ;;
      *' -'*) ;;
      ' '*) command=\${COMP_WORDS[at]} ;;
      *) ((++place)) ;;
    esac
  done
  case "$command $before" in
    *' -C') _snap_reply folders; return ;;
${replies.join("\n")}
  esac
  if [[ $current == -* ]]; then
    case $command in
      '') _snap_reply words ${quoted(flags(tree.options))} ;;
${flagLists.join("\n")}
    esac
    return
  fi
  case $command:$place in
    :0) _snap_reply words ${quoted(tree.commands.map((command) => command.name).join(" "))} ;;
${places.join("\n")}
  esac
}
complete -F _snap snap
`;
}
function bashPattern(command, option) {
  return [option.short, option.long].filter((flag) => flag !== void 0).map((flag) => `'${command.name} ${flag}'`).join(" | ");
}
function bashReply(values) {
  switch (values.kind) {
    case "words":
      return `_snap_reply words ${quoted(values.words.join(" "))}`;
    case "names":
      return `_snap_reply names ${values.of}`;
    case "folders":
    case "files":
      return `_snap_reply ${values.kind}`;
    case "free":
      return ":";
  }
}
function zsh(tree) {
  const names2 = tree.commands.map((command) => `    ${quoted(`${command.name}:${command.description}`)}`);
  const cases = tree.commands.map((command) => {
    const specs = [
      ...command.options.flatMap(zshOption),
      ...command.args.map((values, place) => quoted(`${place + 1}: :${zshAction(values)}`))
    ];
    return `    ${command.name}) _arguments ${specs.join(" ")} ;;`;
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
${names2.join("\n")}
  )
  _describe command commands
}
_snap() {
  local context state line
  local -a snap_folder
  typeset -A opt_args
  _arguments -C ${tree.options.flatMap(zshOption).join(" ")} '1: :_snap_commands' '*:: :->rest' && return
  [[ $state == rest ]] || return
  [[ -n \${opt_args[-C]:-} ]] && snap_folder=(-C "\${(Q)opt_args[-C]}")
  case $words[1] in
${cases.join("\n")}
  esac
}
if [[ \${funcstack[1]} == _snap ]]; then _snap "$@"; else compdef _snap snap; fi
`;
}
function zshOption(option) {
  const description = option.description.replace(/[[\]:]/g, (character) => `\\${character}`);
  const value = option.value === void 0 ? "" : `:value:${zshAction(option.value)}`;
  return [option.short, option.long].filter((flag) => flag !== void 0).map((flag) => quoted(`*${flag}[${description}]${value}`));
}
function zshAction(values) {
  switch (values.kind) {
    case "words":
      return `(${values.words.join(" ")})`;
    case "names":
      return `_snap_names ${values.of}`;
    case "folders":
      return "_files -/";
    case "files":
      return "_files";
    case "free":
      return " ";
  }
}
function fish(tree) {
  const seen = (command) => `-n ${fishQuoted(`__fish_seen_subcommand_from ${command.name}`)}`;
  return [
    "# snap completion fish > ~/.config/fish/completions/snap.fish",
    "function __snap_names",
    "  set -l words (commandline -opc)",
    "  set -l folder",
    "  if set -l at (contains -i -- -C $words); set folder -C $words[(math $at + 1)]; end",
    "  snap $folder completion --names $argv 2>/dev/null",
    "end",
    // Fish brings words for another program of this name: they are loaded now, so that they can be taken away.
    "complete -C 'snap ' >/dev/null 2>&1",
    "complete -e -c snap",
    "complete -c snap -f",
    ...tree.options.map((option) => `complete -c snap ${fishOption(option)}`),
    ...tree.commands.flatMap((command) => [
      `complete -c snap -n __fish_use_subcommand -a ${command.name} -d ${fishQuoted(command.description)}`,
      ...command.options.map((option) => `complete -c snap ${seen(command)} ${fishOption(option)}`),
      ...command.args.flatMap(
        (values) => fishAction(values) === "" ? [] : [`complete -c snap ${seen(command)} ${fishAction(values)}`]
      )
    ]),
    ""
  ].join("\n");
}
function fishOption({ short, long, description, value }) {
  return [
    ...short === void 0 ? [] : [`-s ${short.slice(1)}`],
    ...long === void 0 ? [] : [`-l ${long.slice(2)}`],
    ...value === void 0 ? [] : [`-x ${fishAction(value)}`.trim()],
    `-d ${fishQuoted(description)}`
  ].join(" ");
}
function fishAction(values) {
  switch (values.kind) {
    case "words":
      return `-a ${fishQuoted(values.words.join(" "))}`;
    case "names":
      return `-a '(__snap_names ${values.of})'`;
    case "folders":
      return "-a '(__fish_complete_directories)'";
    case "files":
      return "-a '(__fish_complete_path)'";
    case "free":
      return "";
  }
}
function flags(options) {
  return options.flatMap((option) => [option.short, option.long]).filter((flag) => flag !== void 0).join(" ");
}
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
function fishQuoted(text) {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
export {
  completion,
  completionCommand
};
