#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# Logins over the RDMA CM: who gets in, who does not and learns why, and that nothing is left.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"

setup() {
	back_null disk 64
	target_up 0 "$back"
}

# refused REGEX: a login fails, with this reason in the log of the initiator, and a line of the target
refused() {
	if login 0; then fail "the login was accepted"; fi
	logged "(REJECTED, reason |SRP_LOGIN_REJ: )$1" || fail "the initiator was not told reason $1"
	logged 'ib_srpt.*[Rr]ejected.*login' || fail "the target logged no reason"
}

session() {
	login_disk 0 "ch_count=$1"
	wait_for 5 "$1 channels" channels_are "$1"
	sg_inq "$disk" | grep -q 'LIO-ORG'
	verify "$disk" small --size=4M --bs=16k
	logout "$host"
	wait_for 10 "the channels are gone" channels_are 0
}
case_one_channel() { session 1; }
case_eight_channels() { session 8; }

case_relogin() {
	login_disk 0 ch_count=1
	verify "$disk" first --size=2M --bs=64k
	logout "$host"
	login_disk 0 ch_count=1
	verify "$disk" again --size=2M --bs=64k
	# The initiator's own: drops the connection and logs in with the same port id.
	sg_reset --no-esc --host "$disk"
	verify "$disk" reset --size=2M --bs=64k
	wait_for 60 "the old channel is gone" channels_are 1
}

case_two_initiators() {
	local first
	login_disk 0 initiator_ext=1 ch_count=1
	first=$disk
	login_disk 0 initiator_ext=2 ch_count=1
	channels_are 2
	verify "$first" first --size=2M
	verify "$disk" second --size=2M
}

case_acl_missing() {
	acl_del "$tpg" 10.9.0.1
	refused 0x00010006
	acl_add "$tpg" 10.9.0.1
	login 0
}

case_acl_of_another() {
	acl_del "$tpg" 10.9.0.1
	acl_add "$tpg" 10.9.0.77
	acl_add "$tpg" 0123:4567:89ab:cdef
	refused 0x00010006
}

# An ACL may name the initiator by its port id, in a target port named by GID.
case_acl_by_port_id() {
	local id gid_tpg
	acl_del "$tpg" 10.9.0.1
	id=0000000000000005${gid:20:4}${gid:25:4}${gid:30:4}${gid:35:4}
	gid_tpg=$SRPT/0x${gid//:}/tpgt_1
	lun_add "$gid_tpg" 0 "$back"
	acl_add "$gid_tpg" "0x$id"
	echo 1 >"$gid_tpg/enable"
	login_disk 0 initiator_ext=5
	logout "$host"
	if login 0 initiator_ext=6; then fail "the login of another port id was accepted"; fi
}

case_port_disabled() {
	echo 0 >"$tpg/enable"
	refused 0x00010001
	echo 1 >"$tpg/enable"
	login 0
}

case_wrong_target() {
	local guid=0123456789abcdef
	if echo "id_ext=$guid,ioc_guid=$guid,dest=10.9.0.1:$CM_PORT" >/sys/class/infiniband_srp/srp-rxe0-1/add_target; then
		fail "the login was accepted"
	fi
	logged "REJECTED.*0x00010003"
}

case_iu_too_long() {
	target_clear
	dut_unload
	dut_load srp_max_req_size=4096
	setup
	refused 'requested max_it_iu_len too large'
	login_disk 0 max_it_iu_size=4096
	verify "$disk" short --size=1M
}

case_no_listener() {
	echo 0 >"$SRPT/discovery_auth/rdma_cm_port"
	if login 0; then fail "the login was accepted"; fi
	echo "$CM_PORT" >"$SRPT/discovery_auth/rdma_cm_port"
	login_disk 0
	# Another port, or none, is for later logins only.
	echo 0 >"$SRPT/discovery_auth/rdma_cm_port"
	verify "$disk" after --size=1M
}

# Logged out in the middle of I/O, a hundred times, while another session must not notice.
case_logins_under_io() {
	local n
	initiator_load "${NO_REGISTRATION[@]}"
	login_disk 0 initiator_ext=99
	verify_throughout "$disk"
	objects >"$WORK/before"
	for ((n = 0; n < $(times 100); n++)); do
		login_disk 0 initiator_ext=1
		in_background dd if="$disk" of=/dev/null bs=128k iflag=direct 2>/dev/null
		in_background dd if=/dev/zero of="$disk" bs=64k count=256 oflag=direct conv=nocreat 2>/dev/null
		wait_for_ios "$disk" 4
		logout "$host"
	done
	same_objects "$WORK/before"
	verify_ends
}

run_cases "$@"
