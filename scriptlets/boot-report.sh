# shellcheck shell=bash
# What started, on the serial console: for whoever has that alone.
need systemd
need udev

do_run() {
  copy_file boot-report usr/local/sbin/ 0755
  copy_file boot-report.service etc/systemd/system/
  copy_file heartbeat.conf etc/modules-load.d/
  in_image systemctl enable boot-report.service
}
