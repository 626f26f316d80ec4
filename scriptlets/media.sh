# shellcheck shell=bash
# The camera's picture and instruction films on the panel.
need lib-glib
need lib-x11
need sound
need udev
install_debian_deb gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-gtk3 \
  gstreamer1.0-alsa v4l-utils
