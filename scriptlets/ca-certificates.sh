# shellcheck shell=bash
# Whom the device trusts: Debian's list and the maker's own root.
install_debian_deb ca-certificates

do_run() {
  copy_file device-root.crt usr/local/share/ca-certificates/
  in_image update-ca-certificates
}
