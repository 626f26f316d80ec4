# shellcheck shell=bash
# Jobs by the clock; dlog thins out its old measurements each night.
need user
need systemd
install_debian_deb cron

do_run() {
  copy_file dlog etc/cron.d/
}
