# shellcheck shell=bash
# The way home: WireGuard. The key is made on the device; the peer comes with its registration.
need systemd
need network
install_debian_deb wireguard-tools

do_run() {
  copy_file wireguard-key.service etc/systemd/system/
  copy_file 50-home.network etc/systemd/network/
  in_image systemctl enable wireguard-key.service
}
