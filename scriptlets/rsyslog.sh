# shellcheck shell=bash
# The journal's important part as files, and to the log host.
use_var LOG_HOST
need systemd
need logrotate
install_debian_deb rsyslog

do_run() {
  copy_file rsyslog.conf etc/
  sed "s/@LOG_HOST@/$LOG_HOST/" "$DATA_DIR/30-forward.conf" >/etc/rsyslog.d/30-forward.conf
  in_image rsyslogd -N1
}
