#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest comes up and has what the suites rely on.
set -euo pipefail

check() {
	local name=$1
	shift
	if "$@" >/tmp/out 2>&1; then echo "ok $name"; else
		echo "not ok $name $(tail -n 1 /tmp/out)"
		failed=1
	fi
}
failed=0

echo "kernel $(uname -r), $(nproc) cpus, up $(cut -d' ' -f1 /proc/uptime) s, arguments: $*"
check root-writable touch /etc/lab /var/lab /root/lab /usr/lab
check project-visible test -x /srv/project/tests/lab/lab
check project-read-only bash -c '! touch /srv/project/x 2>/dev/null'
check out-writable touch /srv/out/from-guest
# shellcheck disable=SC2016 # for the inner bash
check process-substitution bash -c 'read -r x < <(echo y); [[ $x = y ]]'
check loopback ip -4 addr show dev lo up
check debugfs test -d /sys/kernel/debug/tracing
check configfs test -d /sys/kernel/config
for module in ib_uverbs rdma_ucm ib_umad rdma_rxe ib_srp target_core_mod target_core_iblock target_core_file \
	target_core_user sd_mod scsi_debug null_blk brd loop dm_mod dm_delay dm_multipath dummy veth rdmavt; do
	check "modprobe-$module" modprobe "$module"
done
exit "$failed"
