# SPDX-License-Identifier: GPL-2.0
# `make help` says what there is.

KDIR ?= /lib/modules/$(shell uname -r)/build

# modinfo and /sys/module/ib_srpt then tell which sources the module was made from, whatever the kernel's configuration.
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR) CONFIG_MODULE_SRCVERSION_ALL=y

modules clean:
	$(kbuild) $@

.PHONY: modules clean
