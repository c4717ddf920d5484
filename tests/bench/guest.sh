#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest's part of the bench: two drivers in turn, each with a fresh login to the same RAM disk.
#   guest.sh LINK times ROUNDS SECONDS FIRST SECOND
#   guest.sh LINK insn FIRST SECOND
# LINK is roce or ib.
# FIRST and SECOND are ours or in-tree; the same twice shows the noise of the method. Results go to $LAB_OUT.
set -euo pipefail

# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
backstore=$target/core/iblock_0/disk
size=256M

machine() {
	link_up "$1"
	modprobe target_core_iblock
	modprobe brd rd_nr=1 rd_size=$((${size%M} * 1024))
	# Random reads must find something.
	dd if=/dev/urandom of=/dev/ram0 bs=1M count="${size%M}" oflag=direct status=none
	mkdir -p "$backstore"
	echo udev_path=/dev/ram0 >"$backstore/control"
	echo 1 >"$backstore/enable"
}

# up DUT: load this driver, export the RAM disk, log in
up() {
	if [[ $1 = ours ]]; then load_ours; else modprobe ib_srpt; fi
	export_lun "$backstore"
	listen $port
	login "$1"
}

down() {
	logout
	listen 0
	unexport_lun
	rmdir "$target/srpt"
	wait_for "unload" rmmod ib_srpt
}

end() {
	rmdir "$backstore" "${backstore%/*}"
	link_down
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
			fio_rows "$round" "${dut%% *}"
			down
		done
	done
}

# The link without SRP, measured from user space where the tools run.
raw_link() {
	local tool unit bytes column pid server=127.0.0.1
	# They tell each other where they are by IP.
	if [[ $link = roce ]]; then server=$address; fi
	ip link set lo up
	for tool in ib_read_bw ib_write_bw ib_read_lat; do
		unit=MB/s bytes=262144 column=4
		if [[ $tool = *_lat ]]; then unit=us bytes=4096 column=5; fi
		timeout 60 $tool -d "$t_hca" -F -s $bytes -n 400 >/dev/null 2>&1 &
		pid=$!
		sleep 2
		timeout 60 $tool -d "$i_hca" -F -s $bytes -n 400 "$server" >/tmp/raw 2>&1 || true
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
machine "$1"
what=$2
shift 2
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
