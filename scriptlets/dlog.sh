# shellcheck shell=bash
# The data logger itself.
need user
need systemd
need python3
need sqlite

do_run() {
  copy_file dlog usr/bin/ 0755
  copy_file dlog.yaml etc/
  copy_file dlog.service etc/systemd/system/
  in_image systemctl enable dlog.service
}
