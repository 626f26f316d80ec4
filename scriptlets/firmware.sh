# shellcheck shell=bash
# Firmware that drivers load, and the panel's EDID (the panel has none: drm.edid_firmware=edid/panel-1024x600.bin).
install_debian_deb firmware-linux-free firmware-ath9k-htc

do_run() {
  copy_file edid usr/lib/firmware/edid
}
