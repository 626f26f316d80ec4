# shellcheck shell=bash
# Logs stay small: flash memory is.
need systemd
install_debian_deb logrotate

do_run() {
  copy_file logrotate.conf etc/
  in_image logrotate --debug /etc/logrotate.conf
}
