# shellcheck shell=bash
# A broker for the programs of this device alone.
need user
need systemd
install_debian_deb mosquitto mosquitto-clients

do_run() {
  copy_file local.conf etc/mosquitto/conf.d/
  copy_file acl etc/mosquitto/ 0640 root:mosquitto
}
