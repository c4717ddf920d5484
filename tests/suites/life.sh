#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# Things come and go while others use them: the module, the RDMA device, the port, ACLs, LUNs.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"

INITIATOR_ARGS=("${NO_REGISTRATION[@]}")

setup() {
	back_null disk 64
	disk_back=$back
	back_null spare 64
	spare_back=$back
	target_up 0 "$disk_back" "$spare_back"
}

case_hundred_loads() {
	local n before after kib loads
	loads=$(times 100)
	target_clear
	objects >"$WORK/before"
	for ((n = 0; n < loads + 10; n++)); do
		# What a first load leaves for good, such as caches of the allocator, is not counted.
		if ((n == 10)); then before=$(memory_used); fi
		dut_unload
		dut_load "${DUT_ARGS[@]}"
		if ((n % 10 == 0)); then
			setup
			login_disk 0
			logout "$host"
			target_clear
		fi
	done
	after=$(memory_used)
	kib=$((after - before))
	note "$loads loads: $kib KiB more in use"
	same_objects "$WORK/before"
	# A page per load would be 400 KiB. Debug kernels keep a record of what was freed, and of each lock class.
	((kib < (LAB_DEBUG ? 32768 : 4096))) || fail "$loads loads: $kib KiB more in use"
}

case_load_parameters() {
	target_clear
	dut_unload
	dut_load srp_max_req_size=8260 srpt_srq_size=4 srpt_service_guid=0x1234567890abcdef
	[[ $(</sys/module/ib_srpt/parameters/srp_max_req_size) = 8260 ]]
	[[ $(</sys/module/ib_srpt/parameters/srpt_service_guid) = 0x1234567890abcdef ]]
	[[ $(</sys/module/ib_srpt/parameters/srpt_srq_size) = 4 ]]
	setup
	login_disk 0
	verify "$disk" small --size=1M
}

case_bad_parameters() {
	local parameter
	target_clear
	dut_unload
	for parameter in srp_max_req_size=995 srpt_srq_size=3 srpt_srq_size=65536 srpt_service_guid=nonsense; do
		if dut_load "$parameter" 2>"$WORK/err"; then fail "$parameter was accepted"; fi
		grep -q 'Invalid' "$WORK/err" || fail "$parameter: $(<"$WORK/err")"
	done
}

# Sessions and I/O are there when the device goes; the configuration stays, and serves it when it is back.
case_device_removed() {
	local n
	ours_only "its configuration does not survive the device"
	login_disk 0
	logout "$host"
	wait_for 20 "TimeWait is over" channels_are 0
	objects >"$WORK/before"
	for ((n = 0; n < $(times 20); n++)); do
		login_disk 0 "ch_count=$((n % 2 ? 8 : 1))"
		load "$disk"
		rdma_down 0
		wait_for 60 "session $n ends" not test -e "/sys/class/scsi_host/$host"
		end_background
		rdma_up 0
	done
	login_disk 0
	verify "$disk" after --size=4M
	logout "$host"
	same_objects "$WORK/before"
}

# The other device is not concerned.
case_other_device_removed() {
	ours_only "its configuration does not survive the device"
	net_up 1
	target_up 1 "$spare_back"
	login_disk 1
	load "$disk"
	login_disk 0
	verify_throughout "$disk"
	rdma_down 1
	rdma_up 1
	verify_ends
	login 1
	logout_all
	net_down 1
}

case_unload_with_device_but_no_session() {
	target_clear
	dut_unload
	rdma_down 0
	dut_load "${DUT_ARGS[@]}"
	rdma_up 0
	setup
	login_disk 0
}

# Configured before the device is there.
case_configured_without_device() {
	ours_only "it knows only ports that are there"
	target_clear
	rdma_down 0
	back_null disk 64
	target_up 0 "$back"
	rdma_up 0
	login_disk 0
	verify "$disk" late --size=2M
}

case_port_disabled() {
	local n
	login_patient 0 ch_count=4
	verify_throughout "$disk"
	for ((n = 0; n < $(times 5); n++)); do
		echo 0 >"$tpg/enable"
		wait_for 20 "channels closed by disabling" channels_are 0
		echo 1 >"$tpg/enable"
		wait_for 30 "reconnection" state_is "$host" running
	done
	verify_ends
}

case_acl_removed() {
	local n
	login_patient 0
	load "$disk"
	for ((n = 0; n < $(times 5); n++)); do
		# Blocks until the sessions are gone.
		acl_del "$tpg" 10.9.0.1
		wait_for 20 "the channels are gone" channels_are 0
		if login 0 initiator_ext=7; then fail "a login without ACL was accepted"; fi
		acl_add "$tpg" 10.9.0.1
		wait_for 30 "reconnection" state_is "$host" running
	done
	# It would write over what is verified.
	end_background
	verify "$disk" after --size=2M
}

case_lun_removed() {
	local n other
	login_disk 0
	other=$disk
	wait_for 10 "LUN 1" disk_of "$host" 1
	for ((n = 0; n < $(times 5); n++)); do
		load "$disk"
		rm "$tpg/acls/10.9.0.1/lun_1/lun"
		rm "$tpg/lun/lun_1/disk"
		wait_for 30 "I/O on the missing LUN fails" not read_one
		end_background
		verify "$other" stays --size=1M
		ln -s "$spare_back" "$tpg/lun/lun_1/disk"
		ln -s "$tpg/lun/lun_1" "$tpg/acls/10.9.0.1/lun_1/lun"
		wait_for 30 "I/O on the LUN" read_one
	done
	verify "$disk" back --size=1M
}

# What a script does that just wants it gone: everything, in order, with a session and I/O.
case_torn_down_under_io() {
	local n
	for ((n = 0; n < $(times 5); n++)); do
		login_disk 0 ch_count=4
		load "$disk"
		target_clear
		dut_unload
		end_background
		logout "$host"
		dut_load "${DUT_ARGS[@]}"
		setup
	done
}

case_unload_refused() {
	login_disk 0
	if rmmod ib_srpt 2>/dev/null; then fail "unloaded although it is configured"; fi
	verify "$disk" stays --size=1M
}

# The initiator drops its connections and logs in again on the same nexus.
case_reset_under_io() {
	local n
	login_disk 0 ch_count=4
	verify_throughout "$disk"
	for ((n = 0; n < 10; n++)); do sg_reset --no-esc --host "$disk"; done
	verify_ends
	wait_for 60 "the old channels are gone" channels_are 4
}

run_cases "$@"
