import { join } from 'node:path';
import { makeFolders } from '../host/folder.ts';
import { writeFile } from '../host/write.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import { startingWith } from '../store/sorted-manifest.ts';
import { at, makeEntry } from '../store/tree.ts';
import { INFO, STATUS } from './unpacked.ts';

/** A deb whose tree lies on a view, and of which nothing has run: how dpkg names its files about it. */
export type StackedDeb = { readonly row: LayerRow; readonly infoName: string };

/** Where the scripts find what `stagePreinst` has staged. */
export const STAGED = '/run/snap/preinst';

/**
 * Shell functions that run the scripts which come before packages are unpacked, as dpkg does: name, architecture, the name of dpkg's files
 * about it, and how many come after it that are the same package for other architectures. Where they divert a file that is there by now, dpkg would have put that elsewhere: looked at once for a row of them. Few programs are
 * started, since most scripts take less time than a program's start.
 */
export const PREINSTS = `ci=/var/lib/dpkg/tmp.ci
diversions() {
  diverted=
  [ -e /var/lib/dpkg/diversions ] || return 0
  while read -r line; do diverted="$diverted$line
"; done < /var/lib/dpkg/diversions
}
preinsts_begin() {
  if [ -e $ci ]; then rm -rf $ci; fi
  diversions; before=$diverted
}
count() {
  later=$2
  set -- /var/lib/dpkg/info/"$1":*.list
  count=$(($# - later))
}
preinst() {
  ln -sfn "${STAGED}/$3" $ci
  count "$1" "$4"
  DPKG_MAINTSCRIPT_PACKAGE=$1 DPKG_MAINTSCRIPT_ARCH=$2 DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=$count \\
  DPKG_MAINTSCRIPT_DEBUG=0 DPKG_ADMINDIR=/var/lib/dpkg DPKG_ROOT= DPKG_RUNNING_VERSION=$DPKG_VERSION $ci/preinst install
}
preinsts_end() {
  rm -f $ci
  diversions
  [ "$before" = "$diverted" ] && return
  while read -r path && read -r _ && read -r _; do
    case $before in *"$path"*) continue ;; esac
    if grep -Fxq -e "$path" /var/lib/dpkg/info/*.list; then echo "$path is diverted, and was unpacked before"; exit 1; fi
  done < /var/lib/dpkg/diversions
}`;

/** Stages a deb's control files for its preinst in a folder of theirs, as copies; false where it has none. */
export function stagePreinst(store: Store, { row, infoName }: StackedDeb, folder: string): boolean {
  const start = `${INFO}${infoName}.`;
  const files = [...startingWith(store.manifestOf(row.n), start)].filter(({ type }) => type === 'file');
  if (!files.some(({ path }) => path === `${start}preinst`)) return false;
  const staged = join(folder, infoName);
  makeFolders(staged, 0o755);
  for (const entry of files)
    makeEntry(entry, at(staged, entry.path.slice(start.length)), at(store.treeOf(row.n), entry.path));
  const [[, status] = []] = store.recordsOf(row.n)[STATUS] ?? [];
  const control = status?.replace(/^Status: .*\n/m, '').replace(/\nConffiles:(\n .*)+$/, '');
  writeFile(join(staged, 'control'), `${control}\n`, { encoding: 'latin1', mode: 0o644 });
  return true;
}
