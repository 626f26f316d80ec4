# Puts what external modules are compiled against into $DEST. $SOURCE is the patched source, $TREE the tree in which the kernel was compiled,
# $BUILD an empty folder that make takes for it; $KMAKE is make with all that tells it of the kernel.
# All that is generated is made from nothing: what earlier configurations left in the tree comes into no header. Programs that every
# configuration makes alike are taken from there.
set -euo pipefail
umask 022
cd "$BUILD"
cp "$TREE/.config" .
for part in scripts/basic scripts/kconfig tools; do
  [ -d "$TREE/$part" ] || continue
  mkdir -p "$(dirname "$part")"
  cp -a "$TREE/$part" "$part"
done
$KMAKE modules_prepare
cp "$TREE/Module.symvers" .

is_set() { grep -qx "CONFIG_$1=y" .config; }

# By name, as the kernel's scripts/package/install-extmod-build has them: not what only the kernel itself is made with.
in_scripts() {
  find scripts \( -name atomic -o -name dtc -o -name kconfig -o -name package \) -prune -o \
    ! -name unifdef ! -name mk_elfconfig \( -type f -o -type l \) -print
}

# The files that scripts/package/builddeb of kernels has that have no install-extmod-build: up to 6.5.
in_source() {
  echo Makefile
  find "arch/$arch" -maxdepth 1 -name 'Makefile*' -type f
  find "arch/$arch" \( -name Kbuild.platforms -o -name Platform \) -type f
  find "arch/$arch" \( -path '*/include/*' -o -path '*/scripts/*' \) \( -type f -o -type l \)
  find include \( -type f -o -type l \)
  in_scripts
}

in_build() {
  for path in Module.symvers include/config/auto.conf include/config/kernel.release "arch/$arch/include/generated" include/generated; do
    [ ! -e "$path" ] || echo "$path"
  done
  if is_set OBJTOOL || is_set STACK_VALIDATION; then echo tools/objtool/objtool; fi
  in_scripts
}

script=$SOURCE/scripts/package/install-extmod-build
if [ -f "$script" ] && grep -q '^run-command:' "$SOURCE/Makefile"; then
  $KMAKE run-command "KBUILD_RUN_COMMAND=sh $script $DEST"
else
  generated=(arch/*/include/generated)
  arch=${generated[0]#arch/}
  arch=${arch%%/*}
  (cd "$SOURCE" && in_source) | tar -C "$SOURCE" -cf - -T - | tar -C "$DEST" -xf - --no-same-owner
  in_build | tar -cf - -T - | tar -C "$DEST" -xf - --no-same-owner
fi
cp .config "$DEST/.config"

cd "$DEST"
find . -type f \( -name '*.o' -o -name '*.a' -o -name '*.s' -o -name '.*.cmd' -o -name '.*.d' \) -delete
# Some architectures have an object that every module is linked with, and name it so in their Makefile. Those of this kernel are in its tree.
sed -n 's|^[^#]*KBUILD_LDFLAGS_MODULE.*[ /]\(arch/[^ ]*\.o\).*|\1|p' "$SOURCE"/arch/*/Makefile | while IFS= read -r object; do
  [ -f "$TREE/$object" ] || continue
  $KMAKE "$object" </dev/null
  install -D -m 0644 "$BUILD/$object" "$object"
done
# Their symbols tell where they were compiled.
find . \( -path './scripts/*' -o -path './tools/*' \) -type f -perm /111 -print0 | while IFS= read -r -d '' file; do
  if [ "$(head -c 4 "$file" | od -An -c | tr -d ' ')" = '177ELF' ]; then strip --strip-unneeded "$file"; fi
done
find . -type d -empty -delete
