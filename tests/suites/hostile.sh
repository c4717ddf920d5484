#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# What no initiator should do, by tests/tools/srp_hostile on LUN 1, while another initiator does verified I/O to LUN 0 and must
# not notice.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"

INITIATOR_ARGS=("${NO_REGISTRATION[@]}")

setup() {
	local other
	modprobe -a ib_uverbs rdma_ucm
	if [[ ! -x $WORK/srp_hostile ]]; then
		make -s -C "$LAB_PROJECT/tests/tools" O="$WORK" CFLAGS=-O0 || fail "srp_hostile cannot be built"
	fi
	back_null victim 64
	other=$back
	back_null disk 64
	target_up 0 "$other" "$back"
	login_disk 0 initiator_ext=99
	verify_throughout "$disk"
	objects >"$WORK/before"
}

# raw TEST: the test passes
raw() {
	dut_guid
	if ! "$WORK/srp_hostile" 10.9.0.1 "$CM_PORT" "$guid" "$1" >"$WORK/hostile" 2>&1; then
		cp "$WORK/hostile" "$LAB_OUT/$case_name.txt"
		grep -B 1 '^not ok:' "$WORK/hostile" | sed 's/^/  /'
		fail "$(grep -c '^not ok:' "$WORK/hostile") failed, see $case_name.txt"
	fi
}

# hostile TEST: and leaves nothing, and the other session goes on
hostile() {
	raw "$1"
	verify_ends
	same_objects "$WORK/before"
}

case_lengths() { hostile lengths; }
case_opcodes() { hostile opcodes; }
case_fields() { hostile fields; }
case_tmf() { hostile tmf; }
case_channels() { hostile channels:8; }
case_credits() { hostile credits; }

# A disk that answers nothing until it may: the request limit is used up for certain.
case_overrun() {
	local size
	modprobe dm_mod
	null_disk held 64
	read -r size <"/sys/block/${null#/dev/}/size"
	dmsetup create held --table "0 $size linear $null 0"
	trap 'dmsetup resume held; dmsetup remove --deferred held' EXIT
	back_block held /dev/dm-0
	lun_add "$tpg" 2 "$back"
	mkdir "$tpg/acls/10.9.0.1/lun_2"
	ln -s "$tpg/lun/lun_2" "$tpg/acls/10.9.0.1/lun_2/lun"
	dmsetup suspend --noflush --nolockfs held
	raw overrun:2
	dmsetup resume held
	hostile channels:2
}

case_residuals() { hostile residuals; }
case_completions() { hostile completions; }
case_disconnect() { hostile "disconnect:$(times 100)"; }
case_fuzz() {
	local seed=$RANDOM
	note "seed $seed"
	hostile "fuzz:10:$seed"
}

run_cases "$@"
