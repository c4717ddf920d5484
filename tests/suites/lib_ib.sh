# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2317 # variables, functions and arguments that only the suites use
# Links with an InfiniBand link layer: the software HCA of tests/hca instead of soft RoCE. A suite sources this after lib.sh.
#
# Two HCAs with two ports each; link N is the cable from port N+1 of hca0, where the initiator is, to that of hca1, where the
# target is. Each link is a subnet with an SM of its own, opensm on the initiator's port.

# Parameters of the HCAs
HCA_ARGS=()

# hca_guid DEVICE PORT: sets `guid`, 16 digits; port 0: that of the node
hca_guid() { printf -v guid '060000fffe00%02x%02x' "$1" "$2"; }

# hca_gid DEVICE PORT: sets `gid`, fe80:…
hca_gid() { printf -v gid 'fe80:0000:0000:0000:0600:00ff:fe00:%02x%02x' "$1" "$2"; }

# ib_up [PARAMETER...]: the HCAs, without SM; ib_down: everything gone
ib_up() {
	modprobe -a ib_umad ib_uverbs rdmavt
	insmod "$LAB_MODULES/rvt_hca.ko" "${HCA_ARGS[@]}" "$@"
}
ib_down() {
	local pid port
	for pid in "$WORK"/sm.*.pid; do
		port=${pid#*/sm.}
		port=${port%.pid}
		[[ ! -e $pid ]] || sm_stop "${port%.*}" "${port#*.}"
	done
	[[ ! -d /sys/module/rvt_hca ]] || rmmod rvt_hca
}

# hca_remove DEVICE, hca_return DEVICE: as if it was pulled out, and put in again; it comes back as after power-on
hca_remove() { echo "rvt_hca.$1" >/sys/bus/platform/drivers/rvt_hca/unbind; }
hca_return() { echo "rvt_hca.$1" >/sys/bus/platform/drivers/rvt_hca/bind; }

# sm_start DEVICE PORT [OPTION...]: an SM on this port, which stays until sm_stop; its LIDs are those of the last one that ran
# here. Its log is $WORK/sm.DEVICE.PORT.log.
sm_start() {
	local guid dir=$WORK/sm.$1.$2
	hca_guid "$1" "$2"
	shift 2
	mkdir -p "$dir"
	OSM_CACHE_DIR=$dir OSM_TMP_DIR=$dir opensm -g "0x$guid" -f "$dir.log" "$@" >"$dir.out" 2>&1 &
	echo $! >"$dir.pid"
}
# sm_stop DEVICE PORT: and wait for its end. On rare occasions opensm, told to end while it is busy with the subnet, does not: that
# is not what is tested.
sm_stop() {
	local pid file=$WORK/sm.$1.$2.pid
	[[ -e $file ]] || return 0
	pid=$(<"$file")
	rm "$file"
	kill -TERM "$pid" || return 0
	if ! poll 30 ended "$pid"; then
		note "opensm on port $1.$2 has not ended after 30 s"
		threads_of "$pid"
		kill -KILL "$pid"
		wait_for 30 "the end of the SM on port $1.$2" ended "$pid"
	fi
	wait "$pid" 2>/dev/null || true
}
# sm_sweep DEVICE PORT: it looks at everything again, at once
sm_sweep() { kill -HUP "$(<"$WORK/sm.$1.$2.pid")"; }

# port_is DEVICE PORT STATE: DOWN, INIT, ARMED or ACTIVE
port_is() {
	local state
	read -r state <"/sys/class/infiniband/hca$1/ports/$2/state" && [[ $state = *": $3" ]]
}
# ports_are STATE DEVICE.PORT...: are they already?
ports_are() {
	local state=$1 port
	shift
	for port; do port_is "${port%.*}" "${port#*.}" "$state" || return; done
}
# ports_active DEVICE.PORT...: wait for it
ports_active() {
	local port
	for port; do wait_for 30 "port $port active" port_is "${port%.*}" "${port#*.}" ACTIVE; done
}

# links_active N...: the SMs of these links look again, at once; returns when all is well
links_active() {
	local n
	for n; do sm_sweep 0 $((n + 1)); done
	for n; do ports_active "0.$((n + 1))" "1.$((n + 1))"; done
}

# sm_is DEVICE PORT LID: does the port know the SM by this one?
sm_is() {
	local sm_lid
	read -r sm_lid <"/sys/class/infiniband/hca$1/ports/$2/sm_lid" && ((sm_lid == $3))
}

# cut_cable DEVICE PORT, mend_cable DEVICE PORT
cut_cable() { knob "hca$1/port$2/cut" 1; }
mend_cable() { knob "hca$1/port$2/cut" 0; }

# port_lid DEVICE PORT: sets `lid`
port_lid() { read -r lid <"/sys/class/infiniband/hca$1/ports/$2/lid"; }

# ---- the links of lib.sh -----------------------------------------------------------------

NETS=2

# port_names N: sets `gid` to that of the target's port, and `tpg` to its portal group
port_names() {
	hca_gid 1 $(($1 + 1))
	tpg=$SRPT/${gid:20}/${gid:20}
}
net_up() {
	local port=$(($1 + 1))
	[[ -d /sys/module/rvt_hca ]] || ib_up
	sm_start 0 "$port"
	ports_active "0.$port" "1.$port"
}
net_down() {
	sm_stop 0 $(($1 + 1))
	(($1 < NETS - 1)) || ib_down
}

# ---- IB/CM in the place of RDMA/CM, see lib.sh ---------------------------------------------------------

login_string() {
	local guid gid
	dut_guid
	hca_gid 1 $(($1 + 1))
	path=id_ext=${ID_EXT:-$guid},ioc_guid=$guid,dgid=${gid//:/},pkey=ffff,service_id=$guid
}
login_file() { add_target=/sys/class/infiniband_srp/srp-hca0-$(($1 + 1))/add_target; }
initiator_acl() {
	local guid
	hca_guid 0 $(($1 + 1))
	acl=${guid:0:4}:${guid:4:4}:${guid:8:4}:${guid:12:4}
}
# It does so anyway.
listen() { :; }

# Each channel has a QP.
channels_are() { rdma resource show qp | awk -v n="$1" '/comm \[ib_srpt\]/ { n-- } END { exit n != 0 }'; }

# ---- what finds the target ------------------------------------------------------------------------

# has_dm LID: does the SA say that this port has Device Management?
has_dm() { saquery -C hca0 -P 1 PIR "$1" | grep -q IsDeviceManagementSupported; }

# umad_of DEVICE PORT: sets `umad`
umad_of() {
	local dir device port
	for dir in /sys/class/infiniband_mad/umad*; do
		read -r device <"$dir/ibdev"
		read -r port <"$dir/port"
		umad=/dev/infiniband/${dir##*/}
		[[ $device != "hca$1" || $port != "$2" ]] || return 0
	done
	return 1
}
# tool_finds N: does ibsrpdm print what names the target on link N, and nothing else? Sets `path` to that, and `found` to what
# it prints. The in-tree driver offers itself on the initiator's HCA, too.
tool_finds() {
	login_string "$1"
	found=$(umad_of 0 $(($1 + 1)) && ibsrpdm -c -d "$umad" 2>&1) || return
	if [[ $LAB_DUT != ours ]]; then found=$(grep -Fx -- "$path" <<<"$found") || return; fi
	[[ $found = "$path" ]]
}

# ---- faults: the files of tests/hca/knobs.c ---------------------------------------------------

HCA=/sys/kernel/debug/rvt_hca

# knob FILE TEXT
knob() { echo "$2" >"$HCA/$1"; }
# knob_is FILE PATTERN: does what it shows match?
knob_is() {
	# shellcheck disable=SC2053 # a pattern
	[[ $(<"$HCA/$1") = $2 ]]
}
# knobs_off: everything works again, but for what an SM has to do
knobs_off() {
	local file
	for file in "$HCA"/*/delay_us "$HCA"/*/delay_answer_us "$HCA"/*/hold "$HCA"/*/*/cut "$HCA"/*/*/stall; do echo 0 >"$file"; done
	for file in "$HCA"/*/fail_wr "$HCA"/*/*/drop_mad; do echo clear >"$file"; done
}
# counter DEVICE.PORT NAME: sets `count`
counter() {
	local name
	while read -r name count; do [[ $name != "$2" ]] || return 0; done <"$HCA/hca${1%.*}/port${1#*.}/counters"
	return 1
}
# counts_more DEVICE.PORT NAME N: more than N?
counts_more() {
	local count
	counter "$1" "$2"
	((count > $3))
}
# rc_qp DEVICE: sets `qpn` to that of its first RC QP that is connected
rc_qp() {
	local type port number state rest
	while read -r qpn type port number state rest; do [[ $type != RC || $state != RTS ]] || return 0; done <"$HCA/$1/qps"
	return 1
}
# harmless_events: at both ends of the first link, and at a QP of the target
harmless_events() {
	local event qpn
	for event in port_active port_err lid_change pkey_change sm_change client_reregister gid_change; do
		knob hca1/port1/event "$event"
		knob hca0/port1/event "$event"
	done
	rc_qp hca1
	for event in comm_est path_mig path_mig_err sq_drained cq_err; do knob hca1/event "$event $qpn"; done
}
