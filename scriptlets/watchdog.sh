# shellcheck shell=bash
# The board's watchdog, fed by systemd: a device that hangs starts anew.
need systemd

do_run() {
  copy_file watchdog.conf etc/systemd/system.conf.d/
  copy_file modules.conf etc/modules-load.d/watchdog.conf
  copy_file panic.conf etc/sysctl.d/80-panic.conf
}
