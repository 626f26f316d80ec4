#!/bin/bash
# Runs the steps of one layer in an overlay of its own. Called with a private mount namespace, in the layer's work folder:
#   lower/N   links to trees below, 0 on top      upper/ work/ root/   the overlay      seccomp   the filter, maybe empty
#   below/    where the lowest trees are mounted first, when they are more than one overlay takes
#   notes/    where a filesystem without files is mounted, which notes what is looked for: below the topmost tree, and below all
# Arguments: PARENT FROM BACK LOWERDIR BELOW GROUPS PIDS LOG_BYTES COPY NOTES, then the steps, each a command line ended by ";;".
# PARENT is the process that asks. LOWERDIR and BELOW, which may be empty, are trees as they are named in the folder FROM; BACK leads from
# there to the work folder. GROUPS are the control groups' files to join by a 0, one a line. PIDS is empty, or the number of processes to
# allow in a namespace of process numbers, where there is no group for that. The file `step` holds the number of the last step that was
# begun. What the steps print goes to `log`, the middle cut at LOG_BYTES; when that is empty, there is one step, and it has the terminal.
# Where COPY is not empty, upper/ is copied to checkpoint/ after the first step, and a file `copied` made; no run fails for want of that.
# NOTES is empty, or has the options to mount notes/ with descriptor 3, which nobody has after that; nor does a run fail for want of that:
# then there is a file `unnoted`.
set -u
umask 022
parent=$1 from=$2 back=$3 lower=$4 below=$5 groups=$6 pids=$7 bytes=$8 copy=$9 notes=${10}
shift 10
# It may have died before the kernel was told to end this process with it.
[ "$PPID" = "$parent" ] || exit 122
while [ -n "$groups" ] && IFS= read -r group; do
  echo 0 >"$group" || exit 120
done <<<"$groups"

# overlay LOWERDIR ROOT [OPTIONS]; without descriptor 3: who holds it while it looks into notes/ waits forever once nobody answers there.
overlay() {
  mount -n -t overlay overlay -o "lowerdir=$1,index=off,redirect_dir=off,metacopy=off${3-}" "$2" 3<&-
}
# Several filesystems below one overlay: all files show its device number only when it marks their inode numbers.
several=,xino=on
cd "$from" || exit 121
layers=,upperdir=$back/upper,workdir=$back/work,volatile
if [ -n "$below" ]; then
  overlay "$below" "$back/below" || exit 121
  lower=$lower:$back/below layers=$layers$several
fi
noted=
if [ -n "$notes" ]; then
  # -i: not by the program that FUSE's own tools bring.
  mount -n -i -t fuse snap "$back/notes" -o "$notes" &&
    overlay "${lower%%:*}:$back/notes/above:${lower#*:}:$back/notes/below" "$back/root" "$layers$several" && noted=yes
  exec 3<&-
  [ -n "$noted" ] || : >"$back/unnoted"
fi
[ -n "$noted" ] || overlay "$lower" "$back/root" "$layers" || exit 121
cd "$back" || exit 121

# bwrap's own child waits for bwrap before it asks to die with it: when bwrap is killed just then, it takes its namespace along, and that child.
numbered=(setpriv --pdeathsig KILL unshare --pid --fork --kill-child=KILL)
# shellcheck disable=SC2016
[ -z "$pids" ] || numbered+=(/bin/sh -c 'echo "$0" >/proc/sys/kernel/pid_max && exec "$@"' "$pids")
if [ -z "$bytes" ]; then
  echo 1 >step
  [ -n "$pids" ] || numbered=()
  exec "${numbered[@]}" "${@:1:$#-1}" 5<seccomp
fi
# The logger is a process beside this one, so that every step is a child of this one and dies with it. Most logs end in the first half.
exec 4> >(
  exec >log
  LC_ALL=C
  half=$((bytes / 2))
  stdbuf -o0 head -c "$half" # so that who watches the log sees each line
  IFS= read -r -d '' -n 1 next || exit 0
  if [ -n "$next" ]; then printf %s "$next"; else printf '\0'; fi
  tail -c "$half" >log.end
  [ "$(stat -c %s log.end)" -lt "$half" ] || printf '\n(snap: here the log is cut, it was longer than %s bytes)\n' "$bytes"
  exec cat log.end
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
  "${numbered[@]}" "${command[@]}" </dev/null >&4 2>&1 3>>report 4>&- 5<seccomp
  status=$?
  [ "$status" = 0 ] || break
  command=()
  if [ -n "$copy" ] && [ "$number" = 1 ]; then
    if cp -a --reflink=auto upper checkpoint; then : >copied; else rm -rf checkpoint; fi
  fi
done
exec 4>&-
wait "$logger"
exit "$status"
