# shellcheck shell=bash
# Where the device is.
need systemd
need udev
need python3
install_debian_deb gpsd gpsd-tools

do_run() {
  copy_file gpsd etc/default/
  in_image systemctl enable gpsd.socket
}
