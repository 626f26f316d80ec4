# shellcheck shell=bash
# Runs do_run (or the function named by the first argument) of a scriptlet inside the root that it works on; see docs/scriptlets.md.
# A failure is appended once to file descriptor 3: line in scriptlet.sh, exit status and command, with tabs between.

__snap_file=/run/snap/scriptlet.sh
__snap_variables=/run/snap/variables.sh
__snap_function=${1:-do_run}
__snap_path=$PATH
__snap_stage=top
__snap_call=''
__snap_call_line=0
__snap_reported=''
# What failed in subshells, which may be forgiven: the last line counts when their parent fails too. Gone with the sandbox.
__snap_notes=/run/snap.notes
set --

__snap_environment=()
while IFS= read -r -d '' __snap_text; do
  [[ $__snap_text == PWD=* ]] || __snap_environment+=("$__snap_text")
done </proc/self/environ

# --- Functions for scriptlets ---

need() { __snap_declaration need "$@"; }
install_debian_deb() { __snap_declaration install_debian_deb "$@"; }
use_var() { __snap_declaration use_var "$@"; }
use_file() { __snap_declaration use_file "$@"; }
fetch_source() { __snap_declaration fetch_source "$@"; }
use_network() { __snap_declaration use_network "$@"; }
exclude_path() { __snap_declaration exclude_path "$@"; }
build_need() { __snap_declaration build_need "$@"; }
kernel_source() { __snap_declaration kernel_source "$@"; }
kernel_patches() { __snap_declaration kernel_patches "$@"; }
kernel_kconfig() { __snap_declaration kernel_kconfig "$@"; }
kernel_module() { __snap_declaration kernel_module "$@"; }
kernel_arch() { __snap_declaration kernel_arch "$@"; }
kernel_version_suffix() { __snap_declaration kernel_version_suffix "$@"; }
kernel_headers() { __snap_declaration kernel_headers "$@"; }

# copy_file SRC DST [MODE [OWNER]]
copy_file() {
  __snap_begin copy_file "$@"
  __snap_copy "$@" || return 1
  __snap_call=''
}

# in_image CMD...: a command in the environment that the image's own programs expect, without the scriptlet's variables.
in_image() {
  __snap_begin in_image "$@"
  (cd / && exec env -i "${__snap_environment[@]}" "$@" 3>&-) || return
  __snap_call=''
}

# An exit with a status is a failure with a line, as any other.
exit() {
  local __snap_status=${1-$?}
  [[ $__snap_status == 0 ]] || __snap_fail exit "$__snap_status" "${BASH_LINENO[0]}" "exit $__snap_status"
  builtin exit "$__snap_status"
}

__snap_declaration() {
  [[ $__snap_stage != top ]] || return 0
  __snap_call=$* __snap_call_line=${BASH_LINENO[1]}
  __snap_say "$1: belongs to the top level of the scriptlet"
}

__snap_begin() {
  local IFS=' '
  __snap_call=$* __snap_call_line=${BASH_LINENO[1]}
}

__snap_say() {
  printf '%s\n' "$1" >&2
  return 1
}

# --- copy_file: every step says itself what went wrong ---

__snap_copy() {
  local IFS=$' \t\n'
  if (($# < 2 || $# > 4)) || [[ -z $1 || -z $2 ]]; then
    __snap_say 'copy_file: usage: copy_file SRC DST [MODE [OWNER]]' || return 1
  fi
  local _source=$1 _from _to _mode=${3-} _owner=${4-root:root} _into=$2
  if [[ -n $_mode && ! $_mode =~ ^[0-7]{3,4}$ ]]; then
    __snap_say "copy_file: \"$_mode\" is not a mode: expected octal digits as in 0644" || return 1
  fi
  [[ $_owner == *:* ]] || _owner=$_owner:root
  __snap_find_source || return 1
  _to=/${_into#"${_into%%[!/]*}"}
  case $_to/ in *//) [[ $_source == . || $_source == */. ]] || _to=${_to%"${_to##*[!/]}"}/${_from##*/} ;; esac
  [[ $_to == / ]] || _to=${_to%"${_to##*[!/]}"}
  if [[ -d $_from && ! -L $_from ]]; then
    __snap_copy_folder
  else
    __snap_copy_one
  fi
}

# Sets "from": where "source" lies.
__snap_find_source() {
  case /$_source/ in
    */../*) __snap_say "copy_file: \"$_source\": write the path without \"..\"" || return 1 ;;
  esac
  case $_source in
    "$DATA_DIR" | "$DATA_DIR"/* | "$RUN_HOME"/* | "$SOURCES_DIR"/*) _from=$_source ;;
    /*) __snap_say "copy_file: \"$_source\" lies outside \$DATA_DIR, \$RUN_HOME and \$SOURCES_DIR" || return 1 ;;
    *) _from=$DATA_DIR/$_source ;;
  esac
  _from=${_from%"${_from##*[!/]}"}
  [[ ! -e $_from && ! -L $_from ]] || return 0
  case $_source in
    /*) __snap_say "copy_file: no \"$_source\"" ;;
    *) __snap_say "copy_file: no \"$_source\" in the data folder" ;;
  esac
}

# Of what is staged under DATA_DIR and RUN_HOME the time is right already.
__snap_copy_one() {
  local _made=() _late=()
  [[ -f $_from || -L $_from ]] || __snap_say "copy_file: \"$_source\" is neither file, folder nor link" || return 1
  [[ ! -d $_to ]] || __snap_say "copy_file: \"$_to\" is a folder: write \"$_to/\" to put the file into it" || return 1
  __snap_make_folder "${_to%/*}" || return 1
  [[ $_from != "$SOURCES_DIR"/* ]] || _late=("$_to")
  if [[ -L $_from ]]; then
    command cp -P --remove-destination -T -- "$_from" "$_to" && command chown -h -- "$_owner" "$_to" || return 1
    _late=("$_to")
  else
    [[ -n $_mode ]] || { [[ -x $_from ]] && _mode=0755; } || _mode=0644
    command install -p -T -o root -g root -m "$_mode" -- "$_from" "$_to" || return 1
    [[ $_owner == root:root ]] || { command chown -- "$_owner" "$_to" && command chmod -- "$_mode" "$_to"; } || return 1
  fi
  _late+=("${_made[@]}")
  ((${#_late[@]} == 0)) || command touch -h -d "@$SOURCE_DATE_EPOCH" -- "${_late[@]}"
}

# Folder by folder, as a folder of the source may be a link to a folder in the image (lib).
__snap_copy_folder() {
  local _made=() _folder _strange
  _strange=$(command find "$_from" ! -type f ! -type d ! -type l -print -quit) || return 1
  [[ -z $_strange ]] || __snap_say "copy_file: \"$_strange\" is neither file, folder nor link" || return 1
  __snap_make_folder "${_to%/*}" || return 1
  # shellcheck disable=SC2030,SC2031 # what is made in the subshell is settled there
  command find "$_from" -type d -printf '%P\0' | (
    while IFS= read -r -d '' _folder; do
      [[ -d $_to/$_folder ]] || {
        command mkdir -m 0755 -- "$_to/$_folder" && command chown -- "$_owner" "$_to/$_folder" && _made+=("$_to/$_folder")
      } || return 1
      command find "$_from/$_folder" -mindepth 1 -maxdepth 1 ! -type d \
        -exec cp -P --remove-destination -t "$_to/$_folder" -- {} + || return 1
    done
    __snap_each chown -h -- "$_owner" || return 1
    if [[ -n $_mode ]]; then
      __snap_each chmod -- "$_mode" -type f || return 1
    else
      __snap_each chmod -- 0755 -type f -perm /111 || return 1
      __snap_each chmod -- 0644 -type f ! -perm /111 || return 1
    fi
    __snap_each touch -h --date="@$SOURCE_DATE_EPOCH" -- || return 1
    ((${#_made[@]} == 0)) || command touch -d "@$SOURCE_DATE_EPOCH" -- "${_made[@]}"
  )
}

# __snap_each CMD... [-type f TEST...]: the command on the copies of all, or these, entries of the folder but folders.
__snap_each() {
  local _program=() _tests=(! -type d)
  while (($# > 0)) && [[ $1 != -type ]]; do
    _program+=("$1")
    shift
  done
  (($# == 0)) || _tests=("$@")
  command find "$_from" -mindepth 1 "${_tests[@]}" -printf '%P\0' | (cd -- "$_to/" && command xargs -0 -r "${_program[@]}")
}

# Makes a folder and those above it where they are missing, and notes them in "made".
__snap_make_folder() {
  local _folder=$1 _missing=()
  while [[ -n $_folder && ! -d $_folder ]]; do
    _missing=("$_folder" "${_missing[@]}")
    _folder=${_folder%/*}
  done
  ((${#_missing[@]} == 0)) || command mkdir -m 0755 -- "${_missing[@]}" || return 1
  # shellcheck disable=SC2031
  _made+=("${_missing[@]}")
}

# --- Failures ---

# __snap_fail KIND STATUS LINE COMMAND [PIPESTATUS...]: KIND is error (ERR trap), exit (called) or end (EXIT trap).
__snap_fail() {
  local - IFS=$' \t\n' __snap_was=$-
  set +eu
  [[ $1 == error ]] || trap - ERR # the shell ends anyway
  local _kind=$1 _status=$2 _line=$3 _command=$4 _frame _found=''
  shift 4
  [[ -z $__snap_reported ]] || return 0
  for ((_frame = 1; _frame < ${#BASH_SOURCE[@]}; _frame++)); do
    [[ ${BASH_SOURCE[_frame]} == "$__snap_file" ]] || continue
    _found=1
    break
  done
  if [[ -z $_found ]]; then # do_run itself returned
    _line=$(__snap_defined "$__snap_function")
  elif ((_frame > 1)) && [[ $_kind != exit ]]; then # inside a function of snap, called from the scriptlet
    _line=${BASH_LINENO[_frame - 1]}
    _command=${__snap_call:-$_command}
  elif [[ $_kind == end ]]; then # bash gave up (an unbound variable): it does not tell the line
    _line=$(__snap_search "$_command" "$(__snap_defined "${FUNCNAME[_frame]}")")
  elif [[ $_command == return || $_command == 'return '* ]]; then
    if [[ -n $__snap_call && $__snap_call_line == "$_line" ]]; then _command=$__snap_call; else _command=$(__snap_text "$_line"); fi
  elif (($# > 1)); then
    _command=$(__snap_pipeline "$_command" "$@")
  fi
  _command=${_command//[[:cntrl:]]/ }
  ((${#_command} <= 300)) || _command=${_command:0:297}...
  if ((BASH_SUBSHELL > 0)); then
    [[ $_kind == exit ]] || [[ $__snap_was == *e* ]] && _kind=sure || _kind=perhaps
    printf '%s\t%s\t%s\t%s\n' "$_kind" "$_line" "$_status" "$_command" >>"$__snap_notes"
    return 0
  fi
  __snap_reported=1
  __snap_prefer_note
  printf '%s\t%s\t%s\n' "$_line" "$_status" "$_command" >&3
} 2>/dev/null

# Takes line and command from the subshell whose failure became this one. One that went on after its failure, as a command
# substitution does, counts only where the failed command holds a substitution.
__snap_prefer_note() {
  local _notes _note_kind _note_line _note_status _note_command
  mapfile -t _notes <"$__snap_notes" || return 0
  ((${#_notes[@]} > 0)) || return 0
  IFS=$'\t' read -r _note_kind _note_line _note_status _note_command <<<"${_notes[-1]}"
  [[ $_note_status == "$_status" ]] || return 0
  # shellcheck disable=SC2016
  [[ $_note_kind == sure || $_command == *'$('* || $_command == *'`'* ]] || return 0
  _line=$_note_line _command=$_note_command
}

# The part of a pipeline that failed is known by its number alone, unless it is the last.
__snap_pipeline() {
  local _last=$1 _part
  shift
  for ((_part = $#; _part > 0; _part--)); do [[ ${!_part} == 0 ]] || break; done
  if ((_part == $#)); then printf '%s' "$_last"; else printf '... | %s (part %s of %s)' "$_last" "$_part" "$#"; fi
}

__snap_defined() {
  shopt -s extdebug
  local _parts
  read -r -a _parts <<<"$(declare -F "$1")"
  printf '%s' "${_parts[1]:-0}"
}

__snap_text() {
  local _text
  mapfile -t -s "$(($1 - 1))" -n 1 _text <"$__snap_file"
  printf '%s' "${_text[0]#"${_text[0]%%[![:space:]]*}"}"
}

# __snap_search COMMAND LINE: the first line from LINE on that holds the command, white space apart; else LINE.
__snap_search() {
  local _wanted=${1%%$'\n'*} _lines _index
  _wanted=${_wanted//[[:space:]]/}
  mapfile -t _lines <"$__snap_file"
  for ((_index = $2 - 1; _index < ${#_lines[@]}; _index++)); do
    [[ ${_lines[_index]//[[:space:]]/} == *"$_wanted"* ]] || continue
    printf '%s' "$((_index + 1))"
    return
  done
  printf '%s' "$2"
}

# --- Loading the scriptlet, then running it ---

# dpkg takes note of triggers that do_run has activated by itself; they wait for settle then, like all others.
__snap_end() {
  [[ $__snap_function == do_run && -s /var/lib/dpkg/triggers/Unincorp && -x /usr/bin/dpkg ]] || return 0
  /usr/bin/dpkg --set-selections </dev/null || builtin exit "$?"
}

# __snap_load first|last: the variables of the evaluation. First without constants, which the scriptlet sets itself, for what its
# top level asks; last with all, since the evaluation decides.
__snap_load() {
  local __snap_lines __snap_text
  [[ -r $__snap_variables ]] || return 0
  mapfile -t __snap_lines <"$__snap_variables"
  for __snap_text in "${__snap_lines[@]}"; do
    case $1:$__snap_text in
      first:shopt*) continue ;;
      first:*) [[ ! $__snap_text =~ ^declare\ -[A-Za-z]*r ]] || continue ;;
    esac
    eval "${__snap_text/#declare /declare -g }"
  done
} 2>/dev/null

readonly -f need install_debian_deb use_var use_file fetch_source use_network exclude_path copy_file in_image
__snap_load first
# shellcheck disable=SC2123
PATH=''
# shellcheck source=/dev/null
source "$__snap_file" </dev/null >/dev/null 2>&1 3>&-
PATH=$__snap_path
set +afknvxCPT +o posix
__snap_load last
if ! declare -F "$__snap_function" >/dev/null; then
  # shellcheck source=/dev/null
  source "$__snap_file" </dev/null >/dev/null # once more, for what bash has to say
  printf '%s\n' "the scriptlet defines no $__snap_function in the image's bash $BASH_VERSION" >&2
  printf '1\t127\t%s\n' "$__snap_function" >&3
  builtin exit 127
fi
cd /
umask 022
__snap_stage=run
set -eEu -o pipefail
trap '__snap_fail error "$?" "$LINENO" "$BASH_COMMAND" "${PIPESTATUS[@]}"' ERR
trap '__snap_status=$?
  if [[ $__snap_status == 0 ]]; then __snap_end; else __snap_fail end "$__snap_status" 0 "$BASH_COMMAND"; fi' EXIT
"$__snap_function"
