# shellcheck shell=bash
# The touch panel: one program, full screen, as a user of its own.
need user
need systemd
need udev
need lib-x11
need python3
need dlog
install_debian_deb cage gir1.2-gtk-3.0

do_run() {
  in_image adduser --quiet --system --group --home /var/lib/kiosk --shell /usr/sbin/nologin kiosk
  local group
  for group in video render input dlog; do in_image adduser --quiet kiosk "$group"; done
  copy_file panel usr/bin/ 0755
  copy_file panel.css usr/share/kiosk/
  copy_file kiosk.pam etc/pam.d/kiosk
  copy_file kiosk.service etc/systemd/system/
  in_image systemctl enable kiosk.service
  in_image systemctl set-default graphical.target
}
