#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2119,SC2317 # tgtd_conf is given the names of initiators, or none; the cases are called by name
# srp_tgtd with the kernel's initiator: files and devices, its death and return, reload, reservations.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/suites/lib_tgt.sh
. "$(dirname "$0")/lib_tgt.sh"
ID_EXT=$TGT_ID_EXT
OTHER_ID_EXT=7467740000000002

NETS=2
INITIATOR_ARGS=("${NO_REGISTRATION[@]}")

setup() {
	ours_only "knows no /dev/tgt"
	modprobe sg
	tgtd_luns=()
	TGTD_RECOVERY_MS=0
	tgtd_listen
	objects >"$WORK/before"
}

# The session and the daemon end, and are gone.
nothing_left() {
	logout_all
	tgtd_stop
	same_objects "$WORK/before"
}

# file NAME MIB: a file for a logical unit
file() {
	truncate -s "$2M" "$WORK/$1"
	tgtd_lun "${3:-0}" file "$WORK/$1" "${@:4}"
}

# What was written is there after logout, login, and another daemon.
case_file_system() {
	file disk 64
	tgtd_conf
	tgtd_start
	login_disk 0
	verify "$disk" data --bsrange=512-256k --blockalign=512
	make_file_system "$disk" 16
	logout "$host"
	tgtd_stop
	tgtd_start
	login_disk 0
	same_file_system "$disk"
	nothing_left
}

# shows PATTERN...: srptctl succeeds and prints lines with these extended regular expressions
shows() {
	local pattern
	"$SRPTCTL" --socket="$WORK/tgtd.sock" >"$WORK/srptctl" || fail "srptctl: exit code $?"
	for pattern; do grep -qE -- "$pattern" "$WORK/srptctl" || fail "srptctl shows no $pattern: $(<"$WORK/srptctl")"; done
}

case_srptctl() {
	local SRPTCTL=$LAB_MODULES/tools/srptctl said
	shows "^ib_srpt [0-9.]+$" "RDMA/CM port $CM_PORT" "nobody is logged in" "does not run"
	file disk 8
	tgtd_conf
	tgtd_start
	login_disk 0
	dd if=/dev/zero of="$disk" bs=1M count=4 oflag=direct status=none
	shows "initiator [0-9a-f]{32} target $ID_EXT.* core tgt" "target id_ext $ID_EXT, 1 initiators" \
		"LUN 0: file $WORK/disk, 8 MiB; .* 4 MiB written" " 0 I/O errors"
	nothing_left
	said=$("$SRPTCTL" --nonsense 2>&1) && fail "it knows --nonsense"
	target_clear
	dut_unload
	said=$("$SRPTCTL" 2>&1) && fail "it shows a driver that is not loaded"
	[[ $said = *"modprobe ib_srpt"* ]] || fail "it does not say what to do: $said"
	dut_load
}

case_block_devices() {
	local n
	for n in 0 1; do
		null_disk "blk$n" 64
		tgtd_lun "$n" block "$null" 'thin = true'
	done
	tgtd_lun 2 memory 32M
	tgtd_lun 3 memory 8M 'read_only = true'
	tgtd_conf
	tgtd_start
	login_disk 0 ch_count=4
	for n in 0 1 2; do
		wait_for 15 "LUN $n" disk_of "$host" "$n"
		in_background verify "$disk" "lun$n" --bsrange=4k-512k
	done
	while read -r n; do wait "$n" || fail "verify failed, see above"; done < <(tail -n 3 "$WORK/pids")
	wait_for 15 "LUN 3" disk_of "$host" 3
	[[ $(<"/sys/block/${disk#/dev/}/ro") = 1 ]] || fail "LUN 3 is not read-only"
	! dd if=/dev/zero of="$disk" bs=4k count=1 oflag=direct status=none 2>/dev/null || fail "LUN 3 was written"
	disk_of "$host" 0
	blkdiscard -l 1M "$disk"
	blkdiscard -z -l 1M "$disk"
	cmp -n 1048576 "$disk" /dev/zero || fail "what was zeroed is not zero"
}

# A daemon on one CPU does not keep the work of soft RDMA there: responses go out on the CPU where the requests came in.
case_cpus() {
	local trace=/sys/kernel/tracing/trace home away
	(($(nproc) > 1)) || skip "this machine has one CPU"
	tgtd_lun 0 memory 32M
	tgtd_conf
	tgtd_start
	taskset -apc 1 "$tgtd_pid" >/dev/null
	login_disk 0
	echo >"$trace"
	fio --name=read --filename="$disk" --direct=1 --ioengine=libaio --rw=read --bs=64k --iodepth=8 --size=16M --cpus_allowed=0 \
		--output=/dev/null >/dev/null
	cat "$trace" >"$LAB_OUT/$case_name.events"
	# The CPU is in brackets; a command is known by its address.
	read -r home away < <(awk '
		!match($0, /\[[0-9]+\]/) { next }
		{ cpu = substr($0, RSTART, RLENGTH); match($0, / cmd=[^ ]+/); cmd = substr($0, RSTART, RLENGTH) }
		/--RECV--> NEW/ { came[cmd] = cpu }
		/ srpt_send: / && came[cmd] == "[000]" { if (cpu == came[cmd]) home++; else away++ }
		END { print home + 0, away + 0 }' "$LAB_OUT/$case_name.events")
	# One that is alone stays with the daemon.
	((home > 10 * away)) || fail "of the requests that came in on CPU 0, $home were answered there and $away elsewhere"
	nothing_left
}

# The daemon dies again and again under verified I/O, and another comes.
kills() {
	local n
	verify_throughout "$disk"
	for ((n = 0; n < $(times 20); n++)); do
		kill -KILL "$tgtd_pid"
		wait_for 20 "the dead daemon has gone" ended "$tgtd_pid"
		tgtd_start
		wait_for_ios "$disk" 50
	done
	verify_ends
}

# With a recovery time the session stays, and nothing but a pause is seen.
case_killed_with_recovery() {
	file disk 64
	TGTD_RECOVERY_MS=20000
	tgtd_conf
	tgtd_start
	login_disk 0
	kills
	state_is "$host" running || fail "the session is $(<"$(rport_of "$host")/state")"
	[[ $(grep -c . <(kernel_log | grep -E 'scsi host[0-9]+: SRP abort|reconnect')) = 0 ]] || fail "the initiator has recovered by itself"
	nothing_left
}

# Without one the session ends; the initiator logs in again when there is a daemon.
case_killed_without_recovery() {
	file disk 64
	tgtd_conf
	tgtd_start
	login_disk 0
	comes_back "$host" 120
	kills
	nothing_left
}

# Stopped for longer than it may be: it is killed, and a successor goes on.
case_hangs() {
	file disk 64
	TGTD_RECOVERY_MS=20000 TGTD_TIMEOUT_MS=5000
	tgtd_conf
	TGTD_TIMEOUT_MS=30000
	tgtd_start
	login_disk 0
	verify_throughout "$disk"
	kill -STOP "$tgtd_pid"
	wait_for 60 "the kernel kills what hangs" ended "$tgtd_pid"
	logged "daemon $tgtd_pid: killed, as it did not answer in time" || fail "nothing in the kernel log"
	tgtd_start
	verify_ends
	logout "$host"
	tgtd_stop
}

case_reload() {
	file first 64
	tgtd_conf
	tgtd_start
	login_disk 0
	verify_throughout "$disk"
	file second 16 1
	tgtd_conf
	kill -HUP "$tgtd_pid"
	echo "- - -" >"/sys/class/scsi_host/$host/scan"
	poll 15 disk_of "$host" 1 || { echo "- - -" >"/sys/class/scsi_host/$host/scan"; wait_for 15 "LUN 1" disk_of "$host" 1; }
	verify "$disk" second --size=8M
	# A file that has grown
	truncate -s 24M "$WORK/second"
	kill -HUP "$tgtd_pid"
	wait_for 30 "the disk has grown" grown "$disk" $((24 << 11))
	# Nonsense changes nothing.
	echo "targets: nonsense" >"$TGTD_CONF"
	kill -HUP "$tgtd_pid"
	wait_for 10 "a complaint" grep -q "nothing has changed" "$LAB_OUT/$case_name.tgtd"
	verify_ends
}
grown() {
	local size
	echo 1 >"/sys/block/${1#/dev/}/device/rescan"
	read -r size <"/sys/block/${1#/dev/}/size"
	((size == $2))
}

# A target goes under load, with another beside it that is not to notice.
case_target_removed() {
	local first
	file first 64
	tgtd_conf
	first=$(<"$TGTD_CONF")
	tgtd_luns=()
	file second 64
	{
		sed '/^targets/,$d' <<<"$first"
		printf 'targets = ( %s, %s );\n' "$(target_group <<<"$first")" \
			"{ id_ext = \"0x$OTHER_ID_EXT\"; luns = ( ${tgtd_luns[*]} ); }"
	} >"$TGTD_CONF"
	tgtd_start
	ID_EXT=$OTHER_ID_EXT login_disk 0
	verify_throughout "$disk"
	login_disk 1
	load "$disk"
	printf 'daemon: { socket = "%s"; state_dir = "%s"; };\ntargets = ( %s );\n' "$WORK/tgtd.sock" "$WORK/tgtd.state" \
		"{ id_ext = \"0x$OTHER_ID_EXT\"; luns = ( ${tgtd_luns[*]} ); }" >"$TGTD_CONF"
	kill -HUP "$tgtd_pid"
	wait_for 30 "its sessions have gone" not grep -q "id_ext $ID_EXT" "$TGT_DEBUG"
	wait_for 30 "the daemon has forgotten it" not_leaving
	verify_ends
	nothing_left
}
target_group() { sed -n 's/^targets = ( \(.*\) );$/\1/p'; }
not_leaving() { "$TGTD" --status "$WORK/tgtd.sock" | grep -q '"reloads": *1' && ! "$TGTD" --status "$WORK/tgtd.sock" | grep -q '"leaving": *true'; }

# A reservation that is to outlive power loss outlives the daemon.
case_reservations() {
	local key=0x123abc
	file disk 16
	tgtd_conf
	tgtd_start
	login_disk 0
	sg_persist --out --register --param-aptpl --param-sark="$key" "$disk" >/dev/null
	sg_persist --out --reserve --param-rk="$key" --prout-type=5 "$disk" >/dev/null
	login 1 initiator_ext=1
	wait_for 15 "the other path" disk_of "$host"
	! dd if=/dev/zero of="$disk" bs=4k count=1 oflag=direct status=none 2>/dev/null || fail "written by who has no registration"
	logout_all
	tgtd_stop
	tgtd_start
	login_disk 0
	sg_persist --in --read-reservation "$disk" | grep -qi "key=$key" || fail "the reservation is gone"
	sg_persist --out --clear --param-rk="$key" "$disk" >/dev/null
}

run_cases "$@"
