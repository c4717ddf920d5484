# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables that only the suites use, or lib.sh sets
# What suites with a target in user space share: srp_tgtd, its configuration, its end. To be sourced behind lib.sh. CORE says
# whose target a suite for both cores is about: of LIO, or of srp_tgtd, and then logins go there.

: "${CORE:=lio}"
TGT_ID_EXT=7467740000000001
[[ $CORE != tgt ]] || ID_EXT=$TGT_ID_EXT
TGTD=$LAB_MODULES/tools/srp_tgtd
TGTD_CONF=$WORK/tgtd.conf
TGTD_THREADS=2 TGTD_RECOVERY_MS=0 TGTD_TIMEOUT_MS=30000
TGT_DEBUG=/sys/kernel/debug/scsi_tgt/targets

# tgtd_lun N BACKEND PATH|SIZE [SETTING...]: one more logical unit in `tgtd_luns`; settings as in srp_tgtd.conf(5)
tgtd_luns=()
tgtd_lun() {
	local n=$1 backend=$2 what="path = \"$3\";"
	[[ $backend != memory ]] || what="size = \"$3\";"
	shift 3
	tgtd_luns+=("{ lun = $n; backend = \"$backend\"; $what ${*/%/;} }")
}

# tgtd_conf [NAME...]: write the configuration with what is in `tgtd_luns`, for all initiators or only those named
# shellcheck disable=SC2120 # most name none
tgtd_conf() {
	local IFS=, names=("${@/#/\"}") initiators=''
	names=("${names[@]/%/\"}")
	(($# == 0)) || initiators="initiators = ( ${names[*]} );"
	cat >"$TGTD_CONF.new" <<-CONF
		daemon: { threads = $TGTD_THREADS; recovery_ms = $TGTD_RECOVERY_MS; timeout_ms = $TGTD_TIMEOUT_MS; memory = 32;
			state_dir = "$WORK/tgtd.state"; socket = "$WORK/tgtd.sock"; };
		targets = ( { id_ext = "0x$TGT_ID_EXT"; $initiators luns = ( ${tgtd_luns[*]} ); } );
	CONF
	mv "$TGTD_CONF.new" "$TGTD_CONF"
}

# Sets `tgtd_pid`.
tgtd_start() {
	mkdir -p "$WORK/tgtd.state"
	in_background "$TGTD" "$TGTD_CONF" 2>>"$LAB_OUT/$case_name.tgtd"
	tgtd_pid=$!
	wait_for 20 "srp_tgtd serves its target" tgtd_serves
}
tgtd_serves() { grep -q "id_ext $TGT_ID_EXT port '.*daemon $tgtd_pid\$" "$TGT_DEBUG"; }

tgtd_stop() {
	kill "$tgtd_pid"
	poll 20 ended "$tgtd_pid" || tgtd_stays
}
tgtd_stays() {
	threads_of "$tgtd_pid"
	cat "$TGT_DEBUG" >>"$LAB_OUT/$case_name.threads"
	fail "srp_tgtd has not ended after 20 s"
}

# For the RDMA CM, with or without a target port of LIO.
tgtd_listen() {
	mkdir -p "$SRPT"
	listen
}

# make_file_system DISK MIB: with a file of that size; same_file_system DISK: it is still the same
make_file_system() {
	mkfs.ext4 -q "$1"
	mount "$1" /mnt
	dd if=/dev/urandom of=/mnt/file bs=1M "count=$2" status=none
	md5sum /mnt/file >"$WORK/sum"
	umount /mnt
}
same_file_system() {
	mount "$1" /mnt
	md5sum -c --quiet "$WORK/sum" || fail "the file has changed"
	umount /mnt
}
