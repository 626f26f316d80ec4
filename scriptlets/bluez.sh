# shellcheck shell=bash
# Bluetooth for sensors: the daemon without what a logger never does, and dlog may talk to it.
need user
need systemd
need udev
install_debian_deb bluez

do_run() {
  copy_file less-services.conf etc/systemd/system/bluetooth.service.d/
  copy_file main.conf etc/bluetooth/
  in_image adduser --quiet dlog bluetooth
}
