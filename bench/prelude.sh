# shellcheck shell=bash
# The contract of a scriptlet, in small, for the ancestor and the peers: declarations say nothing here, do_run gets copy_file and
# in_image. STEP_DIR holds scriptlet.sh and variables.sh.
set -eEu -o pipefail
trap 'echo "line $LINENO: $BASH_COMMAND: exited with $?" >&2' ERR
cd /
umask 022
need() { :; }
install_debian_deb() { :; }
use_var() { :; }
use_file() { :; }
fetch_source() { :; }
exclude_path() { :; }
in_image() { (cd / && "$@"); }
copy_file() {
  local from=$1 to=/${2#/} mode=${3-} owner=${4-root:root} path
  [[ $from == /* ]] || from=$DATA_DIR/$from
  if [[ $to == */ ]]; then
    mkdir -p "$to"
    [[ -d $from ]] || to+=${from##*/}
  fi
  mkdir -p "$(dirname "$to")"
  if [[ -d $from ]]; then
    mkdir -p "$to"
    while IFS= read -r -d '' path; do
      if [[ -d $from/$path && ! -L $from/$path ]]; then mkdir -p "$to/$path"; else copy_one "$from/$path" "$to/$path"; fi
    done < <(cd "$from" && find . -mindepth 1 -printf '%P\0')
  else
    copy_one "$from" "$to"
  fi
}
copy_one() {
  rm -f "$2"
  cp -P "$1" "$2"
  chown -h "$owner" "$2"
  if [[ ! -L $2 ]]; then
    if [[ -n $mode ]]; then chmod "$mode" "$2"; elif [[ -x $1 ]]; then chmod 0755 "$2"; else chmod 0644 "$2"; fi
  fi
  touch -h -d "@$SOURCE_DATE_EPOCH" "$2"
}
# shellcheck disable=SC1091  # each step has its own
source "$STEP_DIR/variables.sh"
# shellcheck disable=SC1091
source "$STEP_DIR/scriptlet.sh"
if declare -F do_run >/dev/null; then do_run; fi
