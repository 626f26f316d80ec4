# shellcheck shell=bash
# What may come in.
need systemd
install_debian_deb nftables

do_run() {
  copy_file nftables.conf etc/ 0755
  in_image systemctl enable nftables.service
}
