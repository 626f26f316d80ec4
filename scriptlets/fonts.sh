# shellcheck shell=bash
# Fonts for every script that customers have asked for.
install_debian_deb fontconfig fonts-dejavu-core fonts-noto-core

do_run() {
  copy_file local.conf etc/fonts/
}
