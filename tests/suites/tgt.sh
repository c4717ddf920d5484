#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# Targets in user space: srp_tgtd and the example of libtgt, with the kernel's initiator.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/suites/lib_tgt.sh
. "$(dirname "$0")/lib_tgt.sh"

INITIATOR_ARGS=("${NO_REGISTRATION[@]}")
TOOLS=$LAB_MODULES/tools
ID_EXT=$TGT_ID_EXT

setup() {
	ours_only "knows no /dev/tgt"
	tgtd_listen
}

daemon_up() { grep -q "id_ext $ID_EXT .*daemon " "$TGT_DEBUG"; }

# The example, with a file system on it.
case_example() {
	in_background "$TOOLS/examples/memory_target" "$ID_EXT" 2>"$LAB_OUT/$case_name.daemon"
	wait_for 10 "the target" daemon_up
	login_disk 0
	verify "$disk" example --bsrange=4k-64k
	make_file_system "$disk" 8
	logout "$host"
	login_disk 0
	same_file_system "$disk"
}

# contract CASE...: those of tests/tgt, at both ends of a target; a line for each
contract() {
	local guid
	modprobe -a ib_uverbs rdma_ucm
	dut_guid
	"$TOOLS/tgt_contract" --seed "$RANDOM" "${CONTRACT_ARGS[@]}" "ioc_guid=$guid,dest=10.9.0.1:$CM_PORT" "$@" ||
		fail "some of the contract is not kept, see above"
}
CONTRACT_ARGS=()

# All that has no case of its own below
case_contract() {
	CONTRACT_ARGS=(--except=B --except=F --except=C --except=M)
	contract
}

# A file system with pages that are written back
case_memory() {
	null_disk file 64
	mkfs.ext4 -q "$null"
	mount "$null" /mnt
	trap 'umount /mnt' EXIT
	CONTRACT_ARGS=(--file /mnt/file)
	contract B F
}

case_crash() { contract C; }
case_hostile() { contract M; }

run_cases "$@"
