# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# build-root.sh DIR SUITE MIRROR SECURITY_MIRROR PACKAGE...
# Make a root file system of a Debian suite in DIR. Runs in a mount name space of its own.
set -euo pipefail

root=$1 suite=$2 mirror=$3 security=$4
shift 4

export DEBIAN_FRONTEND=noninteractive LC_ALL=C
# The kernel's hook of initramfs-tools obeys this: the labs make an initramfs of their own.
export INITRD=No

apt_proxy=$(apt-config shell p Acquire::http::Proxy)
eval "${apt_proxy}"
if [[ -n ${p:-} && ${p:-} != DIRECT && -z ${http_proxy:-} ]]; then
	export http_proxy=$p
fi

debootstrap --variant=minbase "$suite" "$root" "$mirror"

mount -t proc proc "$root/proc"
# No services in there, and no time lost to syncing a directory that is thrown away on failure anyway.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/lab"
cat >"$root/etc/dpkg/dpkg.cfg.d/lab-size" <<-'CFG'
	path-exclude=/usr/share/doc/*
	path-exclude=/usr/share/man/*
	path-exclude=/usr/share/locale/*
CFG

echo "deb $mirror $suite main" >"$root/etc/apt/sources.list"
if [[ -n $security ]]; then
	echo "deb $security $suite-security main" >>"$root/etc/apt/sources.list"
fi
# How this machine reaches its mirror: proxies and the checks of dates for mirrors that are snapshots.
conf=$root/etc/apt/apt.conf.d/99lab-build
apt-config dump | grep -E '^Acquire::(http|https|Retries|Check-Valid-Until|Check-Date)\b' >"$conf" || true
echo 'APT::Install-Recommends "false";' >>"$conf"

in_root() { chroot "$root" "$@"; }
in_root apt-get -q update
in_root apt-get -qy upgrade
in_root apt-get -qy install "$@"

# A proxy may hold a password; nothing is installed in here any more.
rm -f "$conf" "$root/usr/sbin/policy-rc.d"
in_root apt-get clean
rm -rf "$root"/var/lib/apt/lists/*
# Mount points and what a guest without systemd misses.
mkdir -p "$root"/srv/{project,modules,out} "$root"/lab
umount "$root/proc"
