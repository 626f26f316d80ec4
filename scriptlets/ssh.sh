# shellcheck shell=bash
# Logins over the network, by key alone. Each device makes its own host keys when it first starts.
use_var USER_NAME
need user
need systemd
install_debian_deb openssh-server

do_run() {
  rm -f /etc/ssh/ssh_host_*
  copy_file device.conf etc/ssh/sshd_config.d/
  copy_file ssh-host-keys.service etc/systemd/system/
  install -d -m 0700 -o "$USER_NAME" -g "$USER_NAME" "/home/$USER_NAME/.ssh"
  copy_file authorized_keys "home/$USER_NAME/.ssh/" 0600 "$USER_NAME:$USER_NAME"
  in_image systemctl enable ssh-host-keys.service ssh.service
}
