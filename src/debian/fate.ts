import { isRecordFile } from './records.ts';

/**
 * What becomes of a path that a layer wrote.
 * keep: it is the layer's. record: a shared database, kept as records. empty: kept without its content.
 * drop: a trace of the build that no image should hold, or derived data that settle makes.
 */
export type Fate = 'keep' | 'record' | 'empty' | 'drop';

/** Without the file Unincorp dpkg takes itself for one that has just learned of triggers, and activates them all. */
const EMPTIED = /^(etc\/machine-id|var\/lib\/dbus\/machine-id|var\/lib\/dpkg\/triggers\/Unincorp)$/;

/** Folders that stay, without anything in them. */
const CONTENT_DROPPED =
  /^(run|tmp|var\/tmp|proc|sys|var\/lib\/apt\/lists|var\/cache\/apt|var\/cache\/ldconfig|var\/lib\/dpkg\/(updates|parts|tmp\.ci))\//;

const DROPPED = new RegExp(
  `^(${[
    'etc/(passwd|group|shadow|gshadow|subuid|subgid)[-+]',
    'etc/(passwd|group|shadow|gshadow|subuid|subgid|\\.pwd)\\.lock',
    'etc/\\.updated|var/\\.updated',
    'var/lib/dpkg/[^/]+-old',
    'var/lib/dpkg/(lock|lock-frontend|cmethopt|methlock)',
    'var/lib/dpkg/triggers/Lock',
    'var/lib/ucf/(hashfile|registry)\\.[0-9]+',
    'var/cache/debconf/[^/]+-old',
    // What a trigger found when it made the file again: the file before that, which nobody asks for.
    'usr/share/info/dir\\.old|var/lib/sgml-base/supercatalog\\.old',
    'var/lib/systemd/catalog/\\.#.*',
    'root/\\.(bash_history|wget-hsts|lesshst)',
  ].join('|')})$`,
);

/** Logs of the build; an empty file of that place is a package's own (wtmp, lastlog) and stays. */
const LOG = /^var\/log\/.*[^/]$/;

/**
 * What a trigger keeps up to date by the clock, or once for all: in a layer it would keep settle from seeing what other layers brought, whose
 * times are no later.
 */
const MADE_BY_SETTLE = /^(etc\/ld\.so\.cache|var\/cache\/man\/(.*\/)?index\.(db|bt))$/;

/** @param settling the layer is one of settle's, which makes such files, or the base. */
export function fateOf(path: string, isFile: boolean, size: number, settling = false): Fate {
  if (!settling && MADE_BY_SETTLE.test(path)) return 'drop';
  // The mount point of the host's resolver for a scriptlet with the network.
  if (path === 'etc/resolv.conf' && isFile && size === 0) return 'drop';
  if (CONTENT_DROPPED.test(path) || DROPPED.test(path)) return 'drop';
  if (isRecordFile(path)) return isFile ? 'record' : 'keep';
  if (!isFile) return 'keep';
  if (LOG.test(path) && size > 0) return 'drop';
  return EMPTIED.test(path) && size > 0 ? 'empty' : 'keep';
}
