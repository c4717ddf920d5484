#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # called by name
# InfiniBand as such, on the software HCA: subnet management, and what the tools for it say.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/suites/lib_ib.sh
. "$(dirname "$0")/lib_ib.sh"

# Each case begins with the first link active.
setup() {
	[[ -d $HCA ]] || return 0
	knobs_off
	ports_are ACTIVE 0.1 1.1 || links_active 0
}

target_with_disk() {
	back_null disk 64
	target_up 0 "$back"
}

# says PATTERN COMMAND...: does it, on its standard output?
says() {
	local pattern=$1 said
	shift
	said=$("$@" 2>&1) || fail "$*: $said"
	# shellcheck disable=SC2053 # a pattern
	[[ $said = $pattern ]] || fail "$*: no $pattern in: $said"
}

# An SM makes the ports active, and the tools of infiniband-diags see both ends.
case_sm() {
	local guid lid node
	says '*State: Active*Link layer: InfiniBand*' ibstat hca1 1
	says '*4: ACTIVE*5: LinkUp*InfiniBand*' ibstatus hca0:2
	hca_guid 1 0
	says "*Guid:*0x$guid*LocalPort:*2*" smpquery -D -C hca0 -P 2 nodeinfo 0,2
	port_lid 1 1
	says "*Lid:*$lid*LinkState:*Active*" smpquery -C hca0 -P 1 portinfo "$lid"
	says '*SMINFO_MASTER*' sminfo -C hca1 -P 1
	for node in 0 1; do
		hca_guid "$node" 0
		says "*node_guid*0x$guid*" saquery -C hca1 -P 1 NR
	done
	says '*"software HCA 1"*"software HCA 0"*4xQDR*' ibnetdiscover -C hca0 -P 1
}

# A cable is pulled, and put in again; nothing happens to the other one.
case_cable() {
	cut_cable 1 1
	ports_are DOWN 0.1 1.1 || fail "still up without a cable"
	says '*1: DOWN*2: Polling*' ibstatus hca0:1
	port_is 0 2 ACTIVE || fail "the other port is gone as well"
	mend_cable 1 1
	ports_are INIT 0.1 1.1 || fail "not initialized again"
	links_active 0
}

# An HCA is removed and returned: it gets its LIDs again.
case_removed() {
	local lid before
	port_lid 1 1
	before=$lid
	hca_remove 1
	ports_are DOWN 0.1 0.2 || fail "still up without a peer"
	hca_return 1
	port_is 0 1 INIT || fail "the link is not up"
	links_active 0 1
	port_lid 1 1
	((lid == before)) || fail "LID $lid, was $before"
}

# The SM ends, and another one starts on the other side: clients are told.
case_sm_moves() {
	sm_stop 0 1
	port_is 1 1 ACTIVE || fail "no longer active without an SM"
	sm_start 1 1
	wait_for 20 "a master on port 1.1" sm_is 0 1 "$(port_lid 1 1 && echo "$lid")"
	says '*SMINFO_MASTER*' sminfo -C hca0 -P 1
	sm_stop 1 1
	sm_start 0 1
	wait_for 20 "a master on port 0.1" sm_is 1 1 "$(port_lid 0 1 && echo "$lid")"
}

# The SA learns of the target at once: the port tells that its capabilities have changed.
case_capability() {
	port_lid 1 1
	dut_unload
	wait_for 10 "no device management without a target" not has_dm "$lid"
	dut_load
	wait_for 10 "device management" has_dm "$lid"
}

# ---- RC ---------------------------------------------------------------------------------------

# listens PORT: in hexadecimal; programs find each other by TCP
listens() { grep -qE "^ *[0-9]+: 0+:$1 0+:0000 0A " /proc/net/tcp /proc/net/tcp6; }

# user_rdma PROGRAM ARG...: server on the target's port, client on the initiator's
user_rdma() {
	local server
	in_background "$@" -d hca1 -i 1 >"$WORK/server.log" 2>&1
	server=$!
	wait_for 20 "server of $1" listens 4853
	timeout 60 "$@" -d hca0 -i 1 127.0.0.1 >"$WORK/client.log" 2>&1 || {
		cp "$WORK/client.log" "$LAB_OUT/$case_name.client.log"
		fail "client of $*: $(tail -n 1 "$WORK/client.log")"
	}
	wait "$server" || fail "server of $*: $(tail -n 1 "$WORK/server.log")"
}

# Programs: messages in both directions, of all kinds.
case_rc() {
	local program count
	counter 0.1 messages
	local before=$count
	ip link set lo up
	user_rdma ibv_rc_pingpong -s 4096 -n 100 -c
	user_rdma ibv_rc_pingpong -s 1500000 -n 10 -c -e
	user_rdma ibv_srq_pingpong -s 4096 -n 100 -c -q 4
	for program in ib_send_bw ib_write_bw ib_read_bw ib_atomic_bw ib_write_lat; do user_rdma "$program" -F -n 50; done
	counter 0.1 messages
	((count > before + 300)) || fail "only $((count - before)) messages"
}

# What ibsrpdm finds is what the kernel's initiator logs in with.
case_login() {
	local found path
	target_with_disk
	tool_finds 0 || fail "ibsrpdm: $found, expected $path"
	login_disk 0
	read_one
	logout "$host"
}

# Of all sizes, verified, with fast registration on the side of the initiator
case_io() {
	target_with_disk
	login_disk 0
	verify "$disk" small --bsrange=512-16k --blockalign=512
	verify "$disk" large --bsrange=4k-1m --blockalign=512 --size=32M
	logout "$host"
}

# ---- what a test can break -----------------------------------------------------------------------

# What makes no sense is refused; what does is shown.
case_knobs() {
	local text
	for text in hca1/hold:3 hca1/hold:on hca1/delay_us:-1 hca1/delay_us:99999999 "hca1/fail_wr:send 1" \
		"hca1/fail_wr:sand retry_exc_err 1" "hca1/fail_wr:send retry_exc_err 0" "hca1/fail_wr:send success 1" \
		"hca1/fail_wr:recv loc_len_err 1 late" "hca1/event:qp_fatal" "hca1/event:port_err" "hca1/port1/event:qp_fatal 1" \
		"hca1/port1/cut:2" "hca1/port1/stall:x" "hca1/port1/drop_mad:cm rep" "hca1/port1/drop_mad:cm rep 0" \
		"hca1/port1/drop_mad:xx rep 1" "hca1/port1/drop_mad:cm 0x10000 1"; do
		if knob "${text%%:*}" "${text#*:}" 2>/dev/null; then fail "accepted: $text"; fi
	done
	knob_is hca1/hold "0 held 0"
	knob hca1/fail_wr "any general_err all 77 late"
	knob_is hca1/fail_wr "any general_err qp 77 late left all hits 0"
	knob hca1/fail_wr clear
	knob_is hca1/fail_wr ""
	knob hca1/port1/drop_mad "0x06 0x11 2"
	knob_is hca1/port1/drop_mad "0x06 0x11 left 2 hits 0"
	knob hca1/port1/drop_mad clear
}

# A cable is pulled for a moment: what was sent meanwhile is sent again. And for longer: the session ends, and comes back.
case_cut() {
	local count
	target_with_disk
	login_patient 0 tl_retry_count=2
	verify_throughout "$disk"
	counter 1.1 lost
	cut_cable 1 1
	port_is 0 1 DOWN
	port_is 1 1 DOWN
	wait_for 30 "something is lost" counts_more 1.1 lost "$count"
	mend_cable 1 1
	links_active 0
	verify_ends
	state_is "$host" running
	verify_throughout "$disk"
	cut_cable 0 1
	wait_for 60 "the session notices" not state_is "$host" running
	mend_cable 0 1
	links_active 0
	wait_for 60 "the session is back" state_is "$host" running
	verify_ends
	logout "$host"
}
# The receive side of the target's port stops for a moment: the initiator sends once more, and notices nothing else.
case_stall() {
	local count
	target_with_disk
	login_patient 0
	verify_throughout "$disk"
	counter 1.1 stalled
	knob hca1/port1/stall 1
	wait_for 10 "something is lost" counts_more 1.1 stalled "$count"
	counter 0.1 retries
	knob hca1/port1/stall 0
	wait_for 20 "it is sent once more" counts_more 0.1 retries "$count"
	verify_ends
	state_is "$host" running
	logout "$host"
}

# Messages of the CM that are lost are sent again, good-byes that nobody answers do not keep anybody.
case_drop_mad() {
	target_with_disk
	knob hca1/port1/drop_mad "cm rep 1"
	knob hca0/port1/drop_mad "cm rtu 1"
	login_disk 0
	knob_is hca1/port1/drop_mad "cm rep left 0 hits 1"
	knob_is hca0/port1/drop_mad "cm rtu left 0 hits 1"
	read_one
	knob hca0/port1/drop_mad "cm dreq all"
	logout "$host"
	wait_for 60 "a good-bye is lost" knob_is hca0/port1/drop_mad "*dreq left all hits [1-9]*"
	knob hca0/port1/drop_mad clear
	knob hca1/port1/drop_mad clear
}

# Each of these ends the connection; the session comes back by itself, and nothing that was written is lost.
case_fail_wr() {
	local rule device
	target_with_disk
	login_patient 0
	for rule in "hca1 rdma_write rem_access_err 1" "hca1 rdma_read loc_prot_err 1" "hca1 send retry_exc_err 1" \
		"hca1 send retry_exc_err 1 late" "hca0 send rnr_retry_exc_err 1" "hca1 recv loc_len_err 1" "hca0 recv loc_prot_err 1" "hca1 any general_err 1"; do
		device=${rule%% *}
		knob "$device/fail_wr" "${rule#* }"
		if ! verify "$disk" rule --bs=64k --size=1M; then fail "$rule: I/O fails"; fi
		knob_is "$device/fail_wr" "*left 0 hits 1" || fail "$rule: $(<"$HCA/$device/fail_wr")"
		knob "$device/fail_wr" clear
	done
	wait_for 30 "the session is back" state_is "$host" running
	read_one
	logout "$host"
}

# Messages, and their completions, take their time.
case_delay() {
	local begin
	target_with_disk
	login_disk 0
	knob hca1/delay_us 300000
	begin=${EPOCHREALTIME/./}
	read_one
	# The data and the response
	((${EPOCHREALTIME/./} - begin > 600000)) || fail "no delay"
	knob hca1/delay_us 0
	knob hca1/delay_answer_us 300000
	begin=${EPOCHREALTIME/./}
	read_one
	((${EPOCHREALTIME/./} - begin > 300000)) || fail "no delay of completions"
	knob hca1/delay_answer_us 0
	logout "$host"
}

# The send queues of the target stop: an answer stays where it is until they go on.
case_hold() {
	target_with_disk
	login_disk 0
	knob hca1/hold 1
	in_background read_one
	wait_for 10 "the target's answer is held" knob_is hca1/hold "1 held 1"
	knob hca1/hold 0
	wait $! || fail "the read fails"
	knob_is hca1/hold "0 held 0"
	logout "$host"
}

# Users live through all asynchronous events; those that mean the end of a QP end the session, which comes back.
case_events() {
	local event qpn
	target_with_disk
	login_patient 0
	load "$disk"
	harmless_events
	knob_is hca1/port1/event 7
	wait_for_ios "$disk" 20
	for event in qp_fatal qp_req_err qp_access_err last_wqe; do
		wait_for 60 "a QP" rc_qp hca1
		knob hca1/event "$event $qpn"
		wait_for_ios "$disk" 20
	done
	wait_for 30 "the session is back" state_is "$host" running
	end_background
	logout "$host"
	knob hca1/event device_fatal
	knob hca0/event device_fatal
}

# The HCA of the target, then that of the initiator, is pulled out under load and returned.
case_hca_removed() {
	target_with_disk
	login_patient 0
	verify_throughout "$disk"
	hca_remove 1
	hca_return 1
	links_active 0
	target_clear
	target_with_disk
	wait_for 60 "the session is back" state_is "$host" running
	verify_ends
	load "$disk"
	# opensm does not always end when its HCA is gone.
	sm_stop 0 1
	hca_remove 0
	wait_for 30 "no session without its HCA" not test -e "/sys/class/scsi_host/$host"
	hca_return 0
	sm_start 0 1
	ports_active 0.1 1.1
	login_disk 0
	read_one
	logout "$host"
}

# Parameters that make no sense
case_parameters() {
	local args
	ib_down
	for args in devices=0 devices=5 ports=0 ports=5 cables=0.1-0.1 cables=0.1 cables=0.1-1.1,1.1-0.2 cables=0.1-1.3 "cables=,"; do
		if insmod "$LAB_MODULES/rvt_hca.ko" "$args" 2>/dev/null; then fail "accepted: $args"; fi
		logged "rvt_hca: ${args%%=*}: " || fail "no reason given for $args"
	done
	ib_up devices=1 cables=0.1-0.2
	ports_are INIT 0.1 0.2 || fail "a cable between two ports of a device"
	ib_down
	ib_up devices=4 ports=4 cables=
	port_is 3 4 DOWN || fail "up without cable"
}

run_cases "$@"
