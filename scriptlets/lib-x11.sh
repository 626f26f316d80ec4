# shellcheck shell=bash
# GTK 3, the graphics drivers, and what they need of X11 and Wayland.
need dbus
need systemd
need lib-glib
need fonts
install_debian_deb libgtk-3-0 libgtk-3-bin librsvg2-common libgl1-mesa-dri libegl1 libgles2 xkb-data

do_run() {
  copy_file settings.ini etc/gtk-3.0/
}
