# shellcheck shell=bash
# Sticks and cards: made, checked, mounted.
need user
need systemd
need udev
need lib-glib
need polkit
install_debian_deb udisks2 dosfstools exfatprogs parted gdisk

do_run() {
  copy_file mount_options.conf etc/udisks2/
}
