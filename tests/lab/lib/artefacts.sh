# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What is in the cache and what each artefact is made from.

LABS=(debug fast stock stock-trixie stock-sid)

# The suite whose root a lab runs on.
suite_of() {
	case $1 in
	debug | fast | stock) echo bookworm ;;
	stock-trixie) echo trixie ;;
	stock-sid) echo sid ;;
	*) die "unknown lab '$1' (one of: ${LABS[*]})" ;;
	esac
}

# The mirrors this machine's apt uses; a mirror carries all suites.
mirror_of() {
	local pattern=$1
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets 'Created-By: Packages' --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' |
		awk -v re="$pattern" '$2 == "main" && $1 ~ re { print $3; exit }'
}

package_list() {
	local suite=$1
	inputs "$LAB_DIR/packages.common"
	if [[ -e $LAB_DIR/packages.$suite ]]; then inputs "$LAB_DIR/packages.$suite"; fi
}

get_root() {
	local suite=$1 mirror security='' key packages
	key=$({ echo "$suite"; package_list "$suite"; inputs "$LAB_DIR/lib/build-root.sh"; } | hash_of)
	mirror=${LAB_MIRROR:-$(mirror_of '^(bookworm|trixie|forky|sid|stable|testing|unstable)$')}
	[[ -n $mirror ]] || die "apt has no Debian mirror configured; set LAB_MIRROR"
	# Unstable has no security suite.
	if [[ $suite != sid ]]; then
		security=${LAB_SECURITY_MIRROR-$(mirror_of '-security$')}
	fi
	mapfile -t packages < <(package_list "$suite")
	cache_get "root-$suite" "$key" build-root.sh "$suite" "$mirror" "$security" "${packages[@]}"
}

get_uml() {
	local flavour=$1 root key
	root=$(get_root bookworm) || return 1
	cache_lock_use "$root"
	key=$({
		dpkg-query --admindir="$root/var/lib/dpkg" -f '${Package} ${Version}\n' -W linux-source-6.1 gcc-12
		inputs "$LAB_DIR/uml-common.config" "$LAB_DIR/uml-$flavour.config" "$LAB_DIR/lib/build-uml.sh"
	} | hash_of)
	cache_get "uml-$flavour" "$key" build-uml.sh "$root" "$LAB_DIR/uml-common.config" "$LAB_DIR/uml-$flavour.config"
}

# The initramfs of a lab: busybox, the modules needed to reach the root, and guest/initramfs-init.
get_initrd() {
	local lab=$1 root key
	root=$(get_root "$(suite_of "$lab")") || return 1
	cache_lock_use "$root"
	key=$({ echo "${root##*/}"; inputs "$LAB_DIR/guest/initramfs-init" "$LAB_DIR/lib/build-initrd.sh"; } | hash_of)
	cache_get "initrd-$lab" "$key" build-initrd.sh "$lab" "$root" "$LAB_DIR/guest/initramfs-init"
}

lab_build() {
	local what
	(($#)) || die "build what?"
	for what; do
		case $what in
		root-bookworm | root-trixie | root-sid) get_root "${what#root-}" ;;
		debug | fast)
			get_uml "$what"
			get_initrd "$what"
			;;
		stock | stock-*) get_initrd "$what" ;;
		all) lab_build "${LABS[@]}" ;;
		*) die "cannot build '$what'" ;;
		esac
	done
}

# The version of the distribution's kernel in a root.
stock_version() {
	local root=$1 dirs
	dirs=("$root"/lib/modules/*/build)
	((${#dirs[@]} == 1)) || die "$root: not exactly one kernel with headers"
	basename "${dirs[0]%/build}"
}

lab_kdir() {
	local lab=${1:?kdir of which lab?} root
	case $lab in
	debug | fast) echo "$(get_uml "$lab")/kdir" ;;
	*)
		root=$(get_root "$(suite_of "$lab")")
		# Below a root: its Makefiles name /usr/src, so build with `lab module`, or in a chroot.
		echo "$root/usr/src/linux-headers-$(stock_version "$root")"
		;;
	esac
}

lab_clean() {
	say "removing $LAB_CACHE"
	mkdir -p "$LAB_CACHE"
	(
		flock 9
		rm -rf --one-file-system "${LAB_CACHE:?}"/*-* "$LAB_CACHE"/.tmp-* "$LAB_CACHE"/.dying-* "$LAB_CACHE"/.kvm-* "$LAB_CACHE"/log
	) 9>"$LAB_CACHE/.lock"
}
