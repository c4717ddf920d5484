#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# The configuration interface against that of the in-tree driver, recorded in the same guest just before: each path, default
# and refusal of that driver is also one of ours.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"

# The core's own counters say nothing about the driver.
tree_of() { find "$SRPT" ! -path '*/statistics/*' ! -path '*/fabric_statistics/*' -printf '%y %m %p\n' | sort; }

values_of() {
	local file
	find "$SRPT" -type f -perm -u+r ! -path '*/statistics/*' ! -path '*/fabric_statistics/*' | sort | while read -r file; do
		printf '%s = %s\n' "$file" "$(tr '\n' '|' <"$file" 2>&1)"
	done
}

# try WHAT COMMAND...: how it ended, in the words of errno
try() {
	local what=$1 result
	shift
	if result=$("$@" 2>&1 >/dev/null); then result="done"; else result=${result##*: }; fi
	echo "$what: $result"
}
# One write(2), also of nothing.
store() { printf '%s' "$2" | dd of="$1" bs=4096 conv=notrunc status=none 2>&1 >/dev/null | sed '1s/^/: /' >&2; return "${PIPESTATUS[1]}"; }

ATTRIBUTES=(srp_max_rdma_size srp_max_rsp_size srp_sq_size use_srq)
OUT_OF_RANGE=(
	"srp_max_rdma_size 65535" "srp_max_rdma_size 16777217" "srp_max_rdma_size -1" "srp_max_rdma_size 4294967296"
	"srp_max_rsp_size 39" "srp_max_rsp_size 1025" "srp_max_rsp_size x" "srp_max_rsp_size 18446744073709551616"
	"srp_sq_size 3" "srp_sq_size 65536" "srp_sq_size 99999999999" "use_srq 2" "use_srq -1" "use_srq yes")
IN_RANGE=(
	"srp_max_rdma_size 65536" "srp_max_rdma_size 16777216" "srp_max_rdma_size 0x20000" "srp_max_rsp_size 40"
	"srp_max_rsp_size 1024" "srp_sq_size 4" "srp_sq_size 65535" "use_srq 1" "use_srq 0")
# Those that the in-tree driver does not have.
OWN_DEFAULTS=("srp_max_channels 128" "srp_bind_initiator 0")
OWN_OUT_OF_RANGE=(
	"srp_max_channels 0" "srp_max_channels 1025" "srp_bind_initiator 2" "srp_max_channels -1" "srp_max_channels 4294967297"
	"srp_max_channels 18446744073709551616" "srp_max_channels x" "srp_bind_initiator -1" "srp_bind_initiator yes")
OWN_IN_RANGE=(
	"srp_max_channels 1" "srp_max_channels 1024" "srp_max_channels 0x10" "srp_bind_initiator 1" "srp_bind_initiator 0")

writes() {
	local entry
	for entry in "${OUT_OF_RANGE[@]}" "${IN_RANGE[@]}"; do
		try "attrib/$entry" store "$tpg/attrib/${entry% *}" "${entry#* }"
	done
	for entry in "${ATTRIBUTES[@]}"; do try "attrib/$entry own value" store "$tpg/attrib/$entry" "$(<"$tpg/attrib/$entry")"; done
	for entry in 65536 -1 port 99999999999; do try "rdma_cm_port $entry" store "$SRPT/discovery_auth/rdma_cm_port" "$entry"; done
	for entry in 0 1 1 0; do try "enable $entry" store "$tpg/enable" "$entry"; done
	for entry in 2 -1 on; do try "enable $entry" store "$tpg/enable" "$entry"; done
}

makes() {
	local name
	# Names of ports that cannot be; one that could be is another matter.
	for name in nonsense 0x1 fe80 "${gid:20}:0000" "0x${gid//:}0" "0x${gid//:/g}" ib.0123 ""; do
		try "port '$name'" mkdir "$SRPT/$name"
	done
	try "port by GID" mkdir "$SRPT/0x${gid//:}"
	try "port by GUID, again" mkdir "$SRPT/${gid:20}"
	for name in tpgt_1 0 anything; do try "portal group $name" mkdir "$SRPT/0x${gid//:}/$name"; done
	# The core leaks a refused name of 20 characters and more: none here.
	for name in 10.9.0.2 fe80::1 fe80:0000:0000:0000:0000:0000:0000:0002 0123:4567:89ab:cdef 0x0123456789abcdef0123456789abcdef \
		0123456789abcdef0123456789abcdef 0x1 1f nonsense 0123:4567:89ab 10.9.0.300; do
		try "ACL $name" mkdir "$tpg/acls/$name"
	done
	for name in lun_0 lun_255 lun_65535 lun_x lun0; do try "LUN $name" mkdir "$tpg/lun/$name"; done
	for name in acls auth lun np param attrib; do try "rmdir $name" rmdir "$tpg/$name"; done
	try "rmdir of a port in use" rmdir "$SRPT/${gid:20}"
	try "rmdir of discovery_auth" rmdir "$SRPT/discovery_auth"
	find "$SRPT" -mindepth 1 -maxdepth 2 -type d ! -path '*/discovery_auth*' ! -path '*/fabric_statistics*' ! -path '*/param' \
		-printf '%P\n' | sort
	find "$tpg/acls" -mindepth 1 -maxdepth 1 -printf 'acl %f\n' | sort
}

build() {
	target_clear
	back_null disk 64
	target_up 0 "$back"
}

record() {
	build
	tree_of >"$WORK/$1.tree"
	values_of >"$WORK/$1.values"
	build
	writes >"$WORK/$1.writes"
	build
	makes >"$WORK/$1.makes"
	target_clear
	modinfo_of "$1" >"$WORK/$1.modinfo"
	(cd /sys/module/ib_srpt/parameters && stat -c '%n %A' -- * && grep -H . -- *) >"$WORK/$1.parameters"
	cp "$WORK/$1".* "$LAB_OUT"
}
modinfo_of() {
	local file=ib_srpt
	[[ $1 = in-tree ]] || file=$LAB_MODULES/ib_srpt.ko
	modinfo -F parm "$file" | cut -d: -f1
	modinfo -F license "$file"
	modinfo -F depends "$file" | tr ',' '\n'
}

# Once, however many cases follow: first the driver of the kernel, then the one under test.
setup() {
	[[ ! -e $WORK/ours.tree ]] || return 0
	ours_only "nothing to compare it with"
	dut_unload
	LAB_DUT=in-tree dut_load
	record in-tree
	dut_unload
	dut_load
	record ours
}

# subset WHAT: each line of the in-tree driver's record is in ours, except those listed on stdin
subset() {
	local missing
	missing=$(grep -vxFf "$WORK/ours.$1" "$WORK/in-tree.$1" | grep -vxFf <(cat; echo "-")) || return 0
	note "in-tree: ${missing//$'\n'/$'\n'  in-tree: }"
	while read -r line; do note "ours: $(grep -F "${line%%[:=]*}" "$WORK/ours.$1" | head -n 1)"; done <<<"$missing"
	fail "$(wc -l <<<"$missing") lines of $1 differ, the first: $(head -n 1 <<<"$missing")"
}

case_paths() { subset tree </dev/null; }
case_defaults() { subset values </dev/null; }
case_refusals() { subset writes </dev/null; }
case_names() { subset makes </dev/null; }
case_parameters() { subset parameters </dev/null; }
case_module() { subset modinfo </dev/null; }

# Each refusal leaves one line that names the attribute, and changes nothing.
case_refusals_logged() {
	local entry before lines
	back_null disk 64
	target_up 0 "$back"
	# The log is rate-limited: no more than its burst.
	for entry in "${OUT_OF_RANGE[@]:0:5}" "${OWN_OUT_OF_RANGE[@]:0:3}"; do
		before=$(<"$tpg/attrib/${entry% *}")
		dmesg -C
		if store "$tpg/attrib/${entry% *}" "${entry#* }" 2>/dev/null; then fail "$entry was accepted"; fi
		[[ $(<"$tpg/attrib/${entry% *}") = "$before" ]] || fail "$entry: refused, and changed the value"
		lines=$(dmesg | grep -c 'ib_srpt') || fail "$entry: no line in the log"
		((lines == 1)) || fail "$entry: $lines lines in the log"
		dmesg | grep -q "${entry% *}.*${entry#* }" || fail "$entry: the line does not tell: $(dmesg)"
	done
}

case_own_attributes() {
	local entry file result
	build
	for entry in "${OWN_DEFAULTS[@]}"; do
		file=$tpg/attrib/${entry% *}
		[[ $(<"$file") = "${entry#* }" ]] || fail "${entry% *} is $(<"$file"), not ${entry#* }"
	done
	for entry in "${OWN_OUT_OF_RANGE[@]}"; do
		result=$(try "$entry" store "$tpg/attrib/${entry% *}" "${entry#* }")
		[[ $result = "$entry: Invalid argument" ]] || fail "$result"
	done
	for entry in "${OWN_DEFAULTS[@]}"; do
		file=$tpg/attrib/${entry% *}
		[[ $(<"$file") = "${entry#* }" ]] || fail "${entry% *}: refused, and changed the value to $(<"$file")"
	done
	for entry in "${OWN_IN_RANGE[@]}"; do
		file=$tpg/attrib/${entry% *}
		result=$(try "$entry" store "$file" "${entry#* }")
		[[ $result = "$entry: done" ]] || fail "$result"
		(($(<"$file") == ${entry#* })) || fail "$entry was stored as $(<"$file")"
	done
}

# The in-tree driver drops all sessions when some attributes are written; ours uses them for later logins.
case_written_under_session() {
	local attribute
	build
	login_disk 0
	verify_throughout "$disk"
	for attribute in "srp_max_rdma_size 131072" "srp_max_rsp_size 512" "srp_sq_size 128" "use_srq 1" "srp_max_channels 1" \
		"srp_bind_initiator 1"; do
		echo "${attribute#* }" >"$tpg/attrib/${attribute% *}"
	done
	channels_are 1
	listen
	verify_ends
	channels_are 1
	logout "$host"
	login_disk 0
	verify "$disk" after --size=2M
}

# Ports that are not there are refused by the in-tree driver; ours waits for them.
case_unknown_port() {
	mkdir -p "$SRPT/0123:4567:89ab:cdef/tpgt_1" "$SRPT/0xfe800000000000000123456789abcdef/tpgt_1"
	echo 1 >"$SRPT/0123:4567:89ab:cdef/tpgt_1/enable"
}

run_cases "$@"
