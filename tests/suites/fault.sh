#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# Allocations that fail, one at a time and at every place of a login, then at random under I/O. Only those that the driver
# under test asked for, itself or through what it called.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"

FAIL=/sys/kernel/debug/failslab

setup() {
	[[ -d $FAIL ]] || skip "this kernel has no fault injection"
	back_null disk 64
	target_up 0 "$back"
}

# failing PERCENT TIMES: of the allocations of the driver, at most TIMES (-1: any number) fail
failing() {
	local size start
	read -r _ size _ _ _ start _ < <(grep '^ib_srpt ' /proc/modules)
	echo "$start" >"$FAIL/require-start"
	printf '%#x' $((start + size)) >"$FAIL/require-end"
	echo 16 >"$FAIL/stacktrace-depth"
	echo N >"$FAIL/task-filter"
	echo N >"$FAIL/ignore-gfp-wait"
	echo 0 >"$FAIL/verbose"
	echo "$2" >"$FAIL/times"
	echo "$1" >"$FAIL/probability"
}
never_failing() { echo 0 >"$FAIL/probability"; }

# Every login either works or is refused; nothing is left of it.
case_login() {
	local percent refused=0 accepted=0
	objects >"$WORK/before"
	# A login makes some hundred allocations.
	for percent in 100 50 30 20 {1..10} {1,1,1,1,1,1,1,1,1,1}{,}; do
		failing "$percent" 1
		if login 0; then
			never_failing
			accepted=$((accepted + 1))
			logout "$host"
		else
			never_failing
			refused=$((refused + 1))
		fi
	done
	note "$refused logins refused, $accepted accepted"
	((refused > 10)) || fail "only $refused logins were hit"
	same_objects "$WORK/before"
	login_disk 0
	verify "$disk" after --size=2M
}

# Commands may fail while memory does; afterwards everything works and nothing is left.
case_io() {
	objects >"$WORK/before"
	login_disk 0
	failing 3 -1
	fio --name=fail --filename="$disk" --direct=1 --ioengine=libaio --rw=randrw --bsrange=4k-256k --iodepth=16 --size=16M \
		--continue_on_error=all --eta=never --output="$WORK/fio.fail" || true
	never_failing
	verify "$disk" after --size=4M --bs=64k
	logout "$host"
	same_objects "$WORK/before"
}

run_cases "$@"
