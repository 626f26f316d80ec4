# shellcheck shell=bash
# The CAN bus, up at boot.
use_var CAN_BITRATE
need network
install_debian_deb can-utils

do_run() {
  sed "s/@CAN_BITRATE@/$CAN_BITRATE/" "$DATA_DIR/40-can.network" >/etc/systemd/network/40-can.network
  copy_file modules.conf etc/modules-load.d/can.conf
}
