# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# build-uml.sh DIR ROOT FRAGMENT... : build a User-Mode Linux kernel from the distribution's source package in ROOT.
# Result: DIR/linux, DIR/modules (what goes to /lib/modules) and DIR/kdir (to build modules against).
set -euo pipefail

dir=$1 root=$2
shift 2

mkdir -p "$dir"/{kdir,modules}
echo "unpacking the kernel source"
tar -C "$dir/kdir" --strip-components=1 -xf "$root/usr/src/linux-source-6.1.tar.xz"
cat "$@" >"$dir/kdir/lab.config"

# Small edits of what User-Mode Linux refuses or gets wrong. Each edit fails loudly when the
# source it was made for has changed.
edit() {
	local file=$dir/kdir/$1 before
	before=$(sha256sum <"$file")
	sed -i "$2" "$file"
	[[ $(sha256sum <"$file") != "$before" ]] || { echo "edit of $1 changed nothing: $2"; exit 1; }
}
# rdmavt, the base of the software HCA with an InfiniBand link layer: its two x86-only calls have plain equivalents.
edit drivers/infiniband/Kconfig '/sw\/rdmavt\/Kconfig/d'
edit drivers/infiniband/Kconfig 's,^source "drivers/infiniband/sw/rxe/Kconfig",source "drivers/infiniband/sw/rdmavt/Kconfig"\n&,'
edit drivers/infiniband/sw/rdmavt/qp.c 's/return boot_cpu_data.x86_cache_size;/return 8192;/'
edit drivers/infiniband/sw/rdmavt/qp.c 's/__copy_user_nocache(dst, (void __user \*)src, n, 0);/memcpy(dst, src, n);/'
# Counting preemption is all that DEBUG_ATOMIC_SLEEP needs; the preemption model stays "none".
edit arch/um/Kconfig '/select ARCH_NO_PREEMPT/d'
# Each fork walks the new memory map, in atomic context, without any lock; RCU is what lockdep asks for.
edit arch/um/kernel/tlb.c '/^void force_flush_all/,/^}/ { s/^\tfor_each_vma/\trcu_read_lock();\n&/; s/^}/\trcu_read_unlock();\n}/ }'
# A fault on memory of vmalloc that is not mapped yet must not enable interrupts that were disabled where it happened.
edit arch/um/os-Linux/signal.c '/sig_handler_common(int sig/ s/mc)/mc, int enabled)/; /sig != SIGIO.*sig != SIGWINCH/ s/if (/if (enabled \&\& /'
edit arch/um/os-Linux/signal.c 's/sig_handler_common(sig, si, mc);/sig_handler_common(sig, si, mc, enabled);/; s/sig_handler_common(SIGIO, NULL, NULL)/sig_handler_common(SIGIO, NULL, NULL, 0)/'

# Refused for x86-64, whose unwinder it does not fit; frame pointers serve here.
edit lib/Kconfig.debug '/^config FAULT_INJECTION_STACKTRACE_FILTER/,/help/ { /depends on !X86_64/d }'

# Built in the root, so that the machine needs no compiler and the compiler is the one of the distribution.
# The mounts end with our mount name space.
mkdir -p /tmp/lab-root
mount --rbind "$root" /tmp/lab-root
mount --bind "$dir" /tmp/lab-root/lab
mount -t proc proc /tmp/lab-root/proc
mount -t tmpfs tmpfs /tmp/lab-root/tmp

chroot /tmp/lab-root /bin/bash -euo pipefail -s <<'IN_ROOT'
cd /lab/kdir
export KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab KBUILD_BUILD_TIMESTAMP='1970-01-01'
make -s ARCH=um KCONFIG_ALLCONFIG=lab.config allnoconfig

# Kconfig drops silently what it cannot grant.
missing=$(while IFS= read -r line; do
	case $line in
	CONFIG_*=n) if grep -q "^${line%=n}=" .config; then echo "$line"; fi ;;
	CONFIG_*) grep -qxF -- "$line" .config || echo "$line (is: $(grep -w "${line%%=*}" .config || echo absent))" ;;
	esac
done <lab.config)
if [[ -n $missing ]]; then
	printf 'these symbols did not end up as asked:\n%s\n' "$missing"
	exit 1
fi

make -j"$(nproc)" ARCH=um linux modules
make -s ARCH=um INSTALL_MOD_PATH=/lab/install modules_install
IN_ROOT

cd "$dir"
mv install/lib/modules/* modules/
rm -rf install modules/*/{build,source}
cp kdir/linux linux
cp kdir/System.map System.map
# What is left in kdir is what building a module takes: headers, Makefiles, Kconfig, scripts and their programs.
cd kdir
rm -rf Documentation tools samples/*/*.[co]
find . -path ./scripts -prune -o -path ./arch/um -prune -o -path ./arch/x86 -prune -o -path ./include -prune -o \
	-type f ! -name 'Makefile*' ! -name 'Kconfig*' ! -name '*.h' ! -name Module.symvers ! -name .config ! -name Kbuild -print0 |
	xargs -0 rm -f
find arch/[!ux]* arch/um arch/x86 drivers fs sound -type f \( -name '*.o' -o -name '*.a' -o -name '.*.cmd' \) -delete
find arch -mindepth 1 -maxdepth 1 -type d ! -name um ! -name x86 -exec rm -rf {} +
find drivers/gpu drivers/net sound -name '*.h' -delete
find . -depth -type d -empty -delete
