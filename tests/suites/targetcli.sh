#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # the cases are called by name
# The administrator's tool: it builds a target, saves it, clears everything, restores it, and the initiator gets in each time.
# shellcheck source=tests/suites/lib.sh
. "$(dirname "$0")/lib.sh"

SAVED=$WORK/saveconfig.json

setup() {
	command -v targetcli >/dev/null || skip "no targetcli"
	export HOME=$WORK PYTHONPATH=$WORK/python
	mkdir -p "$PYTHONPATH" /etc/target /etc/rtslib-fb-target
	# It asks the system bus, which a guest does not have, for handlers of back-stores in user space.
	cat >"$PYTHONPATH/sitecustomize.py" <<-'PYTHON'
		from gi.repository import Gio
		Gio.bus_get_sync = lambda *args: None
	PYTHON
	null_disk disk 64
	port_names 0
	# As the tool names a port and an initiator: by GID, and by port id.
	port=ib.${gid//:}
	initiator=ib.0000000000000005${gid:20:4}${gid:25:4}${gid:30:4}${gid:35:4}
}

# tell COMMAND...: to the tool, one argument each, all in one go because it takes seconds to start
tell() {
	printf '%s\n' "$@" exit >"$WORK/commands"
	if ! targetcli <"$WORK/commands" >"$WORK/said" 2>&1 || grep -qE 'Traceback|Exception|^[Ee]rror|No such path' "$WORK/said"; then
		cp "$WORK/said" "$LAB_OUT/$case_name.said"
		fail "targetcli: $(tail -n 1 "$WORK/said"), see $case_name.said"
	fi
}

# build [COMMAND...]: a target, then more
build() {
	tell "set global auto_save_on_exit=false" \
		"/backstores/block create name=disk dev=$null" \
		"/srpt create $port" \
		"/srpt/$port/luns create /backstores/block/disk" \
		"/srpt/$port/acls create $initiator" "$@"
	# The tool does not know this attribute.
	listen
}

use() {
	login_disk 0 initiator_ext=5
	verify "$disk" "$1" --size=4M --bs=64k
	logout "$host"
}

# Everything that the tool can write, except what the core makes new each time.
state() {
	find "$SRPT" "$TARGET/core" \( -type f -perm -u+w ! -name control ! -path '*/statistics/*' ! -name vpd_unit_serial ! -path '*/pr/*' \
		! -path '*/alua/*' ! -name hba_mode ! -path '*/action/*' ! -name tg_pt_gp_id -o -type l -o -type d ! -path '*/alua/*' \) -print |
		sort | while read -r path; do
		if [[ -f $path ]]; then echo "$path = $(cat "$path" 2>/dev/null)"; else echo "$path"; fi
	done
}

case_builds() {
	build
	[[ -d $SRPT/0x${gid//:}/tpgt_1/lun/lun_0 ]]
	[[ -d $SRPT/0x${gid//:}/tpgt_1/acls/0x${initiator#ib.}/lun_0 ]]
	[[ $(<"$SRPT/0x${gid//:}/tpgt_1/enable") = 1 ]]
	use built
}

case_saves_and_restores() {
	build "/srpt/$port set attribute srp_max_rdma_size=1048576" "/srpt/$port set attribute srp_sq_size=1024" \
		"saveconfig $SAVED"
	use built
	state >"$WORK/before"
	tell "clearconfig confirm=true"
	[[ ! -e $SRPT/0x${gid//:} ]] || fail "clearconfig left the target"
	tell "restoreconfig $SAVED"
	if grep -i error "$WORK/said"; then fail "restoreconfig: $(grep -i -m 1 error "$WORK/said")"; fi
	listen
	state >"$WORK/after"
	if ! diff "$WORK/before" "$WORK/after" >"$LAB_OUT/$case_name.diff"; then
		fail "restored something else: $(grep -m 1 '^[<>]' "$LAB_OUT/$case_name.diff")"
	fi
	rm "$LAB_OUT/$case_name.diff"
	use restored
}

# A machine boots: what is saved is restored before the device is there.
case_restores_before_the_device() {
	ours_only "it knows only ports that are there"
	build "saveconfig $SAVED" "clearconfig confirm=true"
	rdma_down 0
	tell "restoreconfig $SAVED"
	listen
	rdma_up 0
	use restored
}

# In the middle of a session.
case_deletes() {
	build
	login_disk 0 initiator_ext=5
	tell "/srpt/$port/luns delete lun0" "/srpt delete $port" "/backstores/block delete disk"
	[[ ! -e $SRPT/0x${gid//:} ]] || fail "the target is still there"
}

case_lists() {
	build ls
	grep -q "$port" "$WORK/said" || fail "the target is not listed"
	grep -q 'lun0' "$WORK/said" || fail "the LUN is not listed"
	login_disk 0 initiator_ext=5
	tell sessions "ls /srpt"
}

at_end() {
	local fabric
	rm -rf /etc/target /etc/rtslib-fb-target
	# It makes those of all fabrics that it knows.
	for fabric in "$TARGET"/*/discovery_auth "$TARGET"/*/version; do [[ ! -e $fabric ]] || rmdir "${fabric%/*}"; done
} 2>/dev/null

run_cases "$@"
