#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Load and unload the modules given: insmod.sh NAME.ko...
set -euo pipefail
for ko; do
	insmod "$LAB_MODULES/$ko"
	rmmod "${ko%.ko}"
	echo "ok insmod $ko"
done
