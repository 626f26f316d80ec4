# shellcheck shell=bash
# The LTE modem.
need systemd
need udev
need network
need lib-glib
need polkit
install_debian_deb modemmanager

do_run() {
  copy_file 30-wwan.network etc/systemd/network/
  copy_file 78-modem.rules etc/udev/rules.d/
  in_image systemctl enable ModemManager.service
}
