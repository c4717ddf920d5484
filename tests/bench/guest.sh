#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest's part of the bench: two drivers in turn, each with a fresh login to the same RAM disk.
#   guest.sh times ROUNDS SECONDS FIRST SECOND
#   guest.sh insn FIRST SECOND
# FIRST and SECOND are ours or in-tree; the same twice shows the noise of the method. Results go to $LAB_OUT.
set -euo pipefail

target=/sys/kernel/config/target
backstore=$target/core/iblock_0/disk
size=256M
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

machine() {
	modprobe -a dummy rdma_rxe sd_mod target_core_iblock
	# By default the initiator splits what has more than 12 pieces of memory, so by chance.
	modprobe ib_srp indirect_sg_entries=512
	modprobe brd rd_nr=1 rd_size=$((${size%M} * 1024))
	# Random reads must find something.
	dd if=/dev/urandom of=/dev/ram0 bs=1M count="${size%M}" oflag=direct status=none
	ip link add d0 type dummy
	ip addr add 10.9.9.1/24 dev d0
	ip link set d0 mtu 4200 up
	rdma link add rxe0 type rxe netdev d0
	wait_for "soft RoCE" test -e /sys/class/infiniband_srp/srp-rxe0-1/add_target
	# What the driver under test needs, so that loading it by its path is enough.
	modprobe -a rdma_cm ib_cm target_core_mod scsi_common
	mkdir -p "$backstore"
	echo udev_path=/dev/ram0 >"$backstore/control"
	echo 1 >"$backstore/enable"
	port=$(cut -d: -f5-8 /sys/class/infiniband/rxe0/ports/1/gids/0)
	tpg=$target/srpt/$port/$port
	acl=$tpg/acls/10.9.9.1
}

disk_of_srp() {
	local name
	name=$(lsscsi | awk '/LIO-ORG/ { print $NF }')
	[[ -b $name ]] && disk=$name
}
no_disk() { ! lsscsi | grep -q LIO-ORG; }

# up DUT: load this driver, export the RAM disk, log in
up() {
	local guid
	if [[ $1 = ours ]]; then
		[[ -d /sys/module/scsi_tgt ]] || insmod "$LAB_MODULES/scsi_tgt.ko"
		insmod "$LAB_MODULES/ib_srpt.ko"
	else
		modprobe ib_srpt
	fi
	mkdir -p "$tpg/lun/lun_0" "$acl/lun_0"
	ln -s "$backstore" "$tpg/lun/lun_0/disk"
	ln -s "$tpg/lun/lun_0" "$acl/lun_0/lun"
	echo 1 >"$tpg/enable"
	echo 5555 >"$target/srpt/discovery_auth/rdma_cm_port"
	guid=$(sed 's/^0x//' /sys/module/ib_srpt/parameters/srpt_service_guid)
	echo "id_ext=$guid,ioc_guid=$guid,dest=10.9.9.1:5555,max_sect=2048" >/sys/class/infiniband_srp/srp-rxe0-1/add_target ||
		die "$1: login refused"
	wait_for "$1: disk" disk_of_srp
	queue=/sys/block/${disk##*/}
	echo 2 >"$queue/queue/nomerges"
	echo 1024 >"$queue/queue/max_sectors_kb"
}

down() {
	local file
	for file in /sys/class/srp_remote_ports/*/delete; do echo 1 >"$file"; done
	wait_for logout no_disk
	echo 0 >"$tpg/enable"
	echo 0 >"$target/srpt/discovery_auth/rdma_cm_port"
	rm "$acl/lun_0/lun" "$tpg/lun/lun_0/disk"
	rmdir "$acl/lun_0" "$acl" "$tpg/lun/lun_0" "$tpg" "${tpg%/*}" "$target/srpt"
	wait_for "unload" rmmod ib_srpt
}

end() {
	rmdir "$backstore" "${backstore%/*}"
	modprobe -r ib_srp
	rdma link del rxe0
	ip link del d0
}

# job NAME RW BS DEPTH [OPTION...]: append a job to the array `jobs`
job() { jobs+=(--name="$1" --stonewall --rw="$2" --bs="$3" --iodepth="$4" "${@:5}"); }

fio_run() {
	local format=$1
	shift
	fio --filename="$disk" --size=$size --ioengine=libaio --direct=1 --thread --norandommap --randrepeat=1 \
		--output-format="$format" "$@" </dev/null
}

times() {
	local rounds=$1 seconds=$2 first=$3 second=$4 round dut order jobs=() start=$SECONDS
	local each=(--time_based --runtime="$seconds")
	job randread-4k-1 randread 4k 1 "${each[@]}"
	job randwrite-4k-1 randwrite 4k 1 "${each[@]}"
	job randread-4k-16 randread 4k 16 "${each[@]}"
	job randwrite-4k-16 randwrite 4k 16 "${each[@]}"
	job read-256k read 256k 4 "${each[@]}"
	job write-256k write 256k 4 "${each[@]}"
	job read-1m read 1m 4 "${each[@]}"
	job write-1m write 1m 4 "${each[@]}"

	for ((round = 1; round <= rounds; round++)); do
		# Who comes first changes, so that a drift of the machine favours nobody.
		order=("1 $first" "2 $second")
		if ((round % 2 == 0)); then order=("2 $second" "1 $first"); fi
		for dut in "${order[@]}"; do
			echo "round $round of $rounds: ${dut#* } ($((SECONDS - start)) s)"
			up "${dut#* }"
			fio_run terse --terse-version=3 "${jobs[@]}" >/tmp/fio || { cat /tmp/fio; die "fio"; }
			# Fields: 3 job, 5 error; 7 and 48 KiB/s, 8 and 49 I/O per second of reads and writes.
			awk -F';' -v round="$round" -v dut="${dut%% *}" '
				/^3;/ {
					if ($5 != 0) exit 1
					small = $3 ~ /4k/
					print round, dut, $3, small ? $8 + $49 : ($7 + $48) * 1.024 / 1000, small ? "IOPS" : "MB/s"
				}' /tmp/fio >>"$results" || die "fio reports an error"
			down
		done
	done
}

# The link without SRP, measured from user space where the tools run.
raw_link() {
	local tool unit bytes column pid
	for tool in ib_read_bw ib_write_bw ib_read_lat; do
		unit=MB/s bytes=262144 column=4
		if [[ $tool = *_lat ]]; then unit=us bytes=4096 column=5; fi
		timeout 60 $tool -d rxe0 -F -s $bytes -n 400 >/dev/null 2>&1 &
		pid=$!
		sleep 2
		timeout 60 $tool -d rxe0 -F -s $bytes -n 400 10.9.9.1 >/tmp/raw 2>&1 || true
		# Bandwidth: the average; latency: the typical time.
		awk -v tool=$tool -v unit=$unit -v bytes=$bytes -v column=$column '
			$1 == bytes && $column ~ /^[0-9.]+$/ && $column > 0 { print 0, 0, tool, $column, unit; n++ }
			END { if (!n) print "skip " tool " has no usable clock here" >"/dev/stderr" }' /tmp/raw >>"$results"
		kill $pid 2>/dev/null || true
		wait $pid || true
	done
}

# A picture of the counters, taken by the host; the host copies them while this waits. Its name ends with the number of
# commands so far.
snapshot() {
	local name
	name=$1.$(awk '{ print $1 + $5 }' "$queue/stat")
	echo "bench: snapshot $name"
	until [[ -e $LAB_OUT/snapshot.$name ]]; do sleep 0.3; done
}

# Fixed costs (starting fio, waiting) are in both runs of a job; the difference of the two is the commands.
insn() {
	local dut n step few jobs entry name rw bs depth
	for n in 1 2; do
		dut=${!n}
		up "$dut"
		cp /proc/modules "$LAB_OUT/modules.$n"
		for entry in randread-4k-1:randread:4k:1:1000 randwrite-4k-1:randwrite:4k:1:1000 \
			randread-4k-16:randread:4k:16:1000 randwrite-4k-16:randwrite:4k:16:1000 \
			read-256k:read:256k:4:100 write-256k:write:256k:4:100; do
			IFS=: read -r name rw bs depth few <<<"$entry"
			echo "$dut: $name ($SECONDS s)"
			# Step 0 warms caches and pools, which the first steps of the first driver would pay for.
			for step in 0 1 2; do
				jobs=()
				job "$name" "$rw" "$bs" "$depth" --number_ios=$((step == 2 ? few * 8 : few))
				fio_run terse "${jobs[@]}" >/dev/null
				snapshot "$n.$name.$step"
			done
		done
		down
	done
}

rm -f "$results"
machine
what=$1
shift
case $what in
times)
	raw_link
	times "$@"
	;;
insn) insn "$@" ;;
*) die "guest.sh times|insn" ;;
esac
end
echo "ok bench $what"
