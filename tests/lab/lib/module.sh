# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Build the out-of-tree module and the tools for a lab, with the compiler of the lab's root.

# lab_module LAB SRCDIR OUTDIR [PATH...]: PATHs below SRCDIR are what the build needs; with tests/hca the software HCA too.
lab_module() {
	(($# >= 3)) || die "lab module LAB SRCDIR OUTDIR [PATH...]"
	local lab=$1 src out root kdir='' kdir_in arch=x86_64 tests=()
	src=$(realpath "$2")
	mkdir -p "$3"
	out=$(realpath "$3")
	shift 3
	(($#)) || set -- srpt include tests/hca Kbuild Makefile

	root=$(get_root "$(suite_of "$lab")")
	cache_lock_use "$root"
	if [[ $lab = debug || $lab = fast ]]; then
		arch=um
		kdir=$(get_uml "$lab")/kdir
		cache_lock_use "${kdir%/kdir}"
		kdir_in=/lab/kdir
	else
		kdir_in=/lib/modules/$(stock_version "$root")/build
	fi

	# Keep objects for the next build, unless they are of another kernel.
	if [[ $(cat "$out/.lab-kernel" 2>/dev/null) != "$root $kdir" ]]; then
		find "$out" -mindepth 1 -delete
		echo "$root $kdir" >"$out/.lab-kernel"
	fi
	fresh_sources "$src" "$out" "$@"

	say "$lab: building the module in $out"
	# The gates hold commands for tests.
	[[ $lab != debug ]] || tests+=(GATES=1)
	[[ ! -d $out/tests/hca ]] || tests+=(HCA=1)
	# Line numbers for stack traces; the UML kernels have no debug information of their own.
	make_in_root "$root" "$kdir" "$out" KCFLAGS=-g KDIR="$kdir_in" ARCH="$arch" "${tests[@]}"
}

# lab_tools LAB SRCDIR OUTDIR: ib_tools, and the programs of tests that need a guest, in OUTDIR/tools
lab_tools() {
	(($# == 3)) || die "lab tools LAB SRCDIR OUTDIR"
	local src out root
	src=$(realpath "$2")
	mkdir -p "$3"
	out=$(realpath "$3")
	root=$(get_root "$(suite_of "$1")")
	cache_lock_use "$root"
	fresh_sources "$src" "$out" ib_tools include srpt/proto tests/tgt dkms.conf
	say "$1: building the tools in $out/tools"
	make_in_root "$root" '' "$out" -C ib_tools O=/srv/out/tools
	make_in_root "$root" '' "$out" -C tests/tgt O=/srv/out/tools
}

# fresh_sources SRC OUT PATH...: with their times, and none of the products of a build in the source tree
fresh_sources() {
	local src=$1 out=$2 path paths=()
	shift 2
	for path; do [[ ! -e $src/$path ]] || paths+=("$path"); done
	((${#paths[@]})) || die "$src: none of these is there: $*"
	sources() {
		find "$@" -type f \( -name '*.[chS]' -o -name 'Kbuild*' -o -name 'Makefile*' -o -name '*.lds' -o -name '*.in' -o -name dkms.conf \) \
			! -name '*.mod.c'
	}
	(cd "$out" && sources . | xargs -r rm)
	(cd "$src" && sources "${paths[@]}" | xargs cp -p --parents -t "$out")
}

# make_in_root ROOT KDIR OUT ARG...: make in the root with OUT at /srv/out, and KDIR, unless empty, at /lab/kdir
make_in_root() {
	unshare --mount "$BASH" -euo pipefail -s -- "$@" <<-'IN_NAMESPACE'
		root=$1 kdir=$2 out=$3
		shift 3
		# The root is shared: nothing may be written there.
		mount --bind "$root" "$root"
		mount -o remount,bind,ro "$root"
		mount -t proc proc "$root/proc"
		mount -t tmpfs tmpfs "$root/tmp"
		mount --bind "$out" "$root/srv/out"
		if [[ -n $kdir ]]; then
			mount -t tmpfs tmpfs "$root/lab"
			mkdir "$root/lab/kdir"
			mount --bind "$kdir" "$root/lab/kdir"
		fi
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C make -C /srv/out -j"$(nproc)" "$@" </dev/null
	IN_NAMESPACE
}
