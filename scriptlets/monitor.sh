# shellcheck shell=bash
# How the device feels: now, and over the last days.
need systemd
need python3
install_debian_deb htop iotop sysstat lm-sensors procps psmisc lsof

do_run() {
  copy_file board.conf etc/sensors.d/
  copy_file htoprc etc/
  sed -i 's/^ENABLED=.*/ENABLED="true"/' /etc/default/sysstat
  in_image systemctl enable sysstat.service lm-sensors.service
}
