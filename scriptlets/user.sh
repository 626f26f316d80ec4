# shellcheck shell=bash
# The accounts: dlog runs the device's own programs, $USER_NAME is for people. Nobody logs in as root.
use_var USER_NAME USER_PASSWORD

do_run() {
  copy_file bash_aliases etc/skel/.bash_aliases
  in_image adduser --quiet --system --group --home /var/lib/dlog --shell /usr/sbin/nologin dlog
  in_image adduser --quiet --disabled-password --gecos 'Service technician' "$USER_NAME"
  in_image usermod --password "$USER_PASSWORD" "$USER_NAME"
  in_image chage --lastday 0 "$USER_NAME"
  in_image adduser --quiet "$USER_NAME" adm
  in_image adduser --quiet "$USER_NAME" dlog
  in_image adduser --quiet dlog dialout
}
