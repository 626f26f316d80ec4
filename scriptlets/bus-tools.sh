# shellcheck shell=bash
# I2C, USB and PCI: to look, and for dlog to read sensors.
need user
need udev
install_debian_deb i2c-tools usbutils pciutils

do_run() {
  copy_file modules.conf etc/modules-load.d/i2c.conf
  in_image adduser --quiet dlog i2c
}
