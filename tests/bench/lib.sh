# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables that are set, or used, by who sources this
# What the guest's parts of the benches share: waiting, the link, the initiator, fio. To be sourced.

target=/sys/kernel/config/target
address=10.9.9.1 port=5555
results=$LAB_OUT/results

die() { echo "not ok bench $1"; exit 1; }

wait_for() {
	local what=$1 n
	shift
	for ((n = 0; n < 300; n++)); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	die "$what: timeout"
}

# link_up roce|ib: a soft RoCE device, or two software HCAs, of which the initiator has the first. Sets the names that the
# one target port has in configfs: `tpg`, and `acl` of the initiator; `t_hca` and `i_hca`; `where`, the target's address for
# a login.
link_up() {
	local names
	modprobe sd_mod
	# By default the initiator splits what has more than 12 pieces of memory, so by chance.
	modprobe ib_srp indirect_sg_entries=512
	link=$1
	"up_$link"
	wait_for "the initiator" test -e "/sys/class/infiniband_srp/srp-$i_hca-1/add_target"
	# What the driver under test needs, so that loading it by its path is enough.
	modprobe -a rdma_cm ib_cm target_core_mod scsi_common
	names=$(cut -d: -f5-8 "/sys/class/infiniband/$t_hca/ports/1/gids/0")
	tpg=$target/srpt/$names/$names
	acl=$tpg/acls/$acl
}

link_down() {
	modprobe -r ib_srp
	"down_$link"
}

up_roce() {
	modprobe -a dummy rdma_rxe
	ip link add d0 type dummy
	ip addr add $address/24 dev d0
	ip link set d0 mtu 4200 up
	rdma link add rxe0 type rxe netdev d0
	t_hca=rxe0 i_hca=rxe0
	where=dest=$address:$port
	acl=$address
}
down_roce() {
	rdma link del rxe0
	ip link del d0
}

# GID 0 of a device
gid_of() { cat "/sys/class/infiniband/$1/ports/1/gids/0"; }
is_active() { [[ $(<"/sys/class/infiniband/$1/ports/1/state") = *ACTIVE ]]; }

up_ib() {
	local gid
	modprobe -a ib_umad ib_uverbs rdmavt
	insmod "$LAB_MODULES/rvt_hca.ko"
	t_hca=hca1 i_hca=hca0
	gid=$(gid_of $i_hca | tr -d :)
	opensm -g "0x${gid:16}" -f /tmp/opensm.log >/dev/null 2>&1 &
	opensm=$!
	wait_for "the port of the target" is_active $t_hca
	wait_for "the port of the initiator" is_active $i_hca
	acl=$(gid_of $i_hca | cut -d: -f5-8)
	gid=$(gid_of $t_hca | tr -d :)
	where=dgid=$gid,pkey=ffff,service_id=
}
down_ib() {
	kill "$opensm"
	wait "$opensm" || true
	rmmod rvt_hca
}

# What the target listens on for RDMA CM; IB/CM needs nothing.
listen() { [[ $link = ib ]] || echo "$1" >"$target/srpt/discovery_auth/rdma_cm_port"; }

# load_ours: the modules that were built
load_ours() {
	[[ -d /sys/module/scsi_tgt ]] || insmod "$LAB_MODULES/scsi_tgt.ko"
	insmod "$LAB_MODULES/ib_srpt.ko"
}

# export_lun BACKSTORE: in configfs, to the one initiator that there is; unexport_lun
export_lun() {
	mkdir -p "$tpg/lun/lun_0" "$acl/lun_0"
	ln -s "$1" "$tpg/lun/lun_0/disk"
	ln -s "$tpg/lun/lun_0" "$acl/lun_0/lun"
	echo 1 >"$tpg/enable"
}
unexport_lun() {
	echo 0 >"$tpg/enable"
	rm "$acl/lun_0/lun" "$tpg/lun/lun_0/disk"
	rmdir "$acl/lun_0" "$acl" "$tpg/lun/lun_0" "$tpg" "${tpg%/*}"
}

# The machine has no other.
disk_of_srp() {
	local name
	name=$(lsscsi | awk '$2 == "disk" { print $NF }')
	[[ -b $name ]] && disk=$name
}

add_target() { echo "$1" >"/sys/class/infiniband_srp/srp-$i_hca-1/add_target"; }

# Not only no disk: that is out of sight before the target gets a last SYNCHRONIZE CACHE.
no_host() { ! grep -qs ib_srp /sys/class/scsi_host/*/proc_name; }

# login WHO [ID_EXT]: sets `disk`, and `queue`, its directory in sysfs
login() {
	local guid at=$where
	guid=$(sed 's/^0x//' /sys/module/ib_srpt/parameters/srpt_service_guid)
	[[ $link = roce ]] || at+=$guid
	# It is refused as long as the initiator has not quite forgotten the last session with the same target.
	wait_for "$1: login" add_target "id_ext=${2:-$guid},ioc_guid=$guid,$at,max_sect=2048"
	wait_for "$1: disk" disk_of_srp
	queue=/sys/block/${disk##*/}
	echo 2 >"$queue/queue/nomerges"
	echo 1024 >"$queue/queue/max_sectors_kb"
}

logout() {
	local file
	for file in /sys/class/srp_remote_ports/*/delete; do echo 1 >"$file"; done
	wait_for logout no_host
}

# job NAME RW BS DEPTH [OPTION...]: append a job to the array `jobs`
job() { jobs+=(--name="$1" --stonewall --rw="$2" --bs="$3" --iodepth="$4" "${@:5}"); }

# fio_run FORMAT OPTION...: on `size` of `disk`
fio_run() {
	local format=$1
	shift
	fio --filename="$disk" --size="$size" --ioengine=libaio --direct=1 --thread --norandommap --randrepeat=1 \
		--output-format="$format" "$@" </dev/null
}

# fio_rows ROUND WHO: what fio wrote to /tmp/fio, as lines of results
fio_rows() {
	# Fields: 3 job, 5 error; 7 and 48 KiB/s, 8 and 49 I/O per second of reads and writes.
	awk -F';' -v round="$1" -v who="$2" '
		/^3;/ {
			if ($5 != 0) exit 1
			small = $3 ~ /4k-/
			print round, who, $3, small ? $8 + $49 : ($7 + $48) * 1.024 / 1000, small ? "IOPS" : "MB/s"
		}' /tmp/fio >>"$results" || die "fio reports an error"
}
