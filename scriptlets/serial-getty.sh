# shellcheck shell=bash
# A login on the serial console.
use_var SERIAL_TTY
need systemd

do_run() {
  copy_file speed.conf "etc/systemd/system/serial-getty@$SERIAL_TTY.service.d/"
  in_image systemctl enable "serial-getty@$SERIAL_TTY.service"
}
