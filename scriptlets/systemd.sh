# shellcheck shell=bash
# The first program, logins and the journal. No login slips past logind: libpam-systemd is in.
need dbus
install_debian_deb systemd systemd-sysv libpam-systemd

do_run() {
  copy_file journal.conf etc/systemd/journald.conf.d/
  copy_file login.conf etc/systemd/logind.conf.d/
  copy_file system.conf etc/systemd/system.conf.d/device.conf
  in_image systemctl set-default multi-user.target
  in_image systemctl mask systemd-firstboot.service hibernate.target hybrid-sleep.target suspend-then-hibernate.target
  # The base's own timers: a device is updated as a whole.
  in_image systemctl disable --quiet apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service
}
