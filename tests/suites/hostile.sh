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

# hostile TEST: the test passes, and leaves nothing; the other session goes on
hostile() {
	dut_guid
	if ! "$WORK/srp_hostile" 10.9.0.1 "$CM_PORT" "$guid" "$1" >"$WORK/hostile" 2>&1; then
		cp "$WORK/hostile" "$LAB_OUT/$case_name.txt"
		grep -B 1 '^not ok:' "$WORK/hostile" | sed 's/^/  /'
		fail "$(grep -c '^not ok:' "$WORK/hostile") failed, see $case_name.txt"
	fi
	verify_ends
	same_objects "$WORK/before"
}

case_lengths() { hostile lengths; }
case_opcodes() { hostile opcodes; }
case_fields() { hostile fields; }
case_tmf() { hostile tmf; }
case_channels() { hostile channels:8; }
case_credits() { hostile credits; }
case_residuals() { hostile residuals; }
case_completions() { hostile completions; }
case_disconnect() { hostile disconnect:100; }
case_fuzz() { hostile "fuzz:10:$RANDOM"; }

run_cases "$@"
