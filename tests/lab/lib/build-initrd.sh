# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# build-initrd.sh DIR LAB ROOT INIT: an initramfs with busybox, INIT and, for a stock kernel, the modules it needs to
# get at its root over 9p. Result: DIR/initrd
set -euo pipefail

dir=$1 lab=$2 root=$3 init=$4
tree=$dir/tree
mkdir -p "$tree"/{bin,dev,proc,sys,new,lower,rw,modules}
cp "$root/bin/busybox" "$tree/bin/busybox"
cp "$init" "$tree/init"
chmod +x "$tree/init"

if [[ $lab = stock* ]]; then
	build=("$root"/lib/modules/*/build)
	version=$(basename "${build[0]%/build}")
	# In the order modprobe would load them. The shipped busybox may be unable to decompress, so do it here.
	n=10
	chroot "$root" modprobe -a --show-depends --ignore-install -S "$version" virtio_pci 9pnet_virtio 9p overlay |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r ko; do
			name=$(basename "$ko")
			case $ko in
			*.xz) xz -dc "$root$ko" >"$tree/modules/$n-${name%.xz}" ;;
			*.zst) zstd -qdc "$root$ko" >"$tree/modules/$n-${name%.zst}" ;;
			*) cp "$root$ko" "$tree/modules/$n-$name" ;;
			esac
			n=$((n + 1))
		done
fi

(cd "$tree" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$dir/initrd"
rm -rf "$tree"
