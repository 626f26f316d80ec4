# shellcheck shell=bash
# The device is found as NAME.local.
need dbus
need systemd
install_debian_deb avahi-daemon libnss-mdns

do_run() {
  copy_file avahi-daemon.conf etc/avahi/
  copy_file services etc/avahi/services
}
