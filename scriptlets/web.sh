# shellcheck shell=bash
# The device's own page.
need systemd
install_debian_deb lighttpd

do_run() {
  rm -f /var/www/html/index.lighttpd.html
  copy_file html var/www/html
  copy_file 50-device.conf etc/lighttpd/conf-available/
  in_image lighty-enable-mod device
  in_image lighttpd -tt -f /etc/lighttpd/lighttpd.conf
}
