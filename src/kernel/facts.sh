# Asks the kernel's own reader of Kconfig about symbols: facts.sh SOURCE-OF-FACTS.C CONFIG MAKE-ARGUMENTS SYMBOL...
# In the kernel's folder. Facts on standard output, one JSON object a line.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '%s\n' "$1" >"$work/facts.c"
config=$2
make=$3
shift 3
printf '%s\n' "$@" >"$work/symbols"

# What Kconfig files ask of their environment (ARCH, CC, versions of tools) only kbuild knows. It runs $(PYTHON3) in it for this goal, with
# scripts/kconfig/conf made before.
cat >"$work/python3" <<'END'
#!/bin/sh
set -eu
work=${0%/*}
objects=$(grep -o '[^ ]*\.o\b' scripts/kconfig/.conf.cmd | grep -v '/conf\.o$' | sort -u)
# shellcheck disable=SC2086
"${HOSTCC:-gcc}" -I "$srctree/scripts/kconfig" -I scripts/kconfig -I "$srctree/scripts/include" \
  -o "$work/facts" "$work/facts.c" $objects
xargs "$work/facts" "$SNAP_CONFIG" "${KBUILD_KCONFIG:-Kconfig}" <"$work/symbols" >"$work/out"
END
chmod +x "$work/python3"
# shellcheck disable=SC2086
SNAP_CONFIG=$config make -s $make testconfig PYTHON3="$work/python3" >&2
cat "$work/out"
