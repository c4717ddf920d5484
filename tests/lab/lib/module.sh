# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Build the out-of-tree module for a lab, with the compiler of the lab's root.

# lab_module LAB SRCDIR OUTDIR [PATH...]: PATHs below SRCDIR are what the build needs.
lab_module() {
	(($# >= 3)) || die "lab module LAB SRCDIR OUTDIR [PATH...]"
	local lab=$1 src out path root kdir='' kdir_in arch=x86_64 paths=()
	src=$(realpath "$2")
	mkdir -p "$3"
	out=$(realpath "$3")
	shift 3
	(($#)) || set -- srpt include Kbuild Makefile
	for path; do [[ ! -e $src/$path ]] || paths+=("$path"); done
	((${#paths[@]})) || die "$src: none of these is there: $*"

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
	# Fresh sources, with their times, and none of the products of a build in the source tree.
	sources() { find "$@" -type f \( -name '*.[chS]' -o -name 'Kbuild*' -o -name 'Makefile*' -o -name '*.lds' \); }
	(cd "$out" && sources . ! -name '*.mod.c' -delete)
	(cd "$src" && sources "${paths[@]}" ! -name '*.mod.c' | xargs cp -p --parents -t "$out")

	say "$lab: building the module in $out"
	unshare --mount "$BASH" -euo pipefail -s -- "$root" "$kdir" "$out" "$kdir_in" "$arch" <<-'IN_NAMESPACE'
		root=$1 kdir=$2 out=$3 kdir_in=$4 arch=$5
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
		# Line numbers for stack traces; the UML kernels have no debug information of their own.
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C KCFLAGS=-g \
			make -C /srv/out -j"$(nproc)" KDIR="$kdir_in" ARCH="$arch" </dev/null
	IN_NAMESPACE
}
