# shellcheck shell=bash
# Wired Ethernet by DHCP, names by systemd-resolved.
need dbus
need systemd
install_debian_deb systemd-resolved libnss-resolve iproute2 iputils-ping ethtool netbase

do_run() {
  copy_file 10-wired.network etc/systemd/network/
  copy_file online.conf etc/systemd/system/systemd-networkd-wait-online.service.d/
  copy_file 80-network.conf etc/sysctl.d/
  in_image systemctl enable systemd-networkd.service systemd-resolved.service
}
