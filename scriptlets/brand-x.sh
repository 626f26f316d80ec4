# shellcheck shell=bash
# Customer X's colours on the panel, and its name at the login.
need kiosk

do_run() {
  copy_file brand.css usr/share/kiosk/
  copy_file motd etc/
}
