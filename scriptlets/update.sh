# shellcheck shell=bash
# Updates as signed bundles into the slot that is not in use.
need dbus
need systemd
need lib-glib
need ca-certificates
install_debian_deb rauc rauc-service squashfs-tools

do_run() {
  copy_file system.conf etc/rauc/
  ln -s /usr/local/share/ca-certificates/device-root.crt /etc/rauc/keyring.pem
}
