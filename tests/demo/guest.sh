#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest's part of the demo. guest.sh lio|tgt roce|ib [keep|down]
#   lio   the target is in the kernel   tgt  it is srp_tgtd; what differs is in functions named by these
#   roce  one soft RoCE device   ib   two software HCAs, cabled to each other: the initiator has the first
#   keep  leave everything set up   down  only take it down, after keep
set -euo pipefail
# Where `make install-tools` puts the daemon.
PATH=$PATH:/usr/local/sbin

core=$1 link=$2 mode=${3:-}
declare -A vendors=([lio]=LIO-ORG [tgt]=IB_SRPT)
vendor=${vendors[$core]}
target=/sys/kernel/config/target
conf=/etc/srp_tgtd.conf targets=/sys/kernel/debug/scsi_tgt/targets
image=/var/lun.img mnt=/mnt/srp
port=5555 address=10.9.9.1
# The HCAs of the target and the initiator
declare -A t_hcas=([roce]=rxe0 [ib]=hca1) i_hcas=([roce]=rxe0 [ib]=hca0)
t_hca=${t_hcas[$link]} i_hca=${i_hcas[$link]}
state=/run/demo
export COLUMNS=100

step() { printf '\n== %s (%d s since the start)\n' "$*" "$SECONDS"; }
say() { printf '   %s\n' "$*"; }
pass() { echo "ok $1"; }
fail() {
	echo "not ok $1 $2"
	dmesg | tail -n 20
	exit 1
}
run() { printf '   # %s\n' "$*"; "$@"; }
now() { date +%s%N; }
# ms_since START, mb_per_s BYTES START: with one decimal
ms_since() { echo $((($(now) - $1) / 1000000)); }
mb_per_s() { awk -v b="$1" -v ms="$(ms_since "$2")" 'BEGIN { printf "%.1f MB/s", b / 1000 / (ms ? ms : 1) }'; }

wait_for() {
	local what=$1 n
	shift
	for ((n = 0; n < 300; n++)); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	fail "$what" timeout
}

# progress PID WHAT COMMAND...: until PID ends say every few seconds what COMMAND prints; then its exit code
progress() {
	local pid=$1 what=$2 n=0
	shift 2
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		if ((++n % 10 == 0)); then say "... $what: $("$@" 2>/dev/null)"; fi
	done
	wait "$pid"
}

disk_of_srp() {
	local name
	name=$(lsscsi | awk -v vendor="$vendor" 'index($0, vendor) { print $NF }')
	[[ -b $name ]] && disk=$name
}
# Not only no disk: that is out of sight before the target gets a last SYNCHRONIZE CACHE.
no_host() { ! grep -qs ib_srp /sys/class/scsi_host/*/proc_name; }

# The target of LIO is the one whose id_ext is the GUID of the I/O controller.
id_ext_lio() { echo "$1"; }
id_ext_tgt() { sed -n 's/.*id_ext = "0x\([^"]*\)".*/\1/p' $conf; }

login_roce() {
	local guid login
	guid=$(sed 's/^0x//' /sys/module/ib_srpt/parameters/srpt_service_guid)
	login="id_ext=$("id_ext_$core" "$guid"),ioc_guid=$guid,dest=$address:$port"
	say "# echo $login > /sys/class/infiniband_srp/srp-rxe0-1/add_target"
	echo "$login" >/sys/class/infiniband_srp/srp-rxe0-1/add_target || fail login "refused"
}
# It asks the subnet manager for ports with Device Management, these for their targets, and has the kernel log in.
login_ib() {
	say "# srp_daemon -e -o -i $i_hca -p 1"
	# The session before may still be ending, for the initiator: as a service it would try again, too.
	wait_for login logged_in_by_daemon
}
logged_in_by_daemon() {
	srp_daemon -e -o -i "$i_hca" -p 1
	compgen -G '/sys/class/srp_remote_ports/*'
}

login() {
	local start
	start=$(now)
	"login_$link"
	login_ms=$(ms_since "$start")
	wait_for disk disk_of_srp
	say "logged in after $login_ms ms; the disk is $disk after $(ms_since "$start") ms"
}

logout() {
	local file
	for file in /sys/class/srp_remote_ports/*/delete; do run_to 1 "$file"; done
	wait_for logout no_host
}
run_to() { printf '   # echo %s > %s\n' "$1" "$2"; echo "$1" >"$2"; }

prepare_lio() { :; }
prepare_tgt() {
	# As `make install-tools`, but what it would compile was compiled outside, where that takes less time.
	run make -s --no-print-directory -C "$LAB_PROJECT/ib_tools" -o all O="$LAB_MODULES/tools" install
	[[ $link = roce ]] || return 0
	say "# echo options ib_srpt rdma_cm_port=$port > /etc/modprobe.d/ib_srpt.conf"
	echo "options ib_srpt rdma_cm_port=$port" >/etc/modprobe.d/ib_srpt.conf
}

load_module() {
	local version file loaded built
	version=$(uname -r)
	step "1. The driver"
	if [[ $LAB_DUT = ours ]]; then
		run install -D -m 644 -t "/lib/modules/$version/updates" "$LAB_MODULES"/{ib_srpt,scsi_tgt}.ko
		say "(this system needs no graphics, sound or network cards: without their modules depmod is faster)"
		rm -rf "/lib/modules/$version/kernel"/{sound,drivers/{gpu,media,net/{ethernet,wireless}}}
		say "# depmod"
		depmod &
		progress $! "depmod reads all modules of the system" uptime -p
	fi
	"prepare_$core"
	run modprobe ib_srpt
	file=$(modinfo -F filename ib_srpt)
	if [[ $LAB_DUT = in-tree ]]; then
		pass "module: $file"
		return
	fi
	[[ $file = */updates/* ]] || fail module "modprobe chooses $file"
	loaded=$(cat /sys/module/ib_srpt/srcversion 2>/dev/null)
	built=$(modinfo -F srcversion "$LAB_MODULES/ib_srpt.ko")
	[[ -n $loaded && $loaded = "$built" ]] || fail module "srcversion '$loaded' is loaded, '$built' was built"
	pass "module: $file, srcversion $loaded, is in the kernel"
}

# GID 0 of a device, as 32 digits
gid_of() { tr -d : <"/sys/class/infiniband/$1/ports/1/gids/0"; }

link_roce() {
	step "2. A soft RoCE device in the place of an HCA"
	modprobe -a dummy rdma_rxe sd_mod ib_srp
	run ip link add d0 type dummy
	run ip addr add $address/24 dev d0
	run ip link set d0 mtu 4200 up
	run rdma link add rxe0 type rxe netdev d0
	wait_for rxe test -e /sys/class/infiniband_srp/srp-rxe0-1/add_target
	pass "soft RoCE: $(rdma link | head -n 1)"
}
unlink_roce() {
	run rdma link del rxe0
	run ip link del d0
}

is_active() { [[ $(<"/sys/class/infiniband/$1/ports/1/state") = *ACTIVE ]]; }
has_dm() { saquery -C "$i_hca" -P 1 PIR | grep -q IsDeviceManagementSupported; }

link_ib() {
	step "2. Two software HCAs with InfiniBand ports, a cable between them, and a subnet manager"
	modprobe -a ib_umad ib_uverbs rdmavt sd_mod ib_srp
	run insmod "$LAB_MODULES/rvt_hca.ko"
	say "# opensm -g 0x$(gid_of "$i_hca" | cut -c 17-) &"
	opensm -g "0x$(gid_of "$i_hca" | cut -c 17-)" -f /var/log/opensm.log >/dev/null 2>&1 &
	wait_for "port of $t_hca" is_active "$t_hca"
	wait_for "port of $i_hca" is_active "$i_hca"
	run ibstat "$t_hca" 1
	wait_for "Device Management" has_dm
	pass "InfiniBand: $(ibstat -l | xargs), both ports are active"
}
unlink_ib() {
	run kill "$(pidof opensm)"
	wait_for "the end of opensm" no_opensm
	run rmmod rvt_hca
}
no_opensm() { ! pidof opensm; }

# Like run; its colours and its remark that root has no preferences do not help here.
run_targetcli() {
	printf '   # targetcli %s\n' "$*"
	targetcli "$@" 2>&1 | sed '/preferences file/d; s/^/   /'
}

# What a minimal system lacks. targetcli asks D-Bus for the handlers of tcmu-runner: there is no D-Bus, and so no handler.
prepare_targetcli() {
	local path
	path=$(python3 -c 'import sys; print("/usr/local/lib/python3.%d/dist-packages" % sys.version_info[1])')/gi/repository
	mkdir -p /etc/target "$path"
	touch "${path%/*}/__init__.py"
	cat >"$path/__init__.py" <<-'PYTHON'
		class Gio:
		    class BusType:
		        SYSTEM = None
		    bus_get_sync = staticmethod(lambda *_: None)
	PYTHON
}

export_lio() {
	local gid wwn initiator
	step "3. The target: a file exported with targetcli"
	gid=$(gid_of "$t_hca")
	wwn=ib.$gid
	# An initiator calls itself by eight bytes of its choice (0 by default) and the GUID of its port.
	initiator=ib.0000000000000000$(gid_of "$i_hca" | cut -c 17-)
	prepare_targetcli
	say "(each targetcli takes some seconds in emulation)"
	run_targetcli /backstores/fileio create disk $image 384M
	run_targetcli /srpt create "$wwn"
	run_targetcli "/srpt/$wwn/luns" create /backstores/fileio/disk
	run_targetcli "/srpt/$wwn/acls" create "$initiator"
	[[ $link = ib ]] || run_to $port $target/srpt/discovery_auth/rdma_cm_port
	run_targetcli ls /
	pass "target: $wwn, one LUN, one ACL"
}

export_tgt() {
	local gid
	step "3. The target: a file exported by srp_tgtd"
	gid=$(gid_of "$i_hca")
	cat >$conf <<-CONF
		daemon = { recovery_ms = 10000; };
		targets = ( {
		  id_ext = "0x7467740000000001";
		  initiators = ( "0x0000000000000000${gid:16}" );
		  luns = ( { lun = 0; backend = "file"; path = "$image"; size = "384M"; } );
		} );
	CONF
	say "# cat $conf"
	sed 's/^/   /' $conf
	run srp_tgtd --check
	start_daemon
	wait_for srp_tgtd grep -q "id_ext $(id_ext_tgt)" $targets
	pass "target: id_ext $(id_ext_tgt), one LUN, one initiator"
}

start_daemon() {
	if [[ -d /run/systemd/system ]]; then
		run systemctl daemon-reload
		run systemctl enable --now srp_tgtd
		return
	fi
	say "(without systemd, which the lab has not; with it: systemctl enable --now srp_tgtd)"
	mkdir -p /var/lib/srp_tgtd
	say "# srp_tgtd &"
	srp_tgtd &
}

stop_daemon() {
	if [[ -d /run/systemd/system ]]; then
		run systemctl disable --now srp_tgtd
		return
	fi
	run kill "$(pidof srp_tgtd)"
	wait_for "srp_tgtd ends" no_daemon
}
no_daemon() { ! pidof srp_tgtd; }
no_target() { ! grep -q "id_ext $(id_ext_tgt)" $targets; }

fs_usage() { df -m --output=used $mnt | tail -n 1 | awk '{ print $1 " MB of " tree_mb " MB" }' tree_mb="$tree_mb"; }

# What an administrator of the initiator sees
discover() {
	local found
	step "3b. What the initiator finds"
	say "# ibsrpdm -c -d /dev/infiniband/umad0"
	found=$(ibsrpdm -c -d /dev/infiniband/umad0)
	[[ $found = id_ext=* ]] || fail discovery "ibsrpdm lists no target"
	say "$found"
	pass "discovery: $(wc -l <<<"$found") target"
}

copy_tree() {
	local source start bytes
	step "4. Login and a file system"
	login
	run mkfs.ext4 -q -E nodiscard "$disk"
	mkdir -p $mnt
	run mount "$disk" $mnt
	pass "login: $login_ms ms, ext4 on $disk"

	step "5. A real tree: the kernel's headers"
	source=$(echo /usr/src/linux-headers-*-common/include/linux)
	mkdir -p $state
	say "reading $source from the host (not over SRP)"
	cp -r "$source/." $state/tree &
	progress $! "read" du -sh $state/tree
	tree_mb=$(du -sm $state/tree | cut -f1)
	bytes=$(find $state/tree -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
	files=$(find $state/tree -type f | wc -l)
	(cd $state/tree && find . -type f -print0 | sort -z | xargs -0 sha256sum) >$state/sums
	say "copying $files files, $((bytes / 1000000)) MB, to $mnt"
	start=$(now)
	(cp -r $state/tree $mnt/tree && sync -f $mnt) &
	progress $! copied fs_usage
	copy_rate=$(mb_per_s "$bytes" "$start")
	pass "copy: $files small files, $((bytes / 1000000)) MB, $copy_rate"
	say "one large file, 64 MiB"
	bytes=$((64 << 20))
	start=$(now)
	dd if=/dev/urandom of=$mnt/large bs=1M count=64 oflag=direct status=none
	write_rate=$(mb_per_s $bytes "$start")
	start=$(now)
	dd if=$mnt/large of=/dev/null bs=1M iflag=direct status=none
	read_rate=$(mb_per_s $bytes "$start")
	pass "sequential: written at $write_rate, read at $read_rate (this CPU is emulated; see make bench)"
}

disk_read() { awk -v d="${disk##*/}" '$3 == d { printf "%d MB read from the disk so far", $6 * 512 / 1e6 }' /proc/diskstats; }

compare_tree() {
	local start
	step "6. Logout, login, mount again, compare every byte"
	run umount $mnt
	logout
	pass "logout"
	login
	run mount "$disk" $mnt
	start=$(now)
	(cd $mnt/tree && sha256sum --quiet -c $state/sums) &
	progress $! comparing disk_read ||
		fail compare "checksums differ"
	pass "compare: the checksums of all $files files are right, after $(($(ms_since "$start") / 1000)) s"
}

reset_under_load() {
	local pid errors
	step "7. LUN resets under load"
	say "# fio: 4 KiB random reads and writes, queue depth 16, every block is verified"
	fio --name=load --directory=$mnt --size=32M --rw=randrw --bs=4k --iodepth=16 --ioengine=libaio --direct=1 \
		--verify=crc32c --verify_backlog=512 --verify_fatal=1 --runtime=20 --time_based \
		--output-format=terse --output=$state/fio </dev/null >$state/fio.log 2>&1 &
	pid=$!
	resets=0
	sleep 4
	while ((resets < 5)) && kill -0 $pid 2>/dev/null; do
		if sg_reset --no-esc -d "$disk" >/dev/null; then resets=$((resets + 1)); fi
		say "... LUN reset $resets"
		sleep 2
	done
	wait $pid || { cat $state/fio $state/fio.log; fail resets "fio failed"; }
	# Terse version 3: field 5 is the error; 8 and 49 are the I/O per second of reads and writes.
	errors=$(cut -d';' -f5 $state/fio)
	[[ $errors = 0 ]] || fail resets "fio counted errors: $errors"
	((resets == 5)) || fail resets "only $resets resets were carried out"
	iops=$(awk -F';' '{ print $8 + $49 }' $state/fio)
	pass "resets: $resets, fio went on without an error at $iops 4 KiB I/O per second"
	(cd $mnt/tree && sha256sum --quiet -c $state/sums) || fail resets "the tree was damaged"
	pass "resets: the tree is as it was"
}

status_lio() { :; }
status_tgt() { run srp_tgtd --status; }

unexport_lio() {
	local fabric
	[[ $link = ib ]] || run_to 0 $target/srpt/discovery_auth/rdma_cm_port
	run_targetcli clearconfig confirm=True
	# Of each fabric that targetcli knows it leaves an empty directory.
	for fabric in "$target"/*/discovery_auth; do rmdir "${fabric%/*}"; done
}
unexport_tgt() {
	stop_daemon
	say "(the kernel keeps the target for its recovery time, in case the daemon returns)"
	wait_for "the target goes" no_target
	rm -f $conf /etc/modprobe.d/ib_srpt.conf
}

# Also without having set up anything: only what is there is taken down.
take_down() {
	step "8. Taking it down"
	if mountpoint -q $mnt; then run umount $mnt; fi
	logout
	"unexport_$core"
	run modprobe -r ib_srpt
	modprobe -r ib_srp
	"unlink_$link"
	rm -rf $state $image
	pass "taken down, the driver is unloaded"
}

if [[ $mode = down ]]; then
	take_down
	exit
fi
load_module
"link_$link"
"export_$core"
if [[ $link = ib ]]; then discover; fi
copy_tree
compare_tree
reset_under_load
"status_$core"
if [[ $mode != keep ]]; then take_down; fi

driver="the in-tree driver"
if [[ $LAB_DUT = ours ]]; then driver="this driver"; fi
if [[ $core = tgt ]]; then driver+=" and srp_tgtd"; fi
if [[ $link = ib ]]; then driver+=" on InfiniBand"; fi
cat <<-REPORT

	== What was seen with $driver on kernel $(uname -r)
	   login                  $login_ms ms
	   one large file         written at $write_rate, read at $read_rate
	   small files            $copy_rate, $files files
	   compared after relogin $files files, all the same
	   LUN resets under load  $resets, no I/O error, $iops I/O per second meanwhile
	   time                   $SECONDS s
REPORT
hint_lio() { echo "targetcli ls                  the target"; }
hint_tgt() { echo "srp_tgtd --status; cat $conf   the target"; }
if [[ $mode = keep ]]; then
	cat <<-HINTS

		== Everything is still set up. Some things to try:
		   $("hint_$core")
		   lsscsi; ls $mnt/tree      the initiator's disk, and what is on it
		   cat /sys/module/ib_srpt/parameters/*
		   dmesg | grep srp              what both sides said
		   $0 $core $link down    takes it down;  exit    ends the machine
	HINTS
fi
