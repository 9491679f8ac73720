#!/bin/sh
# PID 1 of every guest's initramfs. Makes a root of the host's (9p, read-only) under a tmpfs, mounts
# what a Linux machine has, and hands over to start.sh of the "lab" share: one command, or a node.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
if grep -q lab.probe /proc/cmdline; then
  echo "lab-init: probe"
  poweroff -f
fi
while read -r module; do
  insmod "/modules/$module" || echo "lab-init: module $module was refused"
done </modules/order

p9() { mount -t 9p -o "trans=virtio,version=9p2000.L,msize=512000,$3" "$1" "$2"; }
mkdir -p /host /rw /root
if ! p9 host /host ro,cache=loose; then
  echo "lab-init: the host's root cannot be mounted"
  poweroff -f
fi
mount -t tmpfs -o size=80% tmpfs /rw
mkdir -p /rw/up /rw/work
mount -t overlay -o lowerdir=/host,upperdir=/rw/up,workdir=/rw/work root /root
for point in proc sys dev run tmp out; do mkdir -p "/root/$point"; done
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t devtmpfs dev /root/dev 2>/dev/null
mkdir -p /root/dev/pts /root/dev/shm /root/dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /root/dev/pts
mount -t tmpfs -o mode=1777 tmpfs /root/dev/shm
mount -t mqueue mqueue /root/dev/mqueue
mount -t tmpfs -o mode=1777 tmpfs /root/tmp
mount -t tmpfs -o mode=755 tmpfs /root/run
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /root/sys/fs/cgroup
mount -t bpf -o mode=700 bpf /root/sys/fs/bpf
mount -t tracefs tracefs /root/sys/kernel/tracing
mount -t debugfs debugfs /root/sys/kernel/debug
mount -t securityfs securityfs /root/sys/kernel/security
ln -sfn /proc/self/fd /root/dev/fd
ln -sfn fd/0 /root/dev/stdin
ln -sfn fd/1 /root/dev/stdout
ln -sfn fd/2 /root/dev/stderr
mkdir -p /root/run/lab
p9 lab /root/run/lab rw,cache=none
grep -q lab.out /proc/cmdline && p9 out /root/out rw,cache=none
modules=$(sed -n 's/.*lab\.modules=\([^ ]*\).*/\1/p' /proc/cmdline)
if [ -n "$modules" ]; then
  mkdir -p /root/usr/lib/modules
  mount -o bind "/root$modules" /root/usr/lib/modules
fi
cp /bin/busybox /root/run/busybox
ifconfig lo 127.0.0.1 up
exec switch_root /root /bin/sh /run/lab/start.sh
