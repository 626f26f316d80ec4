# shellcheck shell=bash
# Signals by ear.
need user
need systemd
need udev
install_debian_deb alsa-utils

do_run() {
  copy_file asound.conf etc/
  in_image adduser --quiet dlog audio
}
