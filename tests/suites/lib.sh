# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 # variables and functions that only the suites use
# What the suites share: the driver under test, soft RDMA, back-stores, target, initiator, cases and their results.
#
# A suite sources this file, defines functions named case_NAME and ends with
#
#	run_cases "$@"
#
# which runs those named in the arguments, or all of them in the order of their definition. Each case starts with soft RDMA
# up, the two drivers loaded as the suite wants them, whatever its setup() made, and no session; it may leave anything behind
# but links. It passes if it returns: the first command that fails ends it (errexit).
#
# In User-Mode Linux a process costs a tenth of a second: what is called often does without, and returns in variables.
set -euo pipefail

: "${LAB:=debug}" "${LAB_DUT:=ours}" "${LAB_OUT:=/tmp}"
: "${LAB_PROJECT:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}" "${LAB_MODULES:=/srv/modules}"
suite=${0##*/}
suite=${suite%.sh}
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
		pause
	done
}
# Nothing ever comes out of this pipe; sleep would be a process.
exec {never}<> <(:)
pause() { read -rt 0.05 -u "$never" || true; }
# Succeeds if the command fails.
not() { ! "$@"; }

# ended PID: all of its threads have. What is left until the shell has waited for it is not looked at: a shell that starts no other
# process may not notice for minutes that one has ended.
ended() {
	local stat tasks=(/proc/"$1"/task/*)
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	((${#tasks[@]} == 1)) && [[ ${stat##*) } = [ZX]* ]]
}

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
	tail -n 3000 /sys/kernel/tracing/trace >"$LAB_OUT/$case_name.trace"
	note "see $case_name.dmesg: $(tail -n 1 "$LAB_OUT/$case_name.dmesg")"
}

# threads_of PID: what they do, for one that does not end. Not wchan: that of User-Mode Linux reads beyond its stack.
threads_of() {
	local task
	for task in /proc/"$1"/task/*; do grep -H . "$task"/{comm,stack,status}; done >"$LAB_OUT/$case_name.threads" 2>&1 || true
	note "see $case_name.threads"
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
# Parameters of the two drivers. An ib_srp that logs out or loses its device with I/O in flight may touch the requests it
# freed, through completions of its fast registrations (srp_free_ch_ib); so do suites that do this without them.
DUT_ARGS=()
NO_REGISTRATION=(never_register=1 register_always=0)
INITIATOR_ARGS=()

# Before each case; and after all of them, when nothing is configured and loaded any more
setup() { :; }
at_end() { :; }

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
	wait_for 30 "the target has no channels left" channels_are 0
	if [[ ! -d /sys/module/ib_srpt || $(<"$WORK/dut") != "${DUT_ARGS[*]}" ]]; then
		dut_unload
		dut_load "${DUT_ARGS[@]}"
	fi
	[[ -d /sys/module/ib_srp && $(<"$WORK/initiator") = "${INITIATOR_ARGS[*]}" ]] || initiator_load "${INITIATOR_ARGS[@]}"
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
	at_end
	for n in /sys/kernel/config/nullb/*/; do rmdir "$n"; done 2>/dev/null
	rm -rf "$WORK"
}

# ---- the driver under test and the initiator -----------------------------------------

dut_load() {
	local load=(modprobe ib_srpt)
	modprobe -a target_core_mod scsi_common ib_core ib_cm rdma_cm
	if [[ $LAB_DUT = ours ]]; then
		[[ -d /sys/module/scsi_tgt ]] || insmod "$LAB_MODULES/scsi_tgt.ko"
		load=(insmod "$LAB_MODULES/ib_srpt.ko")
	fi
	"${load[@]}" "$@" || return
	echo "$*" >"$WORK/dut"
	# So that a failure leaves a trace, and the tracepoints themselves are run.
	local events
	for events in srpt scsi_tgt rdma_cma; do
		events=/sys/kernel/tracing/events/$events/enable
		[[ ! -e $events ]] || echo 1 >"$events"
	done
}

# Channels end asynchronously, and tools only try ten times.
dut_unload() {
	[[ ! -d /sys/module/ib_srpt ]] || poll 20 rmmod ib_srpt || rmmod ib_srpt
	[[ ! -d /sys/module/scsi_tgt ]] || rmmod scsi_tgt
}

dut_guid() {
	read -r guid </sys/module/ib_srpt/parameters/srpt_service_guid
	guid=${guid#0x}
}

# channels_are N: has the target N channels, live or closing? Their QPs belong to rdma_cm, so count the ids.
channels_are() { rdma resource show cm_id | awk -v n="$1" '/comm \[ib_srpt\]/ && !/LISTEN/ { n-- } END { exit n != 0 }'; }

initiator_load() {
	if [[ -d /sys/module/ib_srp ]]; then
		logout_all
		rmmod ib_srp
	fi
	modprobe ib_srp "$@"
	echo "$*" >"$WORK/initiator"
	local rxe
	for rxe in /sys/class/infiniband/rxe*; do
		[[ ! -e $rxe ]] || initiator_there "${rxe##*/rxe}"
	done
}

# initiator_there N...: wait until it can log in over these links
initiator_there() {
	local n add_target
	for n; do
		login_file "$n"
		wait_for 10 "initiator on link $n" test -e "$add_target"
	done
}

# ---- soft RDMA: dN, 10.9.N.1, rxeN. The address is fixed, so the GID comes back with the device. ------

# port_names N: sets `gid` to that of the link, fe80:…, and `tpg` to its portal group, which is named like its port, by GUID,
# as blktests does it
port_names() {
	gid=fe80:0000:0000:0000:0000:00ff:fe00:090$1
	tpg=$SRPT/${gid:20}/${gid:20}
}

net_up() {
	ip link add "d$1" address "02:00:00:00:09:0$1" mtu 4200 type dummy
	ip link set "d$1" up
	ip addr add "10.9.$1.1/24" dev "d$1"
	rdma_up "$1"
}

net_down() {
	[[ ! -e /sys/class/infiniband/rxe$1 ]] || rdma_down "$1"
	[[ ! -e /sys/class/net/d$1 ]] || ip link del "d$1"
}

rdma_up() {
	rdma link add "rxe$1" type rxe netdev "d$1"
	port_names "$1"
	wait_for 10 "GIDs of rxe$1" has_gids "$1"
	if [[ -d /sys/module/ib_srp ]]; then initiator_there "$1"; fi
}
# Those of the link's own address and of the one that is logged in to.
has_gids() {
	local port=/sys/class/infiniband/rxe$1/ports/1 state first second
	read -r state <"$port/state" && [[ $state = *ACTIVE ]] || return
	read -r first <"$port/gids/0" && [[ $first = "$gid" ]] || return
	read -r second <"$port/gids/1" && [[ $second = 0000:*:ffff:0a09:* ]]
}
rdma_down() { rdma link del "rxe$1"; }

# login_string N: sets `path`, what names the target on link N: that of LIO, unless ID_EXT names another
login_string() {
	local guid
	dut_guid
	path=id_ext=${ID_EXT:-$guid},ioc_guid=$guid,dest=10.9.$1.1:$CM_PORT
}
# login_file N: sets `add_target`, where the initiator reads logins over link N from
login_file() { add_target=/sys/class/infiniband_srp/srp-rxe$1-1/add_target; }
# initiator_acl N: sets `acl`, the name that the initiator on link N has in ACLs
initiator_acl() { acl=10.9.$1.1; }
# The driver under test accepts logins on all links.
listen() { echo "$CM_PORT" >"$SRPT/discovery_auth/rdma_cm_port"; }

# ---- back-stores: each sets `back`, the directory of the back-store -------------------------

# back_null NAME MIB: a disk in memory, by iblock
back_null() {
	null_disk "$@"
	back_block "$1" "$null"
}
# null_disk NAME MIB [US]: the disk alone, whose requests take some µs, of up to NULL_SECTORS; it stays until the end of the suite. Sets `null` to its device.
null_disk() {
	local dir=/sys/kernel/config/nullb/$1 us=${3:-0} index
	if [[ ! -d $dir ]]; then
		mkdir "$dir"
		echo "$2" >"$dir/size"
		echo 1 >"$dir/memory_backed"
		echo 512 >"$dir/blocksize"
		[[ ! ${NULL_SECTORS:-} ]] || echo "$NULL_SECTORS" >"$dir/max_sectors"
		if ((us)); then
			echo 2 >"$dir/irqmode"
			echo $((us * 1000)) >"$dir/completion_nsec"
		fi
		echo 1 >"$dir/power"
	fi
	null=/dev/$1
	if [[ ! -e /sys/block/$1 ]]; then
		read -r index <"$dir/index"
		null=/dev/nullb$index
	fi
}

# back_block NAME DEVICE: any block device
back_block() {
	back=$TARGET/core/iblock_0/$1
	mkdir -p "$back"
	echo "udev_path=$2" >"$back/control"
	echo 1 >"$back/enable"
}

# back_file NAME MIB: a file in tmpfs, by fileio: takes commands of up to 8 MiB
back_file() {
	back=$TARGET/core/fileio_0/$1
	mkdir -p "$back"
	[[ -e $WORK/$1 ]] || truncate -s "$2M" "$WORK/$1"
	echo "fd_dev_name=$WORK/$1,fd_dev_size=$(($2 << 20))" >"$back/control"
	echo 1 >"$back/enable"
}

# ---- the target ----------------------------------------------------------------------

# target_up N BACKSTORE...: LUNs 0, 1, … for the initiator that logs in over link N, enabled and listening; sets `tpg` and `acl`
target_up() {
	local n=$1 lun=0 back
	port_names "$n"
	shift
	for back; do
		lun_add "$tpg" "$lun" "$back"
		lun=$((lun + 1))
	done
	initiator_acl "$n"
	acl_add "$tpg" "$acl"
	echo 1 >"$tpg/enable"
	listen
}

lun_add() {
	mkdir -p "$1/lun/lun_$2"
	ln -s "$3" "$1/lun/lun_$2/disk"
}

# acl_add TPG NAME: with all LUNs of the portal group
acl_add() {
	local lun luns=("$1"/lun/lun_*)
	[[ -d ${luns[0]} ]] || luns=()
	mkdir -p "$1/acls/$2" "${luns[@]/#*\/lun_/$1/acls/$2/lun_}"
	for lun in "${luns[@]}"; do ln -s "$lun" "$1/acls/$2/${lun##*/}/lun"; done
}
acl_del() {
	local links=("$1/acls/$2"/lun_*/lun)
	[[ -L ${links[0]} ]] || links=()
	((${#links[@]} == 0)) || rm "${links[@]}"
	rmdir "${links[@]%/lun}" "$1/acls/$2"
}

# Remove whatever is configured, in the order of the tools.
target_clear() {
	local path value links=() dirs=()
	if [[ -d $SRPT ]]; then
		for path in "$SRPT"/*/*/enable; do
			[[ -e $path ]] || continue
			read -r value <"$path"
			[[ $value = 0 ]] || echo 0 >"$path"
		done
		for path in "$SRPT"/*/*/acls/*/lun_*/* "$SRPT"/*/*/lun/lun_*/*; do [[ ! -L $path ]] || links+=("$path"); done
		((${#links[@]} == 0)) || rm "${links[@]}"
		# Each also has directories of the core, so match what only those have that were made.
		for path in "$SRPT"/*/*/acls/*/lun_*/write_protect "$SRPT"/*/*/acls/*/attrib "$SRPT"/*/*/lun/lun_*/alua_tg_pt_gp \
			"$SRPT"/*/*/enable "$SRPT"/*/fabric_statistics "$SRPT"/discovery_auth; do
			[[ ! -e $path ]] || dirs+=("${path%/*}")
		done
		echo 0 >"$SRPT/discovery_auth/rdma_cm_port"
	fi
	for path in "$TARGET"/core/*/*/enable "$TARGET"/core/*/hba_info; do [[ ! -e $path ]] || dirs+=("${path%/*}"); done
	((${#dirs[@]} == 0)) || rmdir "${dirs[@]}"
}

# ---- the initiator -------------------------------------------------------------------
# A session is named by its SCSI host, for example "host3".

# Sets `hosts`.
srp_hosts() {
	local path
	hosts=()
	for path in /sys/class/scsi_host/*/ioc_guid; do
		path=${path%/ioc_guid}
		[[ ! -d $path ]] || hosts+=("${path##*/}")
	done
}

# login N [OPTION...]: over link N, for example login 0 ch_count=8. Fails if the login fails, else sets `host`.
login() {
	local path add_target options before tries=0
	login_string "$1"
	login_file "$1"
	shift
	options=$(printf ',%s' "$@")
	srp_hosts
	before=" ${hosts[*]} "
	while ! { echo "$path${options%,}" >"$add_target"; } 2>"$WORK/login.err"; do
		case $(<"$WORK/login.err") in
		# The initiator forgets a session a little later than it removes the host.
		*'File exists'*) ((tries++ < 100)) || return 1 ;;
		# On 7.2, once in some hundred logins, it gives up between address and route, before anything is sent.
		*'Invalid argument'*)
			((tries++ < 3)) || return 1
			note "login: $(<"$WORK/login.err")"
			;;
		*) return 1 ;;
		esac
		pause
	done
	srp_hosts
	for host in "${hosts[@]}"; do [[ $before == *" $host "* ]] || return 0; done
	return 1
}

# disk_of HOST [LUN]: sets `disk` to /dev/sdX; fails if there is none
disk_of() {
	local block
	for block in "/sys/class/scsi_host/$1/device"/target*/*:"${2:-0}"/block/*; do
		disk=/dev/${block##*/}
		# The kernel makes the node before the link.
		if [[ -b $disk && -e /sys/block/${block##*/} ]]; then return; fi
	done
	return 1
}

# login_disk N [OPTION...]: login, wait for LUN 0; sets `host` and `disk`
login_disk() {
	login "$@" || fail "login: $(<"$WORK/login.err")"
	wait_for 15 "disk after the login" disk_of "$host"
}

# read_one: a block of `disk`
read_one() { dd if="$disk" of=/dev/null bs=4k count=1 iflag=direct status=none; }

rport_of() { echo "/sys/class/srp_remote_ports/port-${1#host}:1"; }
# state_is HOST STATE: running, blocked, fail-fast or lost
state_is() {
	local state
	read -r state <"$(rport_of "$1")/state" && [[ $state = "$2" ]]
}

# comes_back HOST SECONDS: without its connection this session tries again every second, for ever; its I/O fails after some seconds
comes_back() {
	local rport
	rport=$(rport_of "$1")
	echo 1 >"$rport/reconnect_delay"
	echo "$2" >"$rport/fast_io_fail_tmo"
	echo off >"$rport/dev_loss_tmo"
}
# login_patient N [OPTION...]: login_disk, for a session that is going to lose its connection
login_patient() {
	login_disk "$@"
	comes_back "$host" 60
}

logout() {
	echo 1 >"$(rport_of "$1")/delete"
	wait_for 60 "logout of $1" not test -e "/sys/class/scsi_host/$1"
}

logout_all() {
	local name
	srp_hosts
	for name in "${hosts[@]}"; do { echo 1 >"$(rport_of "$name")/delete"; } 2>/dev/null || true; done
	for name in "${hosts[@]}"; do wait_for 60 "logout of $name" not test -e "/sys/class/scsi_host/$name"; done
}

# verify DISK NAME [FIO-ARG...]: random writes, read back and compared
verify() {
	local disk=$1 name=$2
	shift 2
	fio --name="$name" --allow_file_create=0 --filename="$disk" --direct=1 --ioengine=libaio --rw=randwrite --iodepth=16 --size=16M \
		--verify=crc32c --verify_fatal=1 --verify_backlog=1024 --serialize_overlap=1 --randrepeat=0 --group_reporting --output-format=terse \
		"$@" >"$WORK/fio.$name" 2>&1 || {
		cp "$WORK/fio.$name" "$LAB_OUT/$case_name.fio.$name"
		fail "fio $name: $(grep -m 1 -aE 'verify|error|err=' "$WORK/fio.$name")"
	}
}

# ios_of DISK: sets `ios` to the requests that it has completed
ios_of() {
	local stat
	read -ra stat <"/sys/block/${1#/dev/}/stat"
	ios=$((stat[0] + stat[4]))
}
# wait_for_ios DISK N: N more
wait_for_ios() {
	local ios
	ios_of "$1"
	wait_for 30 "$2 requests to $1" ios_reached "$1" "$((ios + $2))"
}
ios_reached() {
	ios_of "$1"
	((ios >= $2))
}

# load DISK: reads and writes until it is killed or the disk is gone, in the background
load() {
	in_background fio --name=load --allow_file_create=0 --filename="$1" --direct=1 --ioengine=libaio --rw=randrw --bsrange=4k-128k --iodepth=16 \
		--time_based --runtime=3600 --size=16M --output=/dev/null >/dev/null 2>&1
	wait_for_ios "$1" 20
}

# verify_throughout DISK: verified I/O in the background, on 16 MiB from 32 MiB on, until verify_ends
verify_throughout() {
	verify_disk=$1
	in_background fio --name=throughout --allow_file_create=0 --filename="$1" --direct=1 --ioengine=libaio --rw=randwrite --bsrange=512-128k \
		--blockalign=512 --iodepth=8 --offset=32M --size=16M --verify=crc32c --verify_fatal=1 --verify_backlog=128 \
		--serialize_overlap=1 --time_based --runtime=3600 --rate=4M --output="$WORK/fio.throughout" >/dev/null 2>&1
	verify_pid=$!
	wait_for_ios "$1" 20
}
# It must not have failed, and go on.
verify_ends() {
	ended "$verify_pid" || wait_for_ios "$verify_disk" 20
	kill -INT "$verify_pid" || true
	# It calls the interruption an error; its report does not.
	wait "$verify_pid" || true
	if ! grep -q 'err= 0' "$WORK/fio.throughout"; then
		cp "$WORK/fio.throughout" "$LAB_OUT/$case_name.fio.throughout"
		fail "verified I/O: $(grep -m 1 -aE 'verify|error|err=' "$WORK/fio.throughout")"
	fi
}

# times N: how often a case repeats what once may go well by chance; a tenth of it unless LONG=1
times() { if ((${LONG:-0})); then echo "$1"; else echo $(($1 / 10 + 1)); fi; }

# ---- counting ----------------------------------------------------------------------------

# Objects that must come and go with sessions and configuration; one "NAME COUNT" a line.
objects() {
	local kind name
	for kind in qp cm_id cq mr pd; do
		echo "rdma.$kind $(rdma resource show "$kind" | grep -cE 'comm \[(ib_srpt|ib_srp)\]')"
	done
	# Unit attentions (se_ua_cache) belong to ACLs: they stay until somebody asks.
	for name in se_sess_cache t10_pr_reg_cache se_cmd_cache srpt_rx; do
		# Merged caches are links, and count what is not ours.
		if [[ -d /sys/kernel/slab/$name && ! -L /sys/kernel/slab/$name ]]; then
			echo 1 >"/sys/kernel/slab/$name/shrink"
			echo "slab.$name $(awk '{ print $1 }' "/sys/kernel/slab/$name/objects")"
		fi
	done
}

# Memory in use, in KiB, without what the kernel can drop; nor the queues of software HCAs, of which the kernel keeps as many
# as were in use at once, with the CQs of its pool.
memory_used() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemTotal:/ { m += $2 } /^(MemFree|Buffers|Cached|SReclaimable):/ { m -= $2 }
		$3 ~ /^(rxe_queue_init|rvt_create_cq)/ { m -= $2 / 1024 } END { printf "%d\n", m }' /proc/meminfo /proc/vmallocinfo
}

objects_are() { diff <(objects) "$1"; }
# same_objects FILE: are they, after some time, those of an earlier call of objects?
same_objects() {
	if ! poll 20 objects_are "$1"; then
		objects_are "$1" | tee "$LAB_OUT/$case_name.objects" || true
		fail "objects left, see $case_name.objects"
	fi
}
