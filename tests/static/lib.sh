# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# What the checks have in common. They run in the tree and name files from there.

set -u
cd "$TREE" || exit 1

skip() {
	echo "$*"
	exit 77
}

# All files that are or will be committed, one per line.
all_files() {
	if [ -d .git ] || [ -f .git ]; then
		git ls-files -co --exclude-standard | while read -r f; do
			[ ! -f "$f" ] || printf '%s\n' "$f"
		done
	else
		find . -name build -prune -o -type f -printf '%P\n'
	fi | sort -u
}

# The C of the kernel side; what stands for the kernel in user space is not.
kernel_files() {
	all_files | grep -E '^(srpt|include|tests/hca)/.*\.[ch]$' | grep -v -E '^include/(shim/|srp_user\.h$)'
}

# Files with a shebang of a shell, or that are read by one.
shell_files() {
	all_files | while read -r f; do
		case $f in
		*/corpus/*) continue ;;
		esac
		# head may meet bytes that a variable cannot hold.
		if head -c 200 "$f" | tr -d '\0' |
			grep -m 1 -q -E '^(#!.*[/ ](ba)?sh( |$)|# shellcheck shell=)'; then
			printf '%s\n' "$f"
		fi
	done
}

# linux_script NAME: put into LINUX_SCRIPT the path of a script of the kernel source, taken from the
# distribution's source package and kept, because that takes ten seconds.
linux_script() {
	local tarball version dir tmp
	tarball=$(printf '%s\n' /usr/src/linux-source-6.1.tar.*)
	[ -f "$tarball" ] || skip "no source package linux-source-6.1"
	version=$(dpkg-query -W -f '${Version}' linux-source-6.1 2>/dev/null)
	dir=$LAB_CACHE/linux-scripts-${version:-6.1}
	if [ ! -d "$dir" ]; then
		mkdir -p "$LAB_CACHE" 2>/dev/null
		tmp=$(mktemp -d "$LAB_CACHE/.linux-scripts.XXXXXX") || skip "cannot write $LAB_CACHE"
		tar -C "$tmp" --strip-components=2 --wildcards -xf "$tarball" '*/scripts/checkpatch.pl' \
			'*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch' '*/scripts/kernel-doc'
		mv -T "$tmp" "$dir" 2>/dev/null || rm -rf "$tmp"
	fi
	[ -f "$dir/$1" ] || skip "no $1 in $tarball"
	# shellcheck disable=SC2034 # for the caller
	LINUX_SCRIPT=$dir/$1
}
