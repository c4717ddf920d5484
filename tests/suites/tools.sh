#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# The programs of ib_tools as users call them: what they print, and their exit codes. What srp_dump says to IUs is
# tested by tests/dump/run.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"

INITIATOR_ARGS=("${NO_REGISTRATION[@]}")
TOOLS=$LAB_MODULES/tools

# So that 256 KiB are one command.
NULL_SECTORS=2048

# LUN 0: for reading, LUN 1: small, for writing
setup() {
	[[ -x $TOOLS/srp_ping ]] || fail "no srp_ping: lab tools has to build it"
	modprobe -a ib_uverbs rdma_ucm
	back_null disk 64
	echo 600140500000000000000000000cafe1 >"$back/wwn/vpd_unit_serial"
	local disk=$back path
	back_null scratch 1
	target_up 0 "$disk" "$back"
	login_string 0
	where=$path
}

# try EXIT-CODE TOOL ARG...: sets `said` to all that it printed
try() {
	local want=$1 rc=0
	shift
	"$TOOLS/$1" "${@:2}" >"$WORK/stdout" 2>"$WORK/stderr" || rc=$?
	said="$(<"$WORK/stderr")
$(<"$WORK/stdout")"
	printf '$ %s\n%s\nexit code %d, %d s\n' "$*" "$said" "$rc" "$SECONDS" >>"$LAB_OUT/$case_name.txt"
	((rc == want)) || fail "exit code $rc instead of $want: $*; see $case_name.txt"
}

# says PATTERN...: all of them, in what was printed last
says() {
	local pattern
	for pattern; do grep -qE -- "$pattern" <<<"$said" || fail "'$pattern' was not printed, see $case_name.txt"; done
}

# json EXPRESSION...: each is true of `j`, the JSON that was printed last
json() {
	python3 - "$@" 3<"$WORK/stdout" <<-'PYTHON' || fail "the JSON is not as expected, see $case_name.txt"
		import json, os, sys
		j = json.load(os.fdopen(3))
		for expression in sys.argv[1:]:
		    if not eval(expression):
		        sys.exit("not true: " + expression)
	PYTHON
}

# The session of the kernel's initiator goes on, and it has noticed nothing.
kernel_undisturbed() {
	[[ -d /sys/class/scsi_host/$host ]] || fail "the session of the kernel's initiator has ended"
	dd if="$disk" of=/dev/null bs=64k count=4 iflag=direct status=none || fail "$disk cannot be read"
	if logged 'scsi host.*: (SRP abort|reconnect)|Got target logout'; then fail "the kernel's initiator noticed"; fi
}

case_ping() {
	login_disk 0
	try 0 srp_ping -c 3 -i 0.1 "$where"
	says '^SRP ping of 10.9.0.1:5555 over rxe0/1, initiator port id 7372705f70696e67[0-9a-f]{16}$' \
		'request limit [1-9][0-9]*;' '^TEST UNIT READY: seq=3 time=[0-9.]+ ms$' \
		'LUN 0: LIO-ORG +IBLOCK.*serial 600140500000000000000000000cafe1, naa\.6001405' \
		'^3 commands, 3 answered, 0 with an error, 0% lost' '^rtt min/avg/max/mdev = [0-9./]+ ms$'
	try 0 srp_ping -q -c 20 -i 0 -s 8k -d rxe0 --json "$where"
	json 'j["exit_code"] == 0' 'j["summary"]["sent"] == j["summary"]["answered"] == 20' 'j["replies"] == []' \
		'(s := j["summary"]) and 0 < s["min_ms"] <= s["avg_ms"] <= s["max_ms"]' 'j["session"]["immediate"]' \
		'j["disk"]["blocks"] == 131072 and j["disk"]["block_size"] == 512'
	try 1 srp_ping -c 1 -l 9 "$where"
	says 'INQUIRY of LUN 9: CHECK CONDITION: ILLEGAL REQUEST, Logical unit not supported \(05/25/00\)' \
		'^1 commands, 1 answered, 1 with an error'
	try 2 srp_ping -s 1000 -c 1 "$where"
	says 'must be a multiple of 512'
	try 0 srp_ping -c 1 "$where,initiator_ext=0"
	says 'initiator_ext of the target is not used'
	kernel_undisturbed
}

# What cannot work, and that it says what to do.
case_refused() {
	local id guid
	dut_guid
	try 2 srp_ping
	says 'which target'
	try 2 srp_ping id_ext=1,ioc_guid=2
	says 'the address is missing'
	try 3 srp_ping -d rxe7 "$where"
	says "no RDMA device 'rxe7'; there are: rxe0"
	try 3 srp_ping "${where%:*}:5556"
	says 'nobody listens on 10.9.0.1:5556 \(CM reason 8\)' rdma_cm_port
	try 4 srp_ping "${where/ioc_guid=*,/ioc_guid=1234,}"
	says 'SRP_LOGIN_REJ: 0x00010003' "no target port ${guid}0000000000001234" srpt_service_guid
	try 4 srp_ping --iu-len 63 "$where"
	says 'SRP_LOGIN_REJ: 0x00010000'
	acl_del "$tpg" 10.9.0.1
	try 4 srp_ping -E beef "$where"
	says 'SRP_LOGIN_REJ: 0x00010006' 'CM: 28' '^    000000000000beef[0-9a-f]{16}$' 'acls create ib.000000000000beef'
	id=$(sed -n 's/^    \([0-9a-f]\{32\}\)$/\1/p' <<<"$said")
	# What it says to do does help.
	acl_add "$tpg" "0x$id"
	try 0 srp_ping -c 1 -E beef "$where"
	acl_del "$tpg" "0x$id"
	try 4 srp_perf --json "$where"
	json 'j["exit_code"] == 4 and j["error"]' '(r := j["reject"])["reason"] == 0x10006 and r["cm_reason"] == 28' \
		"r['initiator_port_id'] == '7372705f70657266${id:16}'"
	echo 0 >"$tpg/enable"
	try 4 srp_ping "$where"
	says 'SRP_LOGIN_REJ: 0x00010001' disabled
}

# Commands that the disk answers too late, or never because the session ends.
case_unanswered() {
	local dir=/sys/kernel/config/nullb/slow index
	mkdir -p "$dir"
	echo 1 >"$dir/size"
	echo 2 >"$dir/irqmode"
	echo 1200000000 >"$dir/completion_nsec"
	echo 1 >"$dir/power"
	read -r index <"$dir/index"
	null=/dev/slow
	[[ -e /sys/block/slow ]] || null=/dev/nullb$index
	back_block slow "$null"
	lun_add "$tpg" 2 "$back"
	mkdir "$tpg/acls/10.9.0.1/lun_2"
	ln -s "$tpg/lun/lun_2" "$tpg/acls/10.9.0.1/lun_2/lun"
	try 1 srp_ping -l 2 -s 512 -c 2 -i 1.5 -W 0.4 "$where"
	says 'seq=1 no answer' 'seq=2 no answer' '^2 commands, 0 answered, 0 with an error, 100% lost' \
		'^1 answers came too late'
	try 1 srp_perf -l 2 -n 4 -W 0.4 "$where"
	says 'no answer for 0.4 s'
	disabled_while_pinging
}

disabled_while_pinging() {
	local rc=0
	in_background "$TOOLS/srp_ping" -i 0.1 "$where" >"$WORK/ping" 2>&1
	wait_for 20 "the first answers" grep -q seq=2 "$WORK/ping"
	echo 0 >"$tpg/enable"
	wait $! || rc=$?
	said=$(<"$WORK/ping")
	((rc == 3)) || fail "exit code $rc when the session ended"
	says 'the target has ended the session, SRP_T_LOGOUT: no reason'
}

case_perf() {
	login_disk 0
	try 2 srp_perf --op write "$where"
	says i-overwrite-lun
	try 0 srp_perf --op read -n 100 -q 2 -e --lun 1 "$where"
	says '^ #bytes +#iterations +BW peak\[MB/sec\] +BW average\[MB/sec\] +MsgRate\[Mpps\]' '^ 4096 +100 ' \
		't_min\[usec\] +t_max\[usec\] +t_typical\[usec\] +t_avg\[usec\] +t_stdev\[usec\] +99% ' 'Channels +: 2 '
	try 0 srp_perf --all -n 10 --json "$where"
	json 'len(j["results"]) >= 8' 'all(r["iterations"] == 10 and r["retries"] == 0 for r in j["results"])' \
		'[r["bytes"] for r in j["results"]] == [512 << i for i in range(len(j["results"]))]'
	try 0 srp_perf -D 0.5 -s 16k --cdb16 --indirect 3 --json "$where"
	json 'j["test"]["cdb"] == 16 and j["test"]["indirect"] == 3' '(r := j["results"][0])' '0.4 < r["seconds"] < 5' \
		'r["iterations"] >= 1 and abs(r["iops"] * r["seconds"] / r["iterations"] - 1) < 0.01' \
		'(l := r["latency_us"])["min"] <= l["p50"] <= l["p99"] <= l["p99.9"] <= l["max"]' \
		'l["min"] <= l["avg"] <= l["max"]'
	try 2 srp_perf -s 2m --lun 1 "$where"
	says 'more than LUN 1'
	kernel_undisturbed
	compare 4k 1
	compare 256k 1
}

# For information; soft RDMA in this machine says nothing about a target. compare SIZE SECONDS
compare() {
	local iops
	try 0 srp_perf --op randread -e -s "$1" -t 16 -D "$2" --json "$where"
	iops=$(python3 -c 'import json, sys; print(round(json.load(sys.stdin)["results"][0]["iops"]))' <"$WORK/stdout")
	fio --name=compare --filename="$disk" --readonly --direct=1 --ioengine=libaio --rw=randread --bs="$1" --iodepth=16 \
		--time_based --runtime="$2" --eta=never --output-format=terse --output="$WORK/fio.compare"
	note "random reads of $1 per second: srp_perf $iops, fio through ib_srp $(cut -d ';' -f 8 "$WORK/fio.compare")"
}

# Writes come where they should, by descriptors and as immediate data.
case_writes() {
	local kind
	null_disk scratch 1
	for kind in '' --immediate '--indirect 4'; do
		dd if=/dev/zero of="$null" bs=1M count=1 oflag=direct status=none
		# shellcheck disable=SC2086 # $kind may be two words or none
		try 0 srp_perf --op write --i-overwrite-lun --lun 1 -n 5 -t 2 -s 4k $kind --json "$where"
		json "j['results'][0]['immediate'] == ('$kind' == '--immediate')" 'j["results"][0]["iterations"] == 5'
		dd if="$null" of="$WORK/data" bs=64k count=1 iflag=direct status=none
		written "$WORK/data" 5 || fail "not exactly the first five of its blocks are written: '$kind'"
	done
	# There are 256 places, so it begins again.
	try 0 srp_perf --op write --i-overwrite-lun --lun 1 -n 300 "$where"
	try 0 srp_perf --op randwrite --i-overwrite-lun --lun 1 -n 100 -q 2 -t 100 "$where"
	says 'Depth : 100 each'
	examples
}

# Those of libsrp.
examples() {
	try 0 examples/inquiry "$where" 1
	says '^LIO-ORG +IBLOCK'
	"$TOOLS/examples/read_blocks" "$where" 200 1 >"$WORK/read" || fail "read_blocks: exit code $?"
	dd if="$null" of="$WORK/data" bs=512 count=200 iflag=direct status=none
	cmp "$WORK/read" "$WORK/data" || fail "read_blocks has read something else"
}

# written FILE N: the first N pages hold something, the next nothing
written() {
	python3 - "$@" <<-'PYTHON'
		import sys
		data = open(sys.argv[1], "rb").read()
		pages = [any(data[i:i + 4096]) for i in range(0, len(data), 4096)]
		sys.exit(pages != [i < int(sys.argv[2]) for i in range(len(pages))])
	PYTHON
}

# Two links that are one wire, and rules that make the kernel use it: else it talks to itself without packets.
wire_up() {
	local n
	ip rule add pref 200 lookup local 2>/dev/null || skip "this kernel has no routing by rules"
	trap wire_down EXIT
	modprobe veth
	ip link add d5 address 02:00:00:00:09:05 mtu 4200 type veth peer name d6 address 02:00:00:00:09:06 mtu 4200
	echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
	for n in 5 6; do
		ip link set "d$n" up
		ip addr add "10.9.$n.1/24" dev "d$n"
		echo 1 >"/proc/sys/net/ipv4/conf/d$n/accept_local"
		echo 0 >"/proc/sys/net/ipv4/conf/d$n/rp_filter"
	done
	for n in 5 6; do
		ip neigh add "10.9.$((11 - n)).1" lladdr "02:00:00:00:09:0$((11 - n))" dev "d$n"
		ip route add "10.9.$((11 - n)).1" dev "d$n" src "10.9.$n.1" table "10$n"
		ip rule add pref "10$n" iif lo from "10.9.$n.1" to "10.9.$((11 - n)).1" lookup "10$n"
		ip rule add pref "11$n" oif "d$n" from "10.9.$n.1" to "10.9.$((11 - n)).1" lookup "10$n"
	done
	ip rule del pref 0
	for n in 5 6; do rdma_up "$n"; done
}
wire_down() {
	local n
	set +e
	end_background
	target_clear
	ip rule add pref 0 lookup local
	for n in 105 115 106 116 200; do ip rule del pref "$n"; done
	for n in 5 6; do [[ ! -e /sys/class/infiniband/rxe$n ]] || rdma_down "$n"; done
	ip link del d5
}

case_capture() {
	local pid path
	wire_up
	target_clear
	back_null disk 64
	port_names 6
	lun_add "$tpg" 0 "$back"
	acl_add "$tpg" 10.9.5.1
	echo 1 >"$tpg/enable"
	listen
	login_string 6
	where=$path,src=10.9.5.1
	in_background tcpdump -q -U -i d5 -w "$LAB_OUT/$case_name.pcap" udp port 4791 2>"$WORK/tcpdump"
	wait_for 10 "tcpdump" grep -q listening "$WORK/tcpdump"
	pid=$!
	try 0 srp_ping -c 1 -s 8k "$where"
	try 0 srp_perf -n 1 -t 1 --op write --i-overwrite-lun --immediate "$where"
	try 0 srp_perf -n 1 -t 1 --op write --i-overwrite-lun --indirect 4 -s 2k "$where"
	try 1 srp_ping -c 1 -l 7 "$where"
	try 4 srp_ping "${where/ioc_guid=0/ioc_guid=7}"
	disabled_while_pinging
	sleep 0.5
	kill -INT "$pid"
	wait "$pid"
	try 0 srp_dump --pcap "$LAB_OUT/$case_name.pcap"
	says 'SRP_LOGIN_REQ \(RDMA/CM\), 56 bytes' 'SRP_LOGIN_RSP, 52 bytes' 'RDMA WRITE, 8192 bytes' 'SRP_CMD, 4164 bytes' \
		'accepted: 4096 bytes of immediate data' 'accepted: data-out, 2048 bytes in 4 descriptors' \
		'ILLEGAL REQUEST, Logical unit not supported' 'SRP_T_LOGOUT, 16 bytes' '0x00010003 no such target port'
}

run_cases "$@"
