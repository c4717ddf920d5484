#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest's part of `make bench CORE=tgt`: a file, served in four ways in turn, each with a fresh login.
#   guest-tgt.sh LINK ROUNDS SECONDS
#   tgt     srp_tgtd
#   tcmu    LIO and TCMU, with tcmu_file
#   fileio  LIO alone
#   ram     LIO with a RAM disk: no file, no user space; what the link can do
# The file is on ext4 on a RAM disk of the block layer (brd), and all three do asynchronous I/O to it with O_DIRECT. tmpfs knows no
# O_DIRECT: fileio could not be asynchronous there, and io_uring would leave each write to another thread.
#
# Results: lines of $LAB_OUT/results as in guest.sh, and of $LAB_OUT/cpu: round, who, job, I/Os, then ticks of all
# processes and the kernel, of the daemon in user space, of the daemon in the kernel.
set -euo pipefail

# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
size=128M
bytes=$((${size%M} << 20))
medium=/mnt file=/mnt/disk
work=/tmp/bench
cpu=$LAB_OUT/cpu
id_ext=7467740000000001

machine() {
	link_up "$1"
	modprobe -a target_core_file target_core_user
	modprobe brd rd_nr=1 rd_size=$((2 * bytes / 1024))
	mkfs.ext4 -q -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 /dev/ram0
	mount /dev/ram0 $medium
	dd if=/dev/urandom of=$file bs=1M count="${size%M}" oflag=direct status=none
	load_ours
	mkdir "$target/srpt"
	listen $port
	mkdir -p $work
	cd $work
	cat >srp_tgtd.conf <<-CONF
		daemon = { recovery_ms = 0; state_dir = "$work"; socket = "$work/socket"; };
		targets = ( { id_ext = "$id_ext"; luns = ( { lun = 0; backend = "file"; path = "$file"; } ); } );
	CONF
}

end() {
	listen 0
	rmdir "$target/srpt"
	wait_for "unload" rmmod ib_srpt
	cd /
	umount $medium
	link_down
}

# backstore KIND CONTROL: sets `backstore`
backstore() {
	backstore=$target/core/${1}_0/disk
	mkdir -p "$backstore"
	echo "$2" >"$backstore/control"
	echo 1 >"$backstore/enable"
}

start_tgt() {
	"$LAB_MODULES/tools/srp_tgtd" srp_tgtd.conf 2>>"$LAB_OUT/srp_tgtd.log" &
	daemon=$!
	wait_for "srp_tgtd" grep -q "id_ext $id_ext" /sys/kernel/debug/scsi_tgt/targets
	login tgt $id_ext
}

start_tcmu() {
	local uio
	# Larger pieces of the data area than a page are fewer pieces of a command.
	backstore user "dev_config=bench,dev_size=$bytes,hw_block_size=512,hw_max_sectors=2048,data_pages_per_blk=16,nl_reply_supported=-1"
	uio=$(echo /sys/class/uio/uio*)
	"$LAB_MODULES/tcmu_file" "/dev/${uio##*/}" $file 2>>"$LAB_OUT/tcmu_file.log" &
	daemon=$!
	export_lun "$backstore"
	login tcmu
}

start_fileio() {
	backstore fileio "fd_dev_name=$file,fd_dev_size=$bytes,fd_buffered_io=1,fd_async_io=1"
	export_lun "$backstore"
	login fileio
}

start_ram() {
	backstore rd_mcp "rd_pages=$((bytes / 4096))"
	export_lun "$backstore"
	login ram
}

stop() {
	logout
	[[ ! -d $tpg ]] || unexport_lun
	if [[ -n $daemon ]]; then
		kill "$daemon"
		wait "$daemon" || true
	fi
	[[ -z $backstore ]] || rmdir "$backstore" "${backstore%/*}"
}

# job_per_cpu NAME RW BS DEPTH: of fio, a thread on each CPU, with its part of DEPTH. A single one stays where the scheduler has put
# it; then it is luck how much of soft RDMA, most of which runs on the CPU of who sends, has to share that CPU.
job_per_cpu() {
	local depth cpu
	depth=$(($4 / $(nproc)))
	job "$1" "$2" "$3" "$depth" "${each[@]}" "${clocks[@]}" --cpus_allowed=0
	for ((cpu = 1; cpu < $(nproc); cpu++)); do
		jobs+=(--name="$1-$cpu" --rw="$2" --bs="$3" --iodepth="$depth" "${each[@]}" --cpus_allowed="$cpu")
	done
}

# The jobs to `jobs`: the first thread of each looks at the clocks before and behind.
make_jobs() {
	local seconds=$1 look rw name
	look="head -qn 1 /proc/stat $queue/stat"
	[[ -z $daemon ]] || look+=" /proc/$daemon/stat"
	each=(--time_based --runtime="$seconds")
	clocks=(--exec_prerun="$look" --exec_postrun="$look")
	jobs=(--group_reporting)
	for rw in randread randwrite; do job "$rw-4k-1" "$rw" 4k 1 "${each[@]}" "${clocks[@]}"; done
	for rw in randread randwrite; do job_per_cpu "$rw-4k-16" "$rw" 4k 16; done
	for name in 64k 256k 1m; do
		for rw in read write; do job_per_cpu "$rw-$name" "$rw" "$name" 8; done
	done
}

# cpu_rows ROUND WHO: what the clocks have shown
cpu_rows() {
	local before name
	for before in *.prerun.txt; do
		name=${before%.prerun.txt}
		# Of /proc/stat all but idle and iowait; of the disk reads and writes; of the process user and system.
		awk -v line="$1 $2 $name" '
			FNR == 1 { sign = NR == 1 ? -1 : 1; all += sign * ($2 + $3 + $4 + $7 + $8 + $9) }
			FNR == 2 { ios += sign * ($1 + $5) }
			FNR == 3 { user += sign * $14; kernel += sign * $15 }
			END { print line, ios, all, user + 0, kernel + 0 }' "$before" "$name.postrun.txt" >>"$cpu"
	done
	rm -- *.prerun.txt *.postrun.txt
}

rounds=$2 seconds=$3 start=$SECONDS jobs=()
rm -f "$results" "$cpu"
machine "$1"
for ((round = 1; round <= rounds; round++)); do
	# Who comes first changes, so that a drift of the machine favours nobody.
	order=(tgt tcmu fileio ram)
	if ((round % 2 == 0)); then order=(ram fileio tcmu tgt); fi
	for who in "${order[@]}"; do
		echo "round $round of $rounds: $who ($((SECONDS - start)) s)"
		daemon='' backstore=''
		"start_$who"
		make_jobs "$seconds"
		fio_run terse --terse-version=3 "${jobs[@]}" >/tmp/fio || { cat /tmp/fio; die "fio"; }
		fio_rows "$round" "$who"
		cpu_rows "$round" "$who"
		stop
	done
done
end
echo "ok bench tgt"
