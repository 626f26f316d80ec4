# shellcheck shell=bash
# What outlives an update lies on a partition of its own, and what changes often in memory.
need systemd

do_run() {
  copy_file fstab etc/
  mkdir -p /data /boot/efi
  copy_file data.conf etc/tmpfiles.d/
}
