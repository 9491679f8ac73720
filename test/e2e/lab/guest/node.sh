#!/bin/sh
# PID 1 of a node after init.sh: makes the guest a Kubernetes node and reaps what is orphaned.
# node.env, beside this script in the share /run/lab, has NODE, ADDRESS, PREFIX and GATEWAY.
. /run/lab/node.env
export PATH="/opt/lab/bin:$PATH_OF_HOST" HOME=/root LANG=C.UTF-8

echo "$NODE" >/proc/sys/kernel/hostname
printf '127.0.0.1 localhost\n%s %s\n' "$ADDRESS" "$NODE" >/etc/hosts
echo "$MACHINE_ID" >/etc/machine-id
ip link set eth0 up
ip address add "$ADDRESS/$PREFIX" dev eth0
ip route add default via "$GATEWAY"
echo 1 >/proc/sys/net/ipv4/ip_forward

mkdir -p /mnt/node /opt/lab/bin /opt/cni/bin /var/lib/containerd /var/lib/kubelet /var/log
mount -t ext4 -o noatime /dev/vda /mnt/node
mount -o bind /mnt/node/bin /opt/lab/bin
mount -o bind /mnt/node/bin /opt/cni/bin
mount -o bind /mnt/node/containerd /var/lib/containerd
mount -t tmpfs -o mode=755 tmpfs /var/lib/kubelet
mount -t tmpfs -o mode=755 tmpfs /var/log
mount --make-rshared /
mkdir -p /etc/cni/net.d /etc/kubernetes/manifests /var/lib/kubelet/pki
cp /run/lab/cni.conflist /etc/cni/net.d/10-lab.conflist
cp /run/lab/kubeconfig /run/lab/kubelet.yaml /run/lab/ca.crt /run/lab/kubelet.crt \
  /run/lab/kubelet.key /run/lab/containerd.toml /etc/kubernetes

for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
  echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done

# As systemd would have it: a cgroup a service, and one that ends is started again.
service() {
  name=$1
  shift
  mkdir -p "/sys/fs/cgroup/system.slice/$name.service"
  (
    echo 0 >"/sys/fs/cgroup/system.slice/$name.service/cgroup.procs"
    while :; do
      status=0
      "$@" || status=$?
      echo "lab: $name ended with status $status at $(date -u +%T); starting it again"
      sleep 1
    done >>"/run/lab/$name.log" 2>&1 </dev/null
  ) &
}
export GOGC=300
service execd execd "$ADDRESS:$EXECD_PORT"
service containerd containerd --config /etc/kubernetes/containerd.toml
until [ -S /run/containerd/containerd.sock ]; do sleep 0.2; done
service kubelet kubelet --config /etc/kubernetes/kubelet.yaml --kubeconfig /etc/kubernetes/kubeconfig \
  --hostname-override "$NODE" --node-ip "$ADDRESS" --v 1

# A shell that waits for a child reaps all others that end meanwhile.
while :; do sleep 3600; done
