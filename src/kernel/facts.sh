# Asks the kernel's own reader of Kconfig about symbols: one JSON object a line on standard output, and for symbols that this architecture
# does not have, lines of grep that tell which one has them. $FILES holds facts.c and symbols; $MAKE is make with all that tells it of the
# kernel; the configuration is the one where it builds.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$FILES/facts.c" "$FILES/symbols" "$work"

# What Kconfig files ask of their environment (ARCH, CC, versions of tools) only kbuild knows. For this goal it makes scripts/kconfig/conf,
# and then runs $(PYTHON3) in that environment, where it builds.
cat >"$work/python3" <<'END'
#!/bin/sh
set -eu
# Kconfig files of later kernels ask whether python has a module.
[ "${1-} ${2-} ${3-}" = '-B -m pytest' ] || exec python3 "$@"
export PYTHON3=python3
work=${0%/*}
objects=$(grep -o '[^ ]*\.o\b' scripts/kconfig/.conf.cmd | grep -v '/conf\.o$' | sort -u)
# shellcheck disable=SC2086
"${HOSTCC:-gcc}" -I "$srctree/scripts/kconfig" -I scripts/kconfig -I "$srctree/scripts/include" \
  -o "$work/facts" "$work/facts.c" $objects
xargs "$work/facts" "${KCONFIG_CONFIG:-.config}" "${KBUILD_KCONFIG:-Kconfig}" <"$work/symbols" >"$work/out"
unknown=$(sed -n 's/^{"unknown":"\(.*\)"}$/\1/p' "$work/out" | paste -s -d '|')
[ -z "$unknown" ] || (cd "$srctree" &&
  grep -rE --include='Kconfig*' "^[[:space:]]*(menu)?config[[:space:]]+($unknown)[[:space:]]*\$" arch) >>"$work/out" || :
END
chmod +x "$work/python3"
$MAKE -s testconfig PYTHON3="$work/python3" >&2
cat "$work/out"
