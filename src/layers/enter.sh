#!/bin/bash
# Runs the steps of one layer in an overlay of its own. Called with a private mount namespace, in the layer's work folder:
#   lower/N   links to the trees below, 0 on top      upper/ work/ root/   the overlay
# Arguments: LOWERDIR CGROUP LOG_BYTES, then the steps, each a command line ended by ";;". CGROUP may be empty.
# The file `step` holds the number of the last step that was begun. What the steps print goes to `log`, cut at LOG_BYTES.
set -u
umask 022
lower=$1 cgroup=$2 bytes=$3
shift 3
[ -z "$cgroup" ] || echo $$ >"$cgroup/cgroup.procs" || exit 120
mount -n -t overlay overlay -o "lowerdir=$lower,upperdir=upper,workdir=work,volatile,index=off,redirect_dir=off,metacopy=off" root || exit 121
# The logger is a process beside this one, so that every step is a child of this one and dies with it.
exec 4> >(
  exec >log
  head -c "$bytes"
  [ "$(head -c 1 | wc -c)" = 0 ] || printf '\n(snap: the log ends here, the rest was over the limit)\n'
  exec cat >/dev/null
)
logger=$!
number=0 status=0 command=()
for word in "$@"; do
  if [ "$word" != ';;' ]; then
    command+=("$word")
    continue
  fi
  number=$((number + 1))
  echo "$number" >step
  "${command[@]}" </dev/null >&4 2>&1 3>>report 4>&-
  status=$?
  [ "$status" = 0 ] || break
  command=()
done
exec 4>&-
wait "$logger"
exit "$status"
