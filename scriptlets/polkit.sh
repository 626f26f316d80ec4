# shellcheck shell=bash
# Who may ask system services for what.
use_var USER_NAME
need user
need dbus
need systemd
need lib-glib
install_debian_deb polkitd

do_run() {
  sed "s/@USER_NAME@/$USER_NAME/" "$DATA_DIR/50-service.rules" >/etc/polkit-1/rules.d/50-service.rules
}
