#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# Two paths to one disk, and several CPUs: paths fail and come back, sessions log out and in, devices and hosts are reset, and
# verified I/O goes on. The multipath device is made by hand, so that the test knows what happens when.
# CORE=tgt: the target is served by srp_tgtd.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/suites/lib_tgt.sh
. "$(dirname "$0")/lib_tgt.sh"

export DM_DISABLE_UDEV=1
NETS=2
INITIATOR_ARGS=("${NO_REGISTRATION[@]}")

setup() {
	# What a failed case left behind; it would keep the paths.
	if [[ -b /dev/mapper/paths ]]; then
		dmsetup message paths 0 fail_if_no_path
		dmsetup remove --retry paths
	fi
	hosts_of=() disks=()
	null_disk disk 64
	"setup_$CORE"
}

setup_lio() {
	back_block disk "$null"
	target_up 0 "$back"
	target_up 1 "$back"
}

setup_tgt() {
	ours_only "knows no /dev/tgt"
	tgtd_luns=()
	tgtd_lun 0 block "$null"
	tgtd_conf 10.9.0.1 10.9.1.1
	tgtd_start
	tgtd_listen
}

# lio_path N UP: the target port is disabled, or enabled. tgt_path: who comes by this path has to go, or may come back.
lio_path() {
	port_names "$1"
	echo "$2" >"$tpg/enable"
}
tgt_path() {
	local names=(10.9.0.1 10.9.1.1)
	(($2)) || unset "names[$1]"
	tgtd_conf "${names[@]}"
	kill -HUP "$tgtd_pid"
}

# Log in over link N; a path that is lost shall fail soon, and come back soon.
login_path() {
	login_disk "$1" ch_count=2
	hosts_of[$1]=$host
	disks[$1]=$disk
	comes_back "$host" 1
}

table() {
	local path paths=''
	for path; do paths+=" $(<"/sys/block/${disks[$path]#/dev/}/dev") 1"; done
	echo "0 131072 multipath 1 queue_if_no_path 0 1 1 queue-length 0 $# 1$paths"
}

# Both paths, and verified I/O over them.
multipath_up() {
	modprobe -a dm_multipath dm_queue_length
	login_path 0
	login_path 1
	dmsetup create paths --table "$(table 0 1)"
	verify_throughout "/dev/$(dmsetup info -c --noheadings -o blkdevname paths)"
}
multipath_down() {
	verify_ends
	dmsetup remove paths
}

# path_is N STATE: A or F, as the multipath device sees it
path_is() {
	local device
	device=$(<"/sys/block/${disks[$1]#/dev/}/dev")
	dmsetup status paths | grep -q " $device $2 "
}

case_paths_fail() {
	local n path
	multipath_up
	for ((n = 0; n < $(times 20); n++)); do
		path=$((n % 2))
		"${CORE}_path" "$path" 0
		wait_for 30 "path $path fails" path_is "$path" F
		wait_for_ios "$verify_disk" 20
		"${CORE}_path" "$path" 1
		wait_for 30 "reconnection of path $path" state_is "${hosts_of[path]}" running
		dmsetup message paths 0 reinstate_path "$(<"/sys/block/${disks[path]#/dev/}/dev")"
		wait_for 10 "path $path is back" path_is "$path" A
		wait_for_ios "$verify_disk" 20
	done
	multipath_down
}

case_sessions_log_out() {
	local n path
	multipath_up
	for ((n = 0; n < $(times 20); n++)); do
		path=$((n % 2))
		logout "${hosts_of[path]}"
		wait_for_ios "$verify_disk" 20
		login_path "$path"
		dmsetup suspend --noflush --nolockfs paths
		dmsetup load paths --table "$(table 0 1)"
		dmsetup resume paths
		wait_for_ios "$verify_disk" 20
	done
	multipath_down
}

# Alternately, as an administrator or an error handler may.
case_resets() {
	local n
	login_disk 0 ch_count=2
	# The initiator forgets no command when it resets the device; one that the target aborts ends with its time-out.
	echo 3 >"/sys/block/${disk#/dev/}/device/timeout"
	verify_throughout "$disk"
	for ((n = 0; n < $(times 100); n++)); do
		sg_reset --no-esc --device "$disk"
		wait_for_ios "$disk" 4
		sg_reset --no-esc --host "$disk"
		wait_for_ios "$disk" 4
	done
	verify_ends
}

case_channels() {
	local n
	for n in 1 2 4 8; do
		login_disk $((n % 2)) "ch_count=$n"
		verify "$disk" "channels$n" --bsrange=512-256k --blockalign=512 --iodepth=32 --numjobs=1 --size=8M
		logout "$host"
	done
}

# Both sessions at once, each with its own part of the disk.
case_two_sessions() {
	login_disk 0
	verify_throughout "$disk"
	login_disk 1
	verify "$disk" other --bsrange=512-256k --blockalign=512 --size=16M --loops=2
	verify_ends
}

case_logins_under_io() {
	local n
	login_disk 0
	verify_throughout "$disk"
	for ((n = 0; n < $(times 100); n++)); do
		login_disk 1 "ch_count=$((n % 4 + 1))"
		in_background dd if="$disk" of=/dev/null bs=128k iflag=direct 2>/dev/null
		in_background dd if=/dev/zero of="$disk" bs=64k count=256 oflag=direct conv=nocreat 2>/dev/null
		wait_for_ios "$disk" 10
		logout "$host"
	done
	verify_ends
}

run_cases "$@"
