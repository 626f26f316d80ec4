# shellcheck shell=bash
# Wireless LAN. The networks themselves are written on the device by wpa_cli.
use_var WIFI_COUNTRY
need dbus
need systemd
need network
install_debian_deb wpasupplicant iw rfkill wireless-regdb

do_run() {
  copy_file 20-wlan.network etc/systemd/network/
  copy_file 20-wlan.link etc/systemd/network/
  (umask 077 && sed "s/@WIFI_COUNTRY@/$WIFI_COUNTRY/" "$DATA_DIR/wpa_supplicant.conf" >/etc/wpa_supplicant/wpa_supplicant-wlan0.conf)
  in_image systemctl disable wpa_supplicant.service
  in_image systemctl enable wpa_supplicant@wlan0.service
}
