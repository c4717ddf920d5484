#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# must-fail.sh KIND: do one thing that the lab has to notice.
set -euo pipefail

# Crash on demand: User-Mode Linux has no sysrq, the distribution's kernel no lkdtm.
crash() {
	if [[ -w /proc/sysrq-trigger ]]; then echo c >/proc/sysrq-trigger; else lkdtm PANIC; fi
}
lkdtm() {
	modprobe lkdtm
	echo "$1" >/sys/kernel/debug/provoke-crash/DIRECT
}

echo "ok before-$1"
case $1 in
none) ;;
exit) exit 3 ;;
not-ok) echo "not ok planted because" ;;
warning) echo "<4>WARNING: planted" >/dev/kmsg ;;
cleared) # the ring buffer is cleared, the console still has it
	echo "<4>WARNING: planted" >/dev/kmsg
	dmesg -C
	;;
leak) modprobe kmemleak-test ;;
use-after-free) lkdtm READ_AFTER_FREE ;;
panic) crash ;;
lockup) lkdtm HARDLOCKUP ;;
hang) sleep 1000 ;;
configfs)
	modprobe ib_srpt
	mkdir /sys/kernel/config/target/srpt
	;;
module)
	modprobe -a loop ext4
	truncate -s 8M /tmp/disk
	losetup /dev/loop0 /tmp/disk
	;;
*) exit 2 ;;
esac
