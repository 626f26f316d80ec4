# shellcheck shell=bash
# Fonts for Latin, Greek and Cyrillic.
install_debian_deb fontconfig fonts-dejavu-core fonts-liberation

do_run() {
  copy_file local.conf etc/fonts/
}
