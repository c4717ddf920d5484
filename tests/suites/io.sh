#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# Data through every path of the initiator, read back and compared: immediate, direct and indirect, 512 bytes to 8 MiB,
# aligned and not, queue depth 1 to 64. LONG=1: more of the same, for soaking.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"

factor=1
if ((${LONG:-0})); then factor=32; fi

# From one block up to what is still one command of every path, at any block of the disk.
setup() {
	local big
	back_file disk 128
	big=$back
	back_null small 64
	target_up 0 "$big" "$back"
}

# transfers [LOGIN-OPTION...]: the mixture, on a disk that takes commands of 8 MiB and on one with the limits of iblock
transfers() {
	local small big
	login_disk 0 "$@"
	big=$disk
	wait_for 10 "LUN 1" disk_of "$host" 1
	small=$disk
	# Not all initiator settings allow 8 MiB in one command; the disk then splits.
	cat "/sys/block/${big#/dev/}/queue/max_hw_sectors_kb" >"/sys/block/${big#/dev/}/queue/max_sectors_kb"
	verify "$small" block --bs=512 --iodepth=64 --size=$((256 * factor))k
	verify "$small" page --bs=4k --iodepth=1 --size=$((512 * factor))k
	verify "$small" odd --bsrange=512-64k --blockalign=512 --iodepth=64 --size=$((factor > 1 ? 32 : 2))M
	verify "$big" wide --bsrange=512-8M --blockalign=512 --iodepth=16 --size=64M --io_size=$((12 * factor))M
	verify "$big" huge --bs=8M --iodepth=4 --size=64M --io_size=$((24 * factor))M
	logout "$host"
}

# with PARAMETERS -- LOGIN-OPTIONS: of the initiator
with() {
	local parameters=()
	while (($#)) && [[ $1 != -- ]]; do
		parameters+=("$1")
		shift
	done
	shift
	note "ib_srp ${parameters[*]} login $*"
	initiator_load "${parameters[@]}"
	transfers "$@"
}

case_defaults() { with --; }
case_no_immediate() { with use_imm_data=0 --; }
# Room for one descriptor in the IU. With larger transfers than the default ib_srp writes beyond its own table.
case_one_descriptor() { with cmd_sg_entries=1 --; }
case_registered_big() { with cmd_sg_entries=255 indirect_sg_entries=2048 -- max_sect=16384; }
# Without registration each page is a descriptor: tables of up to 255 entries.
case_indirect() { with never_register=1 register_always=0 cmd_sg_entries=255 -- max_sect=16384; }
case_indirect_no_immediate() { with never_register=1 register_always=0 cmd_sg_entries=255 use_imm_data=0 -- max_sect=16384; }
# Tables that are longer than what the IU has room for: the target fetches them.
case_external_table() {
	with never_register=1 register_always=0 cmd_sg_entries=12 indirect_sg_entries=2048 -- allow_ext_sg=1 max_sect=16384
}
case_not_always_registered() { with register_always=0 --; }
case_not_fast_registered() { with prefer_fr=0 --; }
case_eight_channels() { with -- ch_count=8; }
case_small_queue() { with -- queue_size=4 max_cmd_per_lun=4; }

# The target's own limits at their smallest.
case_small_limits() {
	echo 4 >"$tpg/attrib/srp_sq_size"
	echo 64 >"$tpg/attrib/srp_max_rsp_size"
	with --
}
case_shared_receive_queue() {
	echo 1 >"$tpg/attrib/use_srq"
	with --
}

# Reads alone and writes alone of all sizes keep one kind of RDMA busy.
case_sequential() {
	login_disk 0
	verify "$disk" writes --rw=write --bs=1M --size=32M
	fio --name=reads --filename="$disk" --direct=1 --ioengine=libaio --rw=read --bsrange=512-1M --blockalign=512 --iodepth=32 \
		--size=32M --eta=never --output=/dev/null
}

# Buffers that start in the middle of a page: descriptors of odd address and length.
case_unaligned_buffers() {
	login_disk 0
	verify "$disk" unaligned --bsrange=512-128k --blockalign=512 --iomem_align=512 --mem=malloc --iodepth=8 --size=8M
}

# Through the page cache and a file system.
case_file_system() {
	login_disk 0
	mkfs.ext4 -q "$disk"
	mkdir -p "$WORK/mnt"
	mount "$disk" "$WORK/mnt"
	head -c 20M /dev/urandom >"$WORK/data"
	cp "$WORK/data" "$WORK/mnt/data"
	umount "$WORK/mnt"
	blockdev --flushbufs "$disk"
	mount "$disk" "$WORK/mnt"
	cmp "$WORK/data" "$WORK/mnt/data"
	umount "$WORK/mnt"
	fsck.ext4 -fn "$disk" >"$WORK/fsck" 2>&1 || fail "fsck: $(tail -n 2 "$WORK/fsck")"
	rm "$WORK/data"
}

run_cases "$@"
