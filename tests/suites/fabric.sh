#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# What happens to an InfiniBand fabric while SRP runs on it: cables, subnet managers, LIDs, partitions, HCAs and messages go and
# come back. Sessions recover by themselves or by srp_daemon, verified I/O goes on, and nothing is left behind.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/suites/lib_ib.sh
. "$(dirname "$0")/lib_ib.sh"

export DM_DISABLE_UDEV=1
# Whoever loses a connection tries again soon, and for longer than a case lasts.
INITIATOR_ARGS=(ch_count=1 reconnect_delay=1 fast_io_fail_tmo=120 dev_loss_tmo=300)
PARTITIONS=/etc/opensm/partitions.conf
SECOND_PKEY=0x8101

# Each case begins with both links up and a target with one disk on both of them.
setup() {
	local n
	if [[ -b /dev/mapper/paths ]]; then
		dmsetup message paths 0 fail_if_no_path
		dmsetup remove --retry paths
	fi
	for n in 0 1; do [[ -d /sys/class/infiniband/hca$n ]] || hca_return "$n"; done
	knobs_off
	for n in 1 2; do [[ -e $WORK/sm.0.$n.pid ]] || sm_start 0 "$n"; done
	partitions
	ports_are ACTIVE 0.1 0.2 1.1 1.2 || links_active 0 1
	initiator_there 0 1
	target_with_disk
	is_now >"$WORK/before"
}
target_with_disk() {
	back_null disk 64
	target_up 0 "$back"
	target_up 1 "$back"
}

# ---- what must be as before when a case is over ---------------------------------------------------

# port_words DEVICE PORT: sets `words`: LID and P_Keys
port_words() {
	local file word
	port_lid "$1" "$2"
	words=$lid
	for file in "/sys/class/infiniband/hca$1/ports/$2/pkeys"/*; do
		read -r word <"$file"
		[[ $word = 0x0000 ]] || words+=" ${file##*/}:$word"
	done
}
is_now() (
	# Counting nothing is no failure.
	trap - ERR
	objects
	for device in 0 1; do
		for port in 1 2; do
			port_words "$device" "$port"
			echo "port.$device.$port $words"
		done
	done
)
is_as_before() { diff <(is_now) "$WORK/before"; }
nothing_left() {
	end_background
	logout_all
	wait_for 60 "no channels" channels_are 0
	if ! poll 30 is_as_before; then
		is_as_before | tee "$LAB_OUT/$case_name.left" || true
		fail "something is left, see $case_name.left"
	fi
}

# What a failure looked like on the wire
eval "lib_$(declare -f evidence)"
evidence() {
	local n
	lib_evidence
	for n in 0 1; do
		{
			grep . "$HCA/hca$n/qps" "/sys/class/infiniband/hca$n/ports"/*/{lid,sm_lid,state}
			grep . "$HCA/hca$n"/*/counters
		} >"$LAB_OUT/$case_name.hca$n" 2>&1
	done
}

# ---- sessions ----------------------------------------------------------------------------------------

# session_on PORT: is there one over this port of the initiator, connected, with its disk? Sets `host` and `disk`.
session_on() {
	local name port
	srp_hosts
	# shellcheck disable=SC2154 # of srp_hosts
	for name in "${hosts[@]}"; do
		read -r port <"/sys/class/scsi_host/$name/local_ib_port" || continue
		if ((port == $1)) && state_is "$name" running && disk_of "$name"; then
			host=$name
			return 0
		fi
	done 2>/dev/null
	return 1
}
wait_for_session() { wait_for "$2" "a session over port $1" session_on "$1"; }
# The initiator forgets a session a little later than it removes the host, and takes no other to that target before.
logout_completely() {
	logout "$1"
	wait_for 30 "the end of the initiator's QPs" not initiator_has_qps
}
initiator_has_qps() { rdma resource show qp | grep -q 'comm \[ib_srp\]'; }
has_session() { [[ -e /sys/class/scsi_host/$1 ]]; }
sessions_are() {
	srp_hosts
	((${#hosts[@]} == $1))
}
# gives_up HOST: what this session has in flight fails soon after the connection, and the session soon after that
gives_up() {
	local rport
	rport=$(rport_of "$1")
	echo 1 >"$rport/fast_io_fail_tmo"
	echo 3 >"$rport/dev_loss_tmo"
}

# login_now N [OPTION...]: as login_disk; finds a lost peer after some seconds
login_now() { login_disk "$@" tl_retry_count=2; }

# target_qps: sets `qpns`, those of the target that are connected, in order
target_qps() {
	local qpn type state
	qpns=''
	while read -r qpn type _ _ state _; do
		[[ $type != RC || $state != RTS ]] || qpns+="$qpn "
	done <"$HCA/hca1/qps"
}

# ---- srp_daemon -----------------------------------------------------------------------------------

# daemon_start PORT [OPTION...]: srp_daemon for one port of the initiator, as its service calls it
daemon_start() {
	local port=$1
	shift
	[[ -e $WORK/rules ]] || echo a >"$WORK/rules"
	in_background srp_daemon -V -e -c -n -i hca0 -p "$port" -f "$WORK/rules" "$@" >"$LAB_OUT/$case_name.daemon$port" 2>&1
	echo $! >"$WORK/daemon.$port"
}
daemon_stop() {
	local pid
	pid=$(<"$WORK/daemon.$1")
	kill -TERM "$pid"
	wait_for 30 "the end of srp_daemon on port $1" ended "$pid"
}

# ---- one disk over both ports, a multipath device made by hand ------------------------------------

# paths_table: of the sessions over ports 1 and 2; sets `path_hosts` and `path_devs`
paths_table() {
	local port device paths=''
	for port in 1 2; do
		wait_for_session "$port" 60
		gives_up "$host"
		read -r device <"/sys/block/${disk#/dev/}/dev"
		path_hosts[port]=$host
		path_devs[port]=$device
		paths+=" $device 1"
	done
	table="0 131072 multipath 1 queue_if_no_path 0 1 1 round-robin 0 2 1$paths"
}
paths_up() {
	local table
	modprobe -a dm_multipath dm_round_robin
	path_hosts=() path_devs=()
	paths_table
	dmsetup create paths --table "$table"
	verify_throughout "/dev/$(dmsetup info -c --noheadings -o blkdevname paths)"
}
# paths_again: the sessions are others now
paths_again() {
	local table
	paths_table
	dmsetup suspend --noflush --nolockfs paths
	dmsetup load paths --table "$table"
	dmsetup resume paths
	wait_for_ios "$verify_disk" 20
}
paths_down() {
	verify_ends
	dmsetup remove paths
}
path_is() { dmsetup status paths | grep -q " ${path_devs[$1]} $2 "; }

# Who does not send does not learn that nobody is there any more: an initiator that has all its requests at the target waits
# for SCSI's time-out, whose reset of the host then comes across its own reconnection.
send_something() { in_background timeout 90 sg_turs "$disk" >/dev/null 2>&1; }

# ---- cases ---------------------------------------------------------------------------------------

# What ibsrpdm prints logs in, srp_daemon does it alone, and once.
case_tools() {
	local found path add_target
	tool_finds 0 || fail "ibsrpdm: $found, expected $path"
	login_file 0
	echo "$found" >"$add_target"
	wait_for_session 1 20
	verify "$disk" by_hand --size=2M
	logout_completely "$host"
	srp_daemon -e -o -i hca0 -p 1 >"$LAB_OUT/$case_name.daemon" 2>&1 || fail "srp_daemon: $(tail -n 1 "$LAB_OUT/$case_name.daemon")"
	wait_for_session 1 20
	verify "$disk" daemon --size=2M
	srp_daemon -e -o -i hca0 -p 1 >>"$LAB_OUT/$case_name.daemon" 2>&1 || fail "srp_daemon: $(tail -n 1 "$LAB_OUT/$case_name.daemon")"
	sessions_are 1 || fail "srp_daemon has logged in twice"
	nothing_left
}

# srp_daemon finds what appears later: a module, a port that is enabled, a target that is back, one behind a cable
case_daemon() {
	target_clear
	dut_unload
	daemon_start 1 -R 5
	dut_load
	target_with_disk
	wait_for_session 1 40
	read_one
	gives_up "$host"
	port_names 0
	echo 0 >"$tpg/enable"
	wait_for 60 "the session ends" not has_session "$host"
	echo 1 >"$tpg/enable"
	wait_for_session 1 40
	read_one
	daemon_stop 1
	logout_completely "$host"
	# From here on nothing but events can tell it.
	cut_cable 1 1
	daemon_start 1 -R 3600
	mend_cable 1 1
	links_active 0
	wait_for_session 1 60
	read_one
	daemon_stop 1
	nothing_left
}

# A cable is cut under I/O: it goes on over the other one; srp_daemon brings the path back.
case_multipath() {
	local port
	daemon_start 1 -R 5
	daemon_start 2 -R 5
	paths_up
	for port in 1 2; do
		cut_cable 1 "$port"
		# As multipathd does, which looks at each path now and then
		disk=/dev/$(basename "$(readlink "/sys/dev/block/${path_devs[port]}")")
		send_something
		wait_for 60 "path $port fails" path_is "$port" F
		wait_for_ios "$verify_disk" 20
		wait_for 60 "the session over port $port ends" not has_session "${path_hosts[port]}"
		mend_cable 1 "$port"
		links_active $((port - 1))
		paths_again
	done
	daemon_stop 1
	daemon_stop 2
	paths_down
	nothing_left
}

# lid_becomes DEVICE LID: port 1 gets this LID from the next SM; others keep theirs
lid_becomes() {
	local guid file=$WORK/sm.0.1/guid2lid lid16
	hca_guid "$1" 1
	printf -v lid16 '0x%04x' "$2"
	sm_stop 0 1
	sed -i "s/^0x$guid .*/0x$guid $lid16 $lid16/" "$file"
	sm_start 0 1
	wait_for 30 "port $1.1 has LID $2" lid_is "$1" 1 "$2"
	ports_active 0.1 1.1
}
lid_is() {
	local lid
	port_lid "$1" "$2"
	((lid == $3))
}
# sends_to DEVICE LID: has a QP of the first port of this device, with a connection, a peer with this LID?
sends_to() { grep -qE "^[0-9]+ RC port 1 RTS kernel remote [0-9]+ lid $2 " "$HCA/hca$1/qps"; }

# The port of the target, then that of the initiator, gets another LID under I/O: packets go nowhere until there is a new connection.
case_lid_change() {
	local device lid old
	login_now 0
	verify_throughout "$disk"
	for device in 1 0; do
		port_lid "$device" 1
		old=$((lid))
		lid_becomes "$device" $((old + 40))
		send_something
		wait_for 90 "a connection to the new LID" sends_to $((1 - device)) $((old + 40))
		wait_for_ios "$disk" 20
		wait_for 20 "Device Management at the new LID" tool_finds 0
		login 0 initiator_ext=2 || fail "login at the new LID: $(<"$WORK/login.err")"
		logout "$host"
		session_on 1
		lid_becomes "$device" "$old"
		send_something
		wait_for 90 "a connection to the old LID" sends_to $((1 - device)) "$old"
		wait_for_ios "$disk" 20
	done
	verify_ends
	nothing_left
}

# The SM ends and is started again: I/O does not notice, clients are told, and all is as before.
case_sm_restart() {
	local qpns before
	login_now 0
	verify_throughout "$disk"
	target_qps
	before=$qpns
	in_background stdbuf -oL ibv_asyncwatch -d hca1 >"$WORK/events"
	wait_for 10 "ibv_asyncwatch" grep -q 'async event FD' "$WORK/events"
	sm_stop 0 1
	wait_for_ios "$disk" 20
	sm_start 0 1
	wait_for 30 "clients register again" grep -qi 'reregist' "$WORK/events"
	wait_for_ios "$disk" 20
	port_lid 1 1
	wait_for 20 "IsDeviceManagementSupported is set" has_dm "$lid"
	tool_finds 0
	verify_ends
	target_qps
	[[ $qpns = "$before" ]] || fail "the connection is another one: $qpns, was $before"
	login 0 initiator_ext=2 || fail "a new login: $(<"$WORK/login.err")"
	nothing_left
}

# partitions [LINE]: the default one, and others
partitions() {
	mkdir -p "${PARTITIONS%/*}"
	printf '%s\n' 'Default=0x7fff, ipoib : ALL=full;' "$@" >"$PARTITIONS"
}
# pkey_at DEVICE PORT PKEY: is it in the table?
pkey_at() {
	local words
	port_words "$1" "$2"
	[[ $words\  = *":$3 "* ]]
}
second_partition() {
	local guid members
	hca_guid 0 1
	members="0x$guid=full"
	hca_guid 1 1
	partitions "Second=${SECOND_PKEY/0x8/0x0} : $members, 0x$guid=full;"
	sm_sweep 0 1
	wait_for 30 "P_Key at the initiator" pkey_at 0 1 "$SECOND_PKEY"
	wait_for 30 "P_Key at the target" pkey_at 1 1 "$SECOND_PKEY"
}
no_second_partition() {
	partitions
	sm_sweep 0 1
	wait_for 30 "no P_Key at the target" not pkey_at 1 1 "$SECOND_PKEY"
	wait_for 30 "no P_Key at the initiator" not pkey_at 0 1 "$SECOND_PKEY"
}
qps_with() { (($(grep -c "^[0-9]* RC port 1 RTS .* pkey $1" "$HCA/hca1/qps") == $2)); }

# A session in a second partition, which is taken away under I/O; the session in the default
# partition does not notice.
case_pkey() {
	local first second other
	second_partition
	login_now 0
	first=$host
	verify_throughout "$disk"
	login_now 0 initiator_ext=2 "pkey=${SECOND_PKEY#0x}"
	second=$host other=$disk
	qps_with "$SECOND_PKEY" 1 || fail "the target's QP is not in the partition"
	# It only reads: the other one writes what it verifies.
	in_background fio --name=reader --allow_file_create=0 --filename="$other" --direct=1 --ioengine=libaio --rw=randread --bs=64k \
		--iodepth=4 --time_based --runtime=3600 --size=16M --output=/dev/null >/dev/null 2>&1
	wait_for_ios "$other" 10
	# An ib_srp that cannot make a QP when it reconnects later puts requests that it still had on a list where they are already.
	echo off >"$(rport_of "$second")/reconnect_delay"
	echo 1 >"$(rport_of "$second")/fast_io_fail_tmo"
	no_second_partition
	wait_for 90 "the session in the partition fails" not state_is "$second" running
	wait_for 60 "its channel ends" channels_are 1
	if login 0 initiator_ext=3 "pkey=${SECOND_PKEY#0x}"; then fail "a login with the P_Key that was removed"; fi
	state_is "$first" running
	wait_for_ios "$verify_disk" 20
	logout "$second"
	# And back
	second_partition
	login_now 0 initiator_ext=2 "pkey=${SECOND_PKEY#0x}"
	read_one
	qps_with "$SECOND_PKEY" 1 || fail "the new QP is not in the partition"
	logout "$host"
	verify_ends
	no_second_partition
	nothing_left
}

# What is configured
configured() {
	local file value
	find "$SRPT" -mindepth 1 \( -type d -o -type l \) | sort
	for file in "$SRPT"/*/*/enable; do
		read -r value <"$file"
		echo "$file $value"
	done
}

# The target's HCA is removed under I/O, configuration and all; when it is back, srp_daemon restores the sessions.
case_target_removed() {
	local n
	ours_only "its configuration does not survive the HCA"
	configured >"$WORK/configured"
	daemon_start 1 -R 5
	daemon_start 2 -R 5
	paths_up
	for ((n = 0; n < $(times 10); n++)); do
		hca_remove 1
		ports_are DOWN 0.1 0.2 || fail "still up without a peer"
		wait_for 60 "the session over port 1 ends" not has_session "${path_hosts[1]}"
		wait_for 60 "the session over port 2 ends" not has_session "${path_hosts[2]}"
		configured | diff - "$WORK/configured" >"$LAB_OUT/$case_name.configured" || fail "the configuration is another one"
		hca_return 1
		links_active 0 1
		paths_again
	done
	daemon_stop 1
	daemon_stop 2
	paths_down
	nothing_left
}

# The same with that of the initiator. Programs that use it have to end before, as they do with systemd.
case_initiator_removed() {
	local port qpns
	daemon_start 1 -R 5
	daemon_start 2 -R 5
	paths_up
	for port in 1 2; do
		daemon_stop "$port"
		sm_stop 0 "$port"
	done
	hca_remove 0
	sessions_are 0 || fail "sessions without an HCA"
	# Those that it has been told nothing about
	target_qps
	note "connections the target still has: ${qpns:-none}"
	hca_return 0
	initiator_there 0 1
	for port in 1 2; do
		sm_start 0 "$port"
		ports_active "0.$port" "1.$port"
		daemon_start "$port" -R 5
	done
	paths_again
	daemon_stop 1
	daemon_stop 2
	paths_down
	nothing_left
}

# The target is configured while its HCA is not there, and serves when it appears.
case_late() {
	ours_only "it knows only ports that are there"
	target_clear
	hca_remove 1
	target_with_disk
	hca_return 1
	links_active 0 1
	wait_for 20 "Device Management" tool_finds 1
	login_now 1
	verify "$disk" late --size=2M
	nothing_left
}

# What a work request of the target can end with. It makes no difference: the channel ends, the initiator comes back, no
# command is lost.
ERRORS=(loc_len_err loc_qp_op_err loc_prot_err wr_flush_err bad_resp_err loc_access_err rem_inv_req_err rem_access_err rem_op_err
	retry_exc_err rnr_retry_exc_err rem_abort_err fatal_err resp_timeout_err general_err)
RECV_ERRORS=(loc_len_err loc_qp_op_err loc_prot_err wr_flush_err rem_op_err rem_abort_err fatal_err general_err)

case_errors() {
	local rules=() rule
	rules=("${ERRORS[@]/#/send }" "${ERRORS[@]/#/rdma_read }" "${ERRORS[@]/#/rdma_write }" "${RECV_ERRORS[@]/#/recv }"
		"any general_err" "send retry_exc_err 1 late" "rdma_read retry_exc_err 1 late" "rdma_write retry_exc_err 1 late")
	login_now 0 ch_count=2
	verify_throughout "$disk"
	for rule in "${rules[@]}"; do
		[[ $rule = *" 1 "* ]] || rule+=" 1"
		knob hca1/fail_wr "$rule"
		wait_for 30 "a request for $rule" knob_is hca1/fail_wr "*left 0 hits 1"
		wait_for_ios "$disk" 20
		knob hca1/fail_wr clear
	done
	verify_ends
	note "${#rules[@]} errors"
	wait_for_session 1 30
	wait_for 30 "no other channels" channels_are 2
	nothing_left
}

# Asynchronous events: some are no reason to do anything, some are the end of a channel.
case_events() {
	local event qpn qpns before
	login_now 0
	verify_throughout "$disk"
	target_qps
	before=$qpns
	harmless_events
	knob hca1/event device_fatal
	knob hca0/event device_fatal
	wait_for_ios "$disk" 20
	target_qps
	[[ $qpns = "$before" ]] || fail "an event that is none of its business ended the channel"
	tool_finds 0 || fail "no Device Management after the events"
	for event in qp_fatal qp_req_err qp_access_err; do
		wait_for 60 "a QP" rc_qp hca1
		knob hca1/event "$event $qpn"
		wait_for_ios "$disk" 20
		wait_for 30 "the QP with $event is gone" not grep -q "^$qpn " "$HCA/hca1/qps"
	done
	verify_ends
	wait_for_session 1 30
	nothing_left
}

# lose DEVICE PORT MESSAGE COUNT; lost DEVICE PORT: all of them are
lose() { knob "hca$1/port$2/drop_mad" "cm $3 $4"; }
lost() { knob_is "hca$1/port$2/drop_mad" "*left 0 hits*"; }
# not_lost DEVICE PORT: no more of it
not_lost() { knob "hca$1/port$2/drop_mad" clear; }

# rejected N: a login that is: there is no such target
rejected() {
	local ID_EXT=0000000000000001
	not login "$1"
}

# until_case_ends FILE VALUE: a setting; what it was is put back then, whatever happens
until_case_ends() {
	local value
	read -r value <"$1"
	kept+=("$1 $value")
	trap put_back EXIT
	echo "$2" >"$1"
}
kept=()
put_back() {
	local one
	for one in "${kept[@]}"; do echo "${one#* }" >"${one%% *}"; done
}

# Each message of a login and of a logout is lost once.
case_lost() {
	local row device message
	# What the initiator says when it goes is not said again: the target has to find out.
	[[ $LAB_DUT != ours ]] || until_case_ends /sys/module/ib_srpt/parameters/keepalive 1
	for row in "0 req" "1 rep" "0 rtu"; do
		read -r device message <<<"$row"
		lose "$device" 1 "$message" 1
		login_now 0
		wait_for 10 "a lost $message" lost "$device" 1
		read_one
		logout "$host"
		wait_for 60 "no channel after a lost $message" channels_are 0
		not_lost "$device" 1
	done
	lose 1 1 rej 1
	rejected 0 || fail "a login to no target"
	lost 1 1 || fail "no REJ was lost"
	not_lost 1 1
	login_now 0
	lose 1 1 drep 1
	logout "$host"
	wait_for 60 "no channel after a lost drep" channels_are 0
	not_lost 1 1
	[[ $LAB_DUT != ours ]] || {
		login_now 0
		lose 0 1 dreq 1
		logout "$host"
		wait_for 60 "no channel after a lost dreq" channels_are 0
		not_lost 0 1
	}
	nothing_left
}

# The target ends a session; its DREQ, or the answer, is lost once.
case_lost_by_target() {
	local row device message
	port_names 0
	for row in "1 dreq" "0 drep"; do
		read -r device message <<<"$row"
		login_now 0
		lose "$device" 1 "$message" 1
		echo 0 >"$tpg/enable"
		wait_for 60 "no channel after a lost $message" channels_are 0
		echo 1 >"$tpg/enable"
		wait_for_session 1 60
		read_one
		logout "$host"
		not_lost "$device" 1
	done
	nothing_left
}

# Messages that never arrive: REP and DREQ on the first link, REJ on the second. It takes the patience of the CM: 16 times 6 s.
case_lost_for_good() {
	local pid1 pid2
	# The initiator's logout waits for its login, which takes as long.
	until_case_ends /proc/sys/kernel/hung_task_timeout_secs 300
	login_now 0
	lose 1 1 rep all
	lose 1 1 dreq all
	lose 1 2 rej all
	load "$disk"
	rc_qp hca1
	knob hca1/event "qp_fatal $qpn"
	wait_for 60 "a REP is lost" knob_is hca1/port1/drop_mad "*rep left all hits [1-9]*"
	in_background rejected 1
	pid2=$!
	in_background logout "$host"
	pid1=$!
	wait "$pid1" || fail "the logout"
	wait "$pid2" || fail "a login to no target"
	wait_for 180 "no channels" channels_are 0
	knob_is hca1/port2/drop_mad "*rej left all hits [1-9]*" || fail "no REJ was lost"
	not_lost 1 1
	not_lost 1 2
	login_now 0
	verify "$disk" after --size=2M
	nothing_left
}

# A port does not receive any more, but its link is up: whoever sends gives up, and all is well when it receives again.
case_stalled() {
	local device qpns before
	login_now 0
	verify_throughout "$disk"
	for device in 1 0; do
		target_qps
		before=$qpns
		knob "hca$device/port1/stall" 1
		wait_for 60 "the initiator gives up" not state_is "$host" running
		wait_for 60 "the target gives up" not grep -qE "^${before% } RC .* RTS " "$HCA/hca1/qps"
		knob "hca$device/port1/stall" 0
		wait_for_session 1 120
		wait_for_ios "$disk" 20
	done
	verify_ends
	wait_for 60 "no other channels" channels_are 1
	nothing_left
}

# The same target on both ports: a session each, and what ends one does not end the other.
case_ports() {
	local n names=()
	for n in 0 1; do
		login_now "$n"
		names[n]=$host
	done
	channels_are 2 || fail "not one channel each"
	for n in 0 1; do
		session_on $((2 - n))
		verify_throughout "$disk"
		port_names "$n"
		echo 0 >"$tpg/enable"
		wait_for 60 "the session over this port ends" not state_is "${names[n]}" running
		wait_for 60 "its channel ends" channels_are 1
		state_is "${names[1 - n]}" running || fail "the other session ended"
		wait_for_ios "$verify_disk" 20
		not tool_finds "$n" || fail "a disabled port is offered"
		echo 1 >"$tpg/enable"
		wait_for 60 "the session is back" state_is "${names[n]}" running
		verify_ends
	done
	nothing_left
}

run_cases "$@"
