# shellcheck shell=bash
# Evaluates the top level of scriptlets, one subshell each, as pid 1 of a sandbox that holds nothing but bash (see evaluate.ts).
# Reads arch, suite, the number of variables, their names and values, then for each scriptlet its name and a token, all ended
# by NUL. Writes for each scriptlet its records (word, line, number of arguments, arguments), the token and the exit status.
# Only this process ever reads a token, and only after the scriptlet and all that it started are gone: so no scriptlet can write
# in another's name. What a scriptlet breaks in its own shell (builtin, IFS, traps, options) spoils its own result alone.

[[ $$ == 1 ]] || exit 70 # "kill -1" below must never meet the processes of a host
ulimit -c 0
ulimit -v 262144
ulimit -u 64
trap '' HUP INT QUIT TERM USR1 USR2 ALRM VTALRM PROF
exec 250>&1 251<&0 1>&2 </dev/null
for ((__snap_fd = 3; __snap_fd < 250; __snap_fd++)); do exec {__snap_fd}>&-; done # what snap itself inherited
# shellcheck disable=SC2123
PATH=/nonexistent
FUNCNEST=1000
export -n PATH LC_ALL

__snap_read() { IFS= read -r -d '' -u 251 "$1"; }

__snap_record() { builtin printf '%s\0' "$1" "$__snap_line" "$(($# - 1))" "${@:2}" >&250; }

# Finds the line of the scriptlet that called the function of snap which called this.
__snap_locate() {
  builtin local -i __snap_i
  __snap_line=0
  for ((__snap_i = 2; __snap_i < ${#BASH_SOURCE[@]}; __snap_i++)); do
    [[ ${BASH_SOURCE[__snap_i]} == "$__snap_file" ]] || continue
    __snap_line=${BASH_LINENO[__snap_i - 1]}
    builtin return 0
  done
}

__snap_declare() {
  __snap_locate
  __snap_record "$@"
}

need() { __snap_declare need "$@"; }
install_debian_deb() { __snap_declare install_debian_deb "$@"; }
use_file() { __snap_declare use_file "$@"; }
fetch_source() { __snap_declare fetch_source "$@"; }
use_network() { __snap_declare use_network "$@"; }
exclude_path() { __snap_declare exclude_path "$@"; }
use_var() {
  __snap_declare use_var "$@"
  builtin local __snap_name
  for __snap_name; do
    case $__snap_name in '' | [!A-Za-z_]* | *[!A-Za-z0-9_]*) builtin continue ;; esac
    [[ -v __snap_values[$__snap_name] ]] || builtin continue
    builtin printf -v "$__snap_name" %s "${__snap_values[$__snap_name]}"
  done
}

build_need() { __snap_declare build_need "$@"; }
kernel_source() { __snap_declare kernel_source "$@"; }
kernel_patches() { __snap_declare kernel_patches "$@"; }
kernel_kconfig() { __snap_declare kernel_kconfig "$@"; }
kernel_module() { __snap_declare kernel_module "$@"; }
kernel_arch() { __snap_declare kernel_arch "$@"; }
kernel_version_suffix() { __snap_declare kernel_version_suffix "$@"; }
kernel_headers() { __snap_declare kernel_headers "$@"; }

copy_file() { __snap_declare misplaced "${FUNCNAME[0]}"; }
in_image() { __snap_declare misplaced "${FUNCNAME[0]}"; }
command_not_found_handle() {
  __snap_declare external "$1"
  return 127
}
exit() {
  __snap_declare misplaced exit
  builtin exit "$@"
}

# Writes what the scriptlet defined. In POSIX mode "export" and "unset" are found before functions of that name, an assignment
# needs no command at all: the way back to a "builtin" that can be relied on.
__snap_report() {
  __snap_line=0
  __snap_shopt=$BASHOPTS
  POSIXLY_CORRECT=1
  if export -f builtin 2>/dev/null; then
    unset -f builtin
    __snap_record overridden builtin
  fi
  builtin unset POSIXLY_CORRECT
  builtin trap - DEBUG RETURN ERR
  builtin local __snap_name __snap_names __snap_traps
  __snap_traps=$(builtin trap -p)
  [[ $__snap_traps == "$__snap_traps_before" ]] || __snap_record misplaced trap
  __snap_record shopt "$__snap_shopt"
  builtin mapfile -t __snap_names <<<"$(builtin compgen -A function)"
  for __snap_name in "${__snap_names[@]}"; do
    [[ -n $__snap_name && ! -v __snap_own[$__snap_name] ]] || builtin continue
    builtin printf '%s\0' function 0 2 "$__snap_name" >&250
    builtin declare -f -- "$__snap_name" >&250
    builtin printf '\0' >&250
  done
  builtin mapfile -t __snap_names <<<"$(builtin compgen -A variable)"
  for __snap_name in "${__snap_names[@]}"; do
    __snap_is_new "$__snap_name" || builtin continue
    builtin printf '%s\0' variable 0 2 "$__snap_name" >&250
    builtin declare -p -- "$__snap_name" >&250
    builtin printf '\0' >&250
  done
  __snap_record end
}

# Bash's own variables count only where a scriptlet changed one that lasts.
__snap_is_new() {
  case $1 in
    '' | _ | __snap_* | BASH* | COMP_WORDBREAKS | FUNCNAME | PWD | OLDPWD) builtin return 1 ;;
    IFS | OPTERR | OPTIND | PS4 | PATH | LC_ALL | ARCH | SUITE | IMAGE_DIR | DATA_DIR | RUN_HOME | SOURCES_DIR)
      [[ ${!1-} != "${__snap_before[$1]}" ]]
      ;;
    *) [[ ! -v __snap_before[$1] ]] ;;
  esac
}

__snap_read ARCH
__snap_read SUITE
# shellcheck disable=SC2034 # for the scriptlets
__snap_value='' __snap_token='' IMAGE_DIR=/ DATA_DIR=/run/snap/data RUN_HOME=/run/snap/home SOURCES_DIR=/run/snap/sources
declare -A __snap_values __snap_before __snap_own
__snap_read __snap_count
while ((__snap_count-- > 0)); do
  __snap_read __snap_name
  __snap_read __snap_value
  __snap_values[$__snap_name]=$__snap_value
done
unset __snap_value __snap_count
__snap_line=0
__snap_file=
for __snap_name in $(compgen -A variable); do __snap_before[$__snap_name]=${!__snap_name-}; done
for __snap_name in $(compgen -A function); do
  __snap_own[$__snap_name]=1
  readonly -f "${__snap_name?}"
done
__snap_traps_before=$(trap -p)
printf '%s\0' "$BASHOPTS" >&250

while __snap_read __snap_name; do
  (
    __snap_file=/run/snap/$__snap_name/scriptlet.sh
    set -fu
    # shellcheck source=/dev/null
    source "$__snap_file"
    __snap_report
  ) 251<&-
  __snap_status=$?
  while kill -KILL -1; do :; done 2>/dev/null
  __snap_read __snap_token
  printf '%s\0' "$__snap_token" "$__snap_status" >&250
  printf '%s\n' "$__snap_token" >&2
  __snap_token=
done
