# shellcheck shell=bash
# One language beside C.UTF-8, and the default.
use_var LOCALE
install_debian_deb locales

do_run() {
  printf '%s %s\n' "$LOCALE" "${LOCALE#*.}" >/etc/locale.gen
  in_image locale-gen
  in_image update-locale "LANG=$LOCALE"
}
