# shellcheck shell=bash
# Local time.
use_var TIMEZONE
install_debian_deb tzdata

do_run() {
  test -f "/usr/share/zoneinfo/$TIMEZONE"
  ln -snf "/usr/share/zoneinfo/$TIMEZONE" /etc/localtime
  printf '%s\n' "$TIMEZONE" >/etc/timezone
}
