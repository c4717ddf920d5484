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

# raw TEST...: the tests pass
raw() {
	local rc=0 names
	dut_guid
	"$WORK/srp_hostile" 10.9.0.1 "$CM_PORT" "$guid" "$@" >"$WORK/hostile" 2>&1 || rc=$?
	if ((rc)); then
		cp "$WORK/hostile" "$LAB_OUT/$case_name.txt"
		{ grep -B 1 '^not ok:' "$WORK/hostile" || true; } | sed 's/^/  /'
		names=$(sed -n 's/^not ok \([a-z]*\).*/\1/p' "$WORK/hostile" | paste -sd ' ')
		fail "${names:-srp_hostile} failed, exit code $rc, see $case_name.txt"
	fi
}

# hostile TEST...: and leave nothing, and the other session goes on
hostile() {
	raw "$@"
	verify_ends
	same_objects "$WORK/before"
}

# LUN 2: a disk that answers nothing until it may, so that the request limit is used up for certain.
held_disk() {
	local size
	export DM_DISABLE_UDEV=1
	modprobe dm_mod
	null_disk held 64
	read -r size <"/sys/block/${null#/dev/}/size"
	dmsetup create held --table "0 $size linear $null 0"
	trap 'dmsetup resume held; dmsetup remove --deferred held' EXIT
	back_block held /dev/dm-0
	lun_add "$tpg" 2 "$back"
	mkdir "$tpg/acls/10.9.0.1/lun_2"
	ln -s "$tpg/lun/lun_2" "$tpg/acls/10.9.0.1/lun_2/lun"
}

case_ius() {
	local all=
	if ((${LONG:-0})); then all=:all; fi
	hostile "lengths$all" "opcodes$all" fields
}

case_tasks() {
	held_disk
	dmsetup suspend --noflush --nolockfs held
	raw tmf residuals tables channels:8 credits overrun:2
	dmsetup resume held
	# What was held has ended: log in once more.
	hostile channels:2
}

case_held() {
	held_disk
	hostile aborts:2:held wronglun:2:held stranded:2:held takeover:2:held
}

case_logins() { hostile logins; }

case_silence() {
	ours_only "no keepalive"
	echo 1 >/sys/module/ib_srpt/parameters/keepalive
	raw silence
	echo 30 >/sys/module/ib_srpt/parameters/keepalive
}

case_endings() {
	local seed=$RANDOM
	note "seed $seed"
	hostile completions "disconnect:$(times 100)" "fuzz:10:$seed"
}

run_cases "$@"
