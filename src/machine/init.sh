#!/bin/sh
# The first program of a device that "snap run" starts. Lays a filesystem in memory over the image's, which is read-only, and goes on as
# the image's own first program. Beside this file lie two empty folders: rw and root.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
fail() {
  echo "snap run: $1"
  exit 1
}
cd /.snap-run || fail 'the root has no /.snap-run'
# After an initrd the overlay may be a module, and there is a /proc and a /sys already.
if [ -e /proc/self ]; then modprobe -q overlay; fi
mount -n -t tmpfs -o mode=0755 tmpfs rw || fail 'the kernel mounts no tmpfs, or the image has no "mount"'
mkdir rw/upper rw/work
# What lies here is there for this alone: the device does not see it.
mknod rw/upper/.snap-run c 0 0
mount -n -t overlay -o lowerdir=/,upperdir=rw/upper,workdir=rw/work overlay root || fail 'the kernel mounts no overlay'
mount -n --move /dev root/dev || fail 'the kernel has no devtmpfs that is mounted by itself'
if [ -e /proc/self ]; then mount -n --move /proc root/proc; fi
if [ -e /sys/kernel ]; then mount -n --move /sys root/sys; fi
cd root || fail 'the overlay cannot be entered'
mount -n --move . /
exec chroot . /sbin/init "$@"
