#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# Every requirement of docs/conformance.md that soft RDMA can exercise, by srp_conform, while the kernel's initiator does
# verified I/O to LUN 0 and must not notice. Results are one line for each requirement.
# CORE=tgt: the target is served by srp_tgtd. LINK=ib: over InfiniBand and its CM, with the software HCA of tests/hca.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/suites/lib_tgt.sh
. "$(dirname "$0")/lib_tgt.sh"
: "${LINK:=roce}"
if [[ $LINK = ib ]]; then
	# shellcheck source=tests/suites/lib_ib.sh
	. "$(dirname "$0")/lib_ib.sh"
fi

NETS=2
INITIATOR_ARGS=("${NO_REGISTRATION[@]}")
CONFORM=$LAB_MODULES/tools/srp_conform

# ---- what differs with the link, N is 0 or 1 --------------------------------------------------------------

# roce_path N, ib_path N: sets `path`, what srp_conform is told about the target
roce_path() { login_string "$1"; }
ib_path() {
	local gid
	login_string "$1"
	hca_gid 0 $(($1 + 1))
	path+=,sgid=${gid//:/}
}

roce_begin() {
	STRANGER=10.9.0.9
	ip addr add "$STRANGER/24" dev d0
}
roce_end() { ip addr del "$STRANGER/24" dev d0; }

# The port of the target itself is another one; what it sends to itself comes back.
ib_begin() {
	local gid
	hca_gid 1 1
	STRANGER=$gid
	export HOOK_PORTS="hca0/port1 hca1/port1" HOOK_SM=$WORK/sm.0.1.pid
	LINK_ARGS=(--pkey 8101)
}
ib_end() { :; }
LINK_ARGS=()

# A second partition, of which the targets are limited members. If the initiators were, srp_daemon would wait for an answer of its
# own port, which nobody may give, and take that for one of the next.
ib_partitions() {
	local guid members='' n
	mkdir -p /etc/opensm
	for n in 1 2; do
		hca_guid 0 "$n"
		members+=" 0x$guid=full,"
		hca_guid 1 "$n"
		members+=" 0x$guid=limited,"
	done
	cat >/etc/opensm/partitions.conf <<-CONF
		Default=0x7fff, ipoib : ALL=full;
		Second=0x0101 :${members%,};
	CONF
}

if [[ $LINK = ib ]]; then
	ib_partitions
	# The key for all memory is 0 in rdmavt, which ib_srp takes for none.
	INITIATOR_ARGS=()
fi

# ---- set up -------------------------------------------------------------------------------------------------------

# LUN 0: somebody else's; 1: scratch; 2: can be held; 3: read-only; 300: one whose number has two bytes
setup() {
	local us=0
	[[ -x $CONFORM ]] || fail "no srp_conform: lab tools has to build it"
	modprobe -a ib_uverbs rdma_ucm
	"${LINK}_begin"
	disks=()
	written_disk other 64
	# What is to be aborted has to live for a while.
	[[ $case_name != *.aborts ]] || us=20000
	written_disk scratch 96 "$us"
	DISKS=(--disk "$(number_of "$null")")
	held_disk
	disks+=("$held")
	DISKS+=(--disk "$(number_of "$null")")
	null_disk fixed 64
	disks+=("$null")
	export HOOK_CORE=$CORE HOOK_HELD="held ${held#/dev/}" HOOK_STATE=$WORK HOOK_TPGS=''
	"setup_$CORE"
	# Some cases disable the port for a moment.
	login_patient 0 initiator_ext=99
	verify_throughout "$disk"
	objects >"$WORK/before"
	memory_used >"$WORK/memory"
}

setup_lio() {
	local names=(other scratch held fixed) luns=() n
	# LIO writes a file for each change of a persistent reservation, and refuses the change if it cannot.
	mkdir -p "$(<"$TARGET/dbroot")/pr"
	for ((n = 0; n < 4; n++)); do
		back_block "${names[n]}" "${disks[n]}"
		luns+=("$back")
	done
	for ((n = 0; n < NETS; n++)); do
		port_names "$n"
		lun_add "$tpg" 300 "$back"
		target_up "$n" "${luns[@]}"
		echo 1 >"$tpg/acls/$acl/lun_3/write_protect"
		HOOK_TPGS+="$tpg "
	done
	# The second port does without LUN 0.
	rm "$tpg/acls/$acl/lun_0/lun"
	rmdir "$tpg/acls/$acl/lun_0"
}

setup_tgt() {
	local n names=()
	ours_only "knows no /dev/tgt"
	tgtd_luns=()
	tgtd_lun 0 block "${disks[0]}"
	tgtd_lun 1 block "${disks[1]}" 'thin = true'
	tgtd_lun 2 block "${disks[2]}"
	tgtd_lun 3 block "${disks[3]}" 'read_only = true'
	tgtd_lun 300 memory 16M
	for n in 0 1; do
		initiator_acl "$n"
		names+=("$acl")
	done
	tgtd_conf "${names[@]}"
	tgtd_start
	tgtd_listen
	export HOOK_TGTD="$tgtd_pid $TGTD_CONF"
}

# written_disk NAME MIB [US]: a null_disk has its memory when it has been written
written_disk() {
	null_disk "$@"
	dd if=/dev/zero of="$null" bs=1M count="$2" oflag=direct status=none
	disks+=("$null")
}

# MAJOR,MINOR
number_of() { tr : , <"/sys/block/${1#/dev/}/dev"; }

# dm_linear NAME DEVICE: all of it; sets `linear`
dm_linear() {
	local size
	read -r size <"/sys/block/${2#/dev/}/size"
	dmsetup create "$1" --table "0 $size linear $2 0"
	linear=/dev/$(dmsetup info -c --noheadings -o blkdevname "$1")
}

# A disk that answers nothing while the one below it is suspended; it shows what has arrived there. The end of a case has to
# resume it. Sets `held`.
held_disk() {
	export DM_DISABLE_UDEV=1
	modprobe dm_mod
	null_disk held 64
	dm_linear held "$null"
	dm_linear arrived "$linear"
	held=$linear
	trap 'dmsetup resume held; dmsetup remove --deferred arrived held; "${LINK}_end"' EXIT
}

# tool NAME ARG...: srp_conform for all that is set up; its results are in NAME.json, its rows in NAME.rows
tool() {
	local name=$1 timeout=20000 args=("${LINK_ARGS[@]}") path second
	shift
	# What it never answers would take long, and what it does not survive needs a new machine.
	if [[ $LAB_DUT != ours ]]; then timeout=3000 args+=(--stop); fi
	if ((${LONG:-0})); then args+=(--long); fi
	# Targets of srp_tgtd have no port that could be disabled, and its commands move 1 MiB at most.
	if [[ $CORE = tgt ]]; then args+=(--except=LOG-18 --except=DSC-32); fi
	"${LINK}_path" 1
	second=$path
	"${LINK}_path" 0
	"$CONFORM" --lun 1 --held-lun 2 --read-only-lun 3 --hook "$LAB_PROJECT/tests/conform/hook" --stranger "$STRANGER" \
		--second "$second" --timeout "$timeout" --seed "$RANDOM" --verbose --kmsg --json "$LAB_OUT/$name.json" \
		"${args[@]}" "$path" "$@" 2>"$LAB_OUT/$name.rows"
}

# conform ID...: those requirements, and nothing is left behind, and the other session goes on
conform() {
	local rc=0
	tool "$case_name" "$@" || rc=$?
	((rc <= 1)) || fail "srp_conform: exit code $rc, see $case_name.rows"
	verify_ends
	same_objects "$WORK/before"
	memory_flat
	((rc == 0)) || fail "some requirements are not met, see above and $case_name.rows"
}

# A page for each of 10,000 logins would be 40 MiB. A debug kernel keeps a record of what was freed.
memory_flat() {
	local kib=$(($(memory_used) - $(<"$WORK/memory")))
	note "memory: $kib KiB more in use"
	((kib < (LAB_DEBUG ? 131072 : 16384))) || fail "$kib KiB more in use"
}

case_login() { conform LOG MCH RAC LGO ACL CM DM NX; }
case_ius() { conform IUF CMD CDB DSC IMM; }
case_transfer() { conform RES RDM LUN TAG CRD TMF RSP; }
case_tasks() { traced conform TM; }

# traced COMMAND...: and in all that happens meanwhile requests are answered once, in the right order; see check-trace. What the
# kernel's initiator sends, with its small tags, is left out.
TRACING=/sys/kernel/tracing
traced() {
	local event walks=task-management.md
	[[ $CORE != tgt ]] || walks=tgt.md
	[[ $LAB_DUT = ours ]] || { "$@"; return; }
	echo 16384 >"$TRACING"/buffer_size_kb
	# An order that holds for all CPUs; what clocks say may be the same on two of them.
	echo counter >"$TRACING"/trace_clock
	memory_used >"$WORK/memory"
	for event in srpt/srpt_cmd_transition srpt/srpt_send srpt/srpt_rdma_read target/target_sequencer_start scsi_tgt/tgt_queue_command; do
		echo 'tag > 0xffffffff || tag == 0' >"$TRACING/events/$event/filter"
		echo 1 >"$TRACING/events/$event/enable"
	done
	echo 1 >"$TRACING"/events/block/block_rq_complete/enable
	echo 0 >"$TRACING"/events/rdma_cma/enable
	echo >"$TRACING"/trace
	"$@" || return
	echo 0 >"$TRACING"/tracing_on
	cat "$TRACING"/trace >"$LAB_OUT/$case_name.events"
	echo 1 >"$TRACING"/tracing_on
	echo local >"$TRACING"/trace_clock
	"$LAB_PROJECT/tests/conform/check-trace" "${DISKS[@]}" --walks "$LAB_PROJECT/docs/$walks" \
		"$LAB_OUT/$case_name.events" || fail "the trace shows what must not happen, see above and $case_name.events"
}

# For every change, in two parts: all but what takes longest. It is held disks, time-outs and many logins that do.
SLOW=(RAC-03 RAC-06 RAC-07 RAC-08 RAC-09 RAC-11 RAC-13 RAC-14 MCH-03 MCH-04 MCH-05 MCH-09 MCH-11 MCH-12 MCH-15 LOG-19 LOG-21 LOG-22 LOG-23 LOG-28
	ACL-02 CM-04 IUF-06 IUF-14 IMM-11 CDB-03 DSC-16b DSC-31 DSC-32 RES-12 RDM-04 RDM-05 RDM-06 RDM-10 CRD-01 CRD-02 CRD-03 CRD-08
	TMF-02 TMF-13 TAG-02 TAG-03 RSP-03b RSP-05 TM-N1 TM-N8 TM-H1 TM-2X TM-D1)
case_quick() { conform --except TM "${SLOW[@]/#/--except=}"; }
case_quick_tasks() { traced conform TM "${SLOW[@]/#/--except=}"; }

# The sections in which InfiniBand has more to say, with LINK=ib; and the other tools.
case_quick_ib() {
	local path tool
	[[ $LINK = ib ]] || skip "needs LINK=ib"
	login_string 0
	for tool in "srp_ping -c 3 -i 0" "srp_perf -n 100"; do
		# shellcheck disable=SC2086 # the tool and its options
		"$LAB_MODULES"/tools/$tool -l 1 -d hca0 --ib-port 1 "$path" >"$LAB_OUT/$case_name.${tool%% *}" 2>&1 ||
			fail "${tool%% *}: $(tail -n 1 "$LAB_OUT/$case_name.${tool%% *}")"
	done
	conform LOG RAC LGO ACL CM DM "${SLOW[@]/#/--except=}"
}

# Ten minutes and more with LONG=1
case_aborts() {
	local options=()
	if ((${LONG:-0})); then options=("--count=$((LAB_DEBUG ? 1200000 : 3000000))"); fi
	traced conform "${options[@]}" TM-CRED
}

# Those in the file ids of the output directory, which may begin with options, for tests/conform/run
case_some() {
	local ids
	read -ra ids <"$LAB_OUT/ids"
	traced conform "${ids[@]}"
}

run_cases "$@"
