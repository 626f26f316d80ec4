# shellcheck shell=bash
# For the desk: what went wrong, and where.
need systemd
need python3
install_debian_deb gdb strace tcpdump

do_run() {
  copy_file core.conf etc/systemd/system.conf.d/zz-core.conf
  copy_file 90-core.conf etc/sysctl.d/
}
