# shellcheck shell=bash
# The right time, and never one before the image was made.
use_var NTP_SERVERS
need dbus
need systemd
install_debian_deb systemd-timesyncd

do_run() {
  mkdir -p /etc/systemd/timesyncd.conf.d
  printf '[Time]\nNTP=%s\nFallbackNTP=\nSaveIntervalSec=1h\n' "$NTP_SERVERS" >/etc/systemd/timesyncd.conf.d/servers.conf
  in_image systemctl enable systemd-timesyncd.service
}
