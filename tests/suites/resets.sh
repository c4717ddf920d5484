#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# A disk that loses commands and delays others, an initiator with little patience, and an administrator who resets everything:
# verified I/O goes on, and every task management function is answered. Half an hour with LONG=1.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"

NETS=1
INITIATOR_ARGS=("${NO_REGISTRATION[@]}")
DEBUG_DISK=/sys/bus/pseudo/drivers/scsi_debug
EVENTS=/sys/kernel/tracing/events/srpt

setup() {
	local block
	# Between one jiffy and 20 ms for each command.
	modprobe scsi_debug dev_size_mb=96 ndelay=20000000 random=1
	wait_for 10 "the disk of scsi_debug" debug_disk
	back_block lossy "/dev/$block"
	target_up 0 "$back"
}
debug_disk() {
	local disks
	disks=("$DEBUG_DISK"/adapter0/host*/target*/*:0/block/*)
	[[ -e ${disks[0]} ]] && block=${disks[0]##*/}
}

# losing N: each N-th command to the disk is lost from now on; 0: none. Its own error handler finds it after 3 s.
losing() {
	local block
	debug_disk
	echo 3 >"/sys/block/$block/device/timeout"
	echo "$1" >"$DEBUG_DISK"/every_nth
	echo $(($1 ? 4 : 0)) >"$DEBUG_DISK"/opts
}

# Only what tells how many functions there were, and how many were answered.
count_functions() {
	echo 0 >"$EVENTS"/enable
	echo 4096 >/sys/kernel/tracing/buffer_size_kb
	echo >/sys/kernel/tracing/trace
	echo 1 >"$EVENTS"/srpt_tmf_request/enable
	echo 1 >"$EVENTS"/srpt_fence/enable
}
functions() {
	asked=$(grep -c ' srpt_tmf_request: ' /sys/kernel/tracing/trace || true)
	# The fence goes up once and down once, with 0 either time when there is nothing to wait for.
	answered=$(($(grep -c ' srpt_fence: ' /sys/kernel/tracing/trace || true) - asked))
}
all_answered() {
	functions
	((asked == answered))
}

# goes_on: requests are answered; after a loss that may take the time-outs of both error handlers.
goes_on() {
	ios_of "$disk"
	wait_for 120 "requests to $disk" ios_reached "$disk" $((ios + 4))
}

case_resets() {
	local how n=0 failed=0 end
	login_disk 0 ch_count=2
	echo 4 >"/sys/block/${disk#/dev/}/device/timeout"
	count_functions
	verify_throughout "$disk"
	losing 997
	end=$((SECONDS + (${LONG:-0} ? 1800 : 45)))
	while ((SECONDS < end)); do
		for how in device target bus host; do
			# What the initiator's driver cannot do goes on to the next larger one.
			sg_reset "--$how" "$disk" || failed=$((failed + 1))
			goes_on
			n=$((n + 1))
		done
	done
	losing 0
	goes_on
	verify_ends
	wait_for 60 "answers to all functions" all_answered
	note "$n resets, $failed of them refused by the initiator, $asked functions, $answered answered"
	((asked)) || fail "there was no task management function"
}

run_cases "$@"
