# shellcheck shell=bash
# Device nodes, their names and groups, and the tools for modules.
install_debian_deb udev kmod

do_run() {
  copy_file 70-device.rules etc/udev/rules.d/
  copy_file blacklist-device.conf etc/modprobe.d/
}
