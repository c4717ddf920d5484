# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 # variables and functions that only the suites use
# What the suites share: the driver under test, soft RDMA, back-stores, target, initiator, cases and their results.
#
# A suite sources this file, defines functions named case_NAME and ends with
#
#	run_cases "$@"
#
# which runs those named in the arguments, or all of them in the order of their definition. Each case starts with soft RDMA
# up, the driver loaded and whatever setup() of the suite made, and with no session; it may leave anything behind except
# the links and modules it changed. It passes if it returns: the first command that fails ends it (errexit).
set -euo pipefail

: "${LAB:=debug}" "${LAB_DUT:=ours}" "${LAB_OUT:=/tmp}"
: "${LAB_PROJECT:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}" "${LAB_MODULES:=/srv/modules}"
suite=$(basename "$0" .sh)
TARGET=/sys/kernel/config/target
SRPT=$TARGET/srpt
CM_PORT=5555
# A kernel with debugging is slow, and remembers.
LAB_DEBUG=0
[[ $LAB != debug ]] || LAB_DEBUG=1
# Scratch of this run. Also holds why a case failed and the processes it has in the background.
WORK=$(mktemp -d "/tmp/$suite.XXXXXX")

# ---- results ---------------------------------------------------------------------

note() { echo "  $*"; }

# fail REASON, skip REASON: end the running case
fail() {
	echo "$*" >"$WORK/reason"
	exit 1
}
skip() {
	echo "$*" >"$WORK/reason"
	exit 77
}

# wait_for SECONDS WHAT COMMAND...: until COMMAND succeeds; a case in which it does not has failed
wait_for() {
	local seconds=$1 what=$2
	shift 2
	if ! poll "$seconds" "$@"; then fail "timeout after $seconds s: $what"; fi
}
poll() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS <= end)) || return 1
		sleep 0.05
	done
}
# Succeeds if the command fails.
not() { ! "$@"; }

# ours_only WHY: end a case that the in-tree driver is known not to survive
ours_only() {
	if [[ $LAB_DUT != ours ]]; then skip "in-tree driver: $1"; fi
}

# in_background COMMAND...: its process is killed at the end of the case; $! is its pid
in_background() {
	"$@" &
	echo $! >>"$WORK/pids"
}

end_background() {
	local pid
	[[ -e $WORK/pids ]] || return 0
	while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done <"$WORK/pids"
	rm "$WORK/pids"
}

# Lines of the kernel log since the running case began.
kernel_log() { dmesg | awk -v mark="lab: case $case_name" 'index($0, mark) { found = 1 } found'; }
logged() { grep -qE -- "$1" <(kernel_log); }

case_name=''
run_case() {
	local name=$1 begin=$SECONDS rc
	case_name=$suite.$name
	rm -f "$WORK/reason"
	echo "lab: case $case_name" >/dev/kmsg
	set +e
	(
		set -eE
		trap '[[ -e $WORK/reason ]] || echo "line ${BASH_LINENO[0]:-0}/$LINENO: $BASH_COMMAND failed" >"$WORK/reason"' ERR
		setup
		"case_$name"
	)
	rc=$?
	((rc == 0 || rc == 77)) || evidence
	(
		set -eE
		trap '[[ -e $WORK/reason ]] || echo "cleaning up: line ${BASH_LINENO[0]:-0}/$LINENO: $BASH_COMMAND failed" >"$WORK/reason"' ERR
		cleanup_case
	)
	if (($? != 0 && rc == 0)); then
		rc=1
		evidence
	fi
	set -e
	case $rc in
	0) echo "ok $case_name" ;;
	77) echo "skip $case_name $(<"$WORK/reason")" ;;
	*)
		echo "not ok $case_name $(cat "$WORK/reason" 2>/dev/null || echo "exit code $rc")"
		not_ok=1
		;;
	esac
	note "$((SECONDS - begin)) s"
}

# What there is to know about a failure, while it is fresh.
evidence() {
	kernel_log >"$LAB_OUT/$case_name.dmesg"
	if [[ -e /sys/kernel/tracing/events/srpt/enable ]]; then tail -n 2000 /sys/kernel/tracing/trace >"$LAB_OUT/$case_name.trace"; fi
	note "see $case_name.dmesg: $(tail -n 1 "$LAB_OUT/$case_name.dmesg")"
}

run_cases() {
	local name names
	not_ok=0
	mapfile -t names < <(list_cases)
	if (($#)); then names=("$@"); fi
	suite_begin
	for name in "${names[@]}"; do run_case "$name"; done
	exit "$not_ok"
}
# In the order of the file, unlike what declare prints.
list_cases() { sed -n 's/^case_\([a-z0-9_]*\)() .*/\1/p' "$0"; }

# ---- what surrounds the cases; a suite may redefine setup() and the variables -------------

# Links 0..NETS-1 with soft RDMA
NETS=1
# Parameters of the two drivers
DUT_ARGS=()
INITIATOR_ARGS=()

setup() { :; }

suite_begin() {
	local n
	trap suite_end EXIT
	modprobe -a dummy rdma_rxe sd_mod target_core_iblock target_core_file
	modprobe null_blk nr_devices=0
	dut_load "${DUT_ARGS[@]}"
	initiator_load "${INITIATOR_ARGS[@]}"
	for ((n = 0; n < NETS; n++)); do net_up "$n"; done
}

cleanup_case() {
	end_background
	logout_all
	target_clear
	wait_for 30 "channels of the target left" channels_are 0
}

suite_end() {
	local n
	set +e
	end_background
	logout_all
	target_clear
	[[ ! -d /sys/module/ib_srp ]] || rmmod ib_srp
	dut_unload
	for ((n = 0; n < NETS; n++)); do net_down "$n"; done
	for n in /sys/kernel/config/nullb/*/; do rmdir "$n"; done 2>/dev/null
	rm -rf "$WORK"
}

# ---- the driver under test and the initiator -----------------------------------------

dut_load() {
	local load=(insmod "$LAB_MODULES/ib_srpt.ko")
	[[ $LAB_DUT = ours ]] || load=(modprobe ib_srpt)
	modprobe -a target_core_mod scsi_common ib_core ib_cm rdma_cm
	"${load[@]}" "$@"
	# So that a failure leaves a trace, and the tracepoints themselves are run.
	if [[ -e /sys/kernel/tracing/events/srpt/enable ]]; then echo 1 >/sys/kernel/tracing/events/srpt/enable; fi
}

# Channels end asynchronously, and tools only try ten times.
dut_unload() {
	[[ -d /sys/module/ib_srpt ]] || return 0
	poll 20 rmmod ib_srpt || rmmod ib_srpt
}

dut_guid() { sed 's/^0x//' /sys/module/ib_srpt/parameters/srpt_service_guid; }

# channels: how many the target has, live or closing; fails if there is none. Its QPs are those of rdma_cm.
channels() { rdma resource show cm_id | grep -F "comm [ib_srpt]" | grep -vcF "state LISTEN"; }
# channels_are N: has the target N of them?
channels_are() { [[ $(channels) = "$1" ]]; }

initiator_load() {
	if [[ -d /sys/module/ib_srp ]]; then
		logout_all
		rmmod ib_srp
	fi
	modprobe ib_srp "$@"
	local rxe
	for rxe in /sys/class/infiniband/rxe*; do
		[[ ! -e $rxe ]] || wait_for 10 "initiator on $rxe" test -e "/sys/class/infiniband_srp/srp-${rxe##*/}-1/add_target"
	done
}

# ---- soft RDMA: dN, 10.9.N.1, rxeN. The address is fixed, so the GID comes back with the device. ------

net_up() {
	ip link add "d$1" address "02:00:00:00:09:0$1" type dummy
	ip addr add "10.9.$1.1/24" dev "d$1"
	ip link set "d$1" mtu 4200 up
	rdma_up "$1"
}

net_down() {
	[[ ! -e /sys/class/infiniband/rxe$1 ]] || rdma_down "$1"
	[[ ! -e /sys/class/net/d$1 ]] || ip link del "d$1"
}

rdma_up() {
	rdma link add "rxe$1" type rxe netdev "d$1"
	wait_for 10 "port of rxe$1" grep -q ACTIVE "/sys/class/infiniband/rxe$1/ports/1/state"
	wait_for 10 "GID of rxe$1" port_guid "$1"
	if [[ -d /sys/module/ib_srp ]]; then
		wait_for 10 "initiator on rxe$1" test -e "/sys/class/infiniband_srp/srp-rxe$1-1/add_target"
	fi
	# The listener reaches the device only now.
	wait_for 10 "address of d$1" grep -q "${1}.1$" <(ip -o -4 addr show "d$1" | sed 's/\/.*//')
}
rdma_down() { rdma link del "rxe$1"; }

port_gid() { cat "/sys/class/infiniband/rxe$1/ports/1/gids/0"; }
port_guid() { port_gid "$1" | grep -v '^0000:0000' | cut -d: -f5-8 | grep .; }

# ---- back-stores -----------------------------------------------------------------------

# back_null NAME MIB [QUEUE-MODE]: a disk in memory, by iblock. Prints the back-store.
back_null() {
	local dir=/sys/kernel/config/nullb/$1
	if [[ ! -d $dir ]]; then
		mkdir "$dir"
		echo "$2" >"$dir/size"
		echo 1 >"$dir/memory_backed"
		echo 512 >"$dir/blocksize"
		echo 1 >"$dir/power"
	fi
	back_block "$1" "/dev/$(null_disk "$1")"
}
null_disk() {
	local dir=/sys/kernel/config/nullb/$1
	if [[ -e /sys/block/$1 ]]; then echo "$1"; else echo "nullb$(<"$dir/index")"; fi
}

# back_block NAME DEVICE: any block device
back_block() {
	local dir=$TARGET/core/iblock_0/$1
	mkdir -p "$dir"
	echo "udev_path=$2" >"$dir/control"
	echo 1 >"$dir/enable"
	echo "$dir"
}

# back_file NAME MIB: a file in tmpfs, by fileio: takes commands up to 8 MiB
back_file() {
	local dir=$TARGET/core/fileio_0/$1
	mkdir -p "$dir"
	truncate -s "$2M" "/tmp/$suite.$1"
	echo "fd_dev_name=/tmp/$suite.$1,fd_dev_size=$(($2 << 20))" >"$dir/control"
	echo 1 >"$dir/enable"
	echo "$dir"
}

# ---- the target ----------------------------------------------------------------------

# Target port and portal group of link N, named alike as blktests does it.
tpg_of() {
	local guid
	guid=$(port_guid "$1")
	echo "$SRPT/$guid/$guid"
}

# target_up N BACKSTORE...: LUNs 0, 1, … for the initiator that logs in over link N, enabled and listening
target_up() {
	local n=$1 tpg lun=0 back
	shift
	tpg=$(tpg_of "$n")
	mkdir -p "$tpg"
	for back; do
		lun_add "$tpg" "$lun" "$back"
		lun=$((lun + 1))
	done
	acl_add "$tpg" "10.9.$n.1"
	echo 1 >"$tpg/enable"
	listen
}

listen() {
	mkdir -p "$SRPT"
	[[ $(<"$SRPT/discovery_auth/rdma_cm_port") = "$CM_PORT" ]] || echo "$CM_PORT" >"$SRPT/discovery_auth/rdma_cm_port"
}

lun_add() {
	mkdir -p "$1/lun/lun_$2"
	ln -s "$3" "$1/lun/lun_$2/${3##*/}"
}
lun_del() {
	rm "$1/lun/lun_$2/"*"$3"
	rmdir "$1/lun/lun_$2"
}

# acl_add TPG NAME: with all LUNs of the portal group
acl_add() {
	local lun
	mkdir -p "$1/acls/$2"
	for lun in "$1"/lun/lun_*; do
		[[ -d $lun ]] || continue
		mkdir "$1/acls/$2/${lun##*/}"
		ln -s "$lun" "$1/acls/$2/${lun##*/}/lun"
	done
}
acl_del() {
	local lun
	for lun in "$1/acls/$2"/lun_*; do
		[[ -d $lun ]] || continue
		rm "$lun/lun"
		rmdir "$lun"
	done
	rmdir "$1/acls/$2"
}

# Remove whatever is configured, in the order of the tools.
target_clear() {
	local path back
	if [[ -d $SRPT ]]; then
		for path in "$SRPT"/*/*/enable; do [[ ! -e $path || $(<"$path") = 0 ]] || echo 0 >"$path"; done
		for path in "$SRPT"/*/*/acls/*/; do [[ ! -d $path ]] || acl_del "${path%/acls/*}" "$(basename "$path")"; done
		for path in "$SRPT"/*/*/lun/lun_*/; do
			[[ -d $path ]] || continue
			find "$path" -maxdepth 1 -type l -delete
			rmdir "$path"
		done
		# Each has directories of the core below; only what a portal group has is one.
		for path in "$SRPT"/*/*/acls; do [[ ! -d $path ]] || rmdir "${path%/acls}"; done
		for path in "$SRPT"/*/fabric_statistics; do [[ ! -d $path ]] || rmdir "${path%/fabric_statistics}"; done
		echo 0 >"$SRPT/discovery_auth/rdma_cm_port"
		rmdir "$SRPT"
	fi
	for back in "$TARGET"/core/*/*/enable; do
		[[ ! -e $back ]] || rmdir "${back%/enable}"
	done
	for back in "$TARGET"/core/*/hba_info; do [[ ! -e $back ]] || rmdir "${back%/hba_info}"; done
	rm -f "/tmp/$suite".*.back
}

# ---- the initiator -------------------------------------------------------------------
# A session is named by its SCSI host, for example "host3".

srp_hosts() {
	local host
	for host in /sys/class/scsi_host/*/ioc_guid; do
		[[ ! -e $host ]] || basename "${host%/ioc_guid}"
	done
}

# login N [OPTION...]: over link N, for example login 0 ch_count=8. Fails if the login fails, else sets `host`.
login() {
	local n=$1 guid options
	shift
	guid=$(dut_guid)
	options="id_ext=$guid,ioc_guid=$guid,dest=10.9.$n.1:$CM_PORT$(printf ',%s' "$@")"
	srp_hosts >"$WORK/hosts"
	{ echo "${options%,}" >"/sys/class/infiniband_srp/srp-rxe$n-1/add_target"; } 2>"$WORK/login.err" || return 1
	host=$(srp_hosts | grep -vxFf "$WORK/hosts")
}

# disk_of HOST [LUN]: /dev/sdX; fails if there is none
disk_of() {
	local block
	for block in "/sys/class/scsi_host/$1/device"/target*/*:"${2:-0}"/block/*; do
		if [[ -b /dev/${block##*/} ]]; then
			echo "/dev/${block##*/}"
			return
		fi
	done
	return 1
}

# login_disk N [OPTION...]: login, wait for LUN 0; sets `host` and `disk`
login_disk() {
	login "$@" || fail "login: $(<"$WORK/login.err")"
	wait_for 15 "disk after the login" disk_of "$host"
	disk=$(disk_of "$host")
}

rport_of() { echo "/sys/class/srp_remote_ports/port-${1#host}:1"; }

logout() {
	echo 1 >"$(rport_of "$1")/delete"
	wait_for 60 "logout of $1" not test -e "/sys/class/scsi_host/$1"
}

logout_all() {
	local name names
	mapfile -t names < <(srp_hosts)
	for name in "${names[@]}"; do { echo 1 >"$(rport_of "$name")/delete"; } 2>/dev/null || true; done
	for name in "${names[@]}"; do wait_for 60 "logout of $name" not test -e "/sys/class/scsi_host/$name"; done
}

# verify DISK NAME [FIO-ARG...]: random writes, read back and compared
verify() {
	local disk=$1 name=$2
	shift 2
	fio --name="$name" --filename="$disk" --direct=1 --ioengine=libaio --rw=randwrite --iodepth=16 --size=16M \
		--verify=crc32c --verify_fatal=1 --verify_backlog=1024 --serialize_overlap=1 --randrepeat=0 --group_reporting --output-format=terse \
		"$@" >"$WORK/fio.$name" 2>&1 || {
		cp "$WORK/fio.$name" "$LAB_OUT/$case_name.fio.$name"
		fail "fio $name: $(grep -m 1 -aE 'verify|error|err=' "$WORK/fio.$name")"
	}
}

# ios_of DISK: requests that it has completed
ios_of() { awk '{ print $1 + $5 }' "/sys/block/${1#/dev/}/stat"; }
busy_since() { (($(ios_of "$1") > $2)); }

# load DISK: reads and writes until it is killed or the disk is gone, in the background
load() {
	local before
	before=$(ios_of "$1")
	in_background fio --name=load --filename="$1" --direct=1 --ioengine=libaio --rw=randrw --bsrange=4k-128k --iodepth=16 \
		--time_based --runtime=3600 --size=16M --output=/dev/null >/dev/null 2>&1
	wait_for 20 "I/O on $1" busy_since "$1" "$((before + 20))"
}

# ---- counting ----------------------------------------------------------------------------

# Objects that must come and go with sessions and configuration; one "NAME COUNT" a line.
objects() {
	local kind name
	for kind in qp cm_id cq mr pd; do
		echo "rdma.$kind $(rdma resource show "$kind" | grep -cE 'comm \[(ib_srpt|ib_srp)\]')"
	done
	for name in se_sess_cache se_ua_cache t10_pr_reg_cache se_cmd_cache srpt_rx; do
		# Merged caches are links, and count what is not ours.
		if [[ -d /sys/kernel/slab/$name && ! -L /sys/kernel/slab/$name ]]; then
			echo 1 >"/sys/kernel/slab/$name/shrink"
			echo "slab.$name $(awk '{ print $1 }' "/sys/kernel/slab/$name/objects")"
		fi
	done
}

# Memory in use, in KiB, without what the kernel can drop.
memory_used() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemTotal:/ { m += $2 } /^(MemFree|Buffers|Cached|SReclaimable):/ { m -= $2 } END { print m }' /proc/meminfo
}

objects_are() { diff <(objects) "$1"; }
# same_objects FILE: are they, after some time, those of an earlier call of objects?
same_objects() {
	if ! poll 20 objects_are "$1"; then
		objects_are "$1" | tee "$LAB_OUT/$case_name.objects" || true
		fail "objects left, see $case_name.objects"
	fi
}
