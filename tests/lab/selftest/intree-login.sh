#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The whole soft RDMA path with the in-tree driver: target on a null_blk, login of ib_srp through the RDMA CM, data both
# ways, logout, teardown. Proves the lab, and is the reference for what a clean kernel log looks like.
set -euo pipefail

modprobe -a dummy rdma_rxe sd_mod ib_srp target_core_iblock ib_srpt
modprobe null_blk nr_devices=1 memory_backed=1 gb=1

# Like a function of the suites: the first failure ends the script.
pass() { echo "ok $1"; }
wait_for() {
	local what=$1 n
	shift
	for ((n = 0; n < 100; n++)); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	echo "not ok $what timeout"
	exit 1
}

ip link add d0 type dummy
ip addr add 10.9.9.1/24 dev d0
ip link set d0 mtu 4200 up
rdma link add rxe0 type rxe netdev d0
wait_for rxe test -e /sys/class/infiniband_srp/srp-rxe0-1/add_target
pass rxe

target=/sys/kernel/config/target
backstore=$target/core/iblock_0/disk
mkdir -p "$backstore"
echo udev_path=/dev/nullb0 >"$backstore/control"
echo 1 >"$backstore/enable"

# Below the GUID of the port its driver looks for the address of the initiator; below the GID for its port id.
port=$(cut -d: -f5-8 /sys/class/infiniband/rxe0/ports/1/gids/0)
tpg=$target/srpt/$port/$port
mkdir -p "$tpg/lun/lun_0"
ln -s "$backstore" "$tpg/lun/lun_0/disk"
# It lets in only who is listed.
acl=$tpg/acls/10.9.9.1
mkdir -p "$acl/lun_0"
ln -s "$tpg/lun/lun_0" "$acl/lun_0/lun"
echo 1 >"$tpg/enable"
echo 5555 >"$target/srpt/discovery_auth/rdma_cm_port"
pass target

guid=$(sed 's/^0x//' /sys/module/ib_srpt/parameters/srpt_service_guid)
echo "id_ext=$guid,ioc_guid=$guid,dest=10.9.9.1:5555" >/sys/class/infiniband_srp/srp-rxe0-1/add_target
disk_of_srp() { disk=$(lsscsi | awk '/LIO-ORG/ { print $NF }') && [[ -b $disk ]]; }
wait_for disk disk_of_srp
pass "login $disk"

head -c 4M /dev/urandom >/tmp/data
dd if=/tmp/data of="$disk" bs=256k oflag=direct status=none
dd if="$disk" of=/tmp/back bs=256k count=16 iflag=direct status=none
cmp /tmp/data /tmp/back
pass data

for port_delete in /sys/class/srp_remote_ports/*/delete; do echo 1 >"$port_delete"; done
no_disk() { ! lsscsi | grep -q LIO-ORG; }
wait_for logout no_disk
pass logout

echo 0 >"$tpg/enable"
echo 0 >"$target/srpt/discovery_auth/rdma_cm_port"
rm "$acl/lun_0/lun" "$tpg/lun/lun_0/disk"
rmdir "$acl/lun_0" "$acl" "$tpg/lun/lun_0" "$tpg" "${tpg%/*}" "$target/srpt" "$backstore" "${backstore%/*}"
rmmod ib_srpt
rmmod ib_srp
rdma link del rxe0
ip link del d0
pass teardown
