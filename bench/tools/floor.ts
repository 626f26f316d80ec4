/** The least that any builder has to do with debs: decompress them, and have dpkg configure them. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../measure.ts';
import { MERGED_USR } from './bootstraps.ts';

/** Seconds for all debs of an archive, a process for each processor; what comes out goes nowhere. */
export function decompressing(repository: string): number {
  const each = `dpkg-deb --fsys-tarfile "$0" >/dev/null`;
  return run({
    argv: ['sh', '-c', `printf '%s\\0' pool/*.deb | xargs -0 -n 1 -P "$(nproc)" sh -c '${each}'`],
    cwd: repository,
  }).seconds;
}

/** Seconds of one `dpkg --configure -a` for all debs but those of the base, with its triggers, and without a single fsync. */
export function configuring(suite: string, repository: string, eatmydata: Buffer, folder: string): number {
  run({
    argv: [
      ...(['mmdebstrap', '--quiet', '--mode=root', '--format=directory', '--variant=minbase'] as const),
      ...[`--hook-directory=${MERGED_USR}`, suite, folder],
      `deb [trusted=yes] copy://${repository} ${suite} main`,
    ],
  });
  writeFileSync(join(folder, 'usr/lib/libeatmydata.so'), eatmydata);
  writeFileSync(join(folder, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n');
  chmodSync(join(folder, 'usr/sbin/policy-rc.d'), 0o755);
  const { stdout } = run({
    argv: [
      ...([
        'unshare',
        '--mount',
        '--pid',
        '--fork',
        '--kill-child',
        '--net',
        '--propagation',
        'private',
      ] as const),
      ...['bash', '-c', SCRIPT, 'bash', folder, repository],
    ],
  });
  return Number(stdout.trim().split('\n').at(-1));
}

/** dpkg's complaints about the order in which it unpacks are not of interest here. */
const SCRIPT = `set -e
mount -t proc proc "$1/proc"; mount -t tmpfs tmpfs "$1/mnt"; mkdir "$1/mnt/pool"; mount --bind -o ro "$2/pool" "$1/mnt/pool"
exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \\
  DEBCONF_NONINTERACTIVE_SEEN=true LD_PRELOAD=/usr/lib/libeatmydata.so bash -ec '
    dpkg --skip-same-version --force-all --unpack /mnt/pool/*.deb >/tmp/log 2>&1 || { tail -n 20 /tmp/log >&2; exit 1; }
    begun=$EPOCHREALTIME
    dpkg --force-confdef --force-confold --configure -a >/tmp/log 2>&1 || { tail -n 20 /tmp/log >&2; exit 1; }
    ended=$EPOCHREALTIME; echo "$(( (\${ended/./} - \${begun/./}) / 1000 ))e-3"'
`;
