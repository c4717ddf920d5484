# SPDX-License-Identifier: GPL-2.0
# `make help` says what there is.

KDIR ?= /lib/modules/$(shell uname -r)/build
INSTALL_MOD_PATH ?= $(DESTDIR)

# modinfo and /sys/module/ib_srpt then tell which sources the module was made from, whatever the kernel's configuration.
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR) CONFIG_MODULE_SRCVERSION_ALL=y
release = $(shell cut -s -d'"' -f2 $(KDIR)/include/generated/utsrelease.h)
updates = $(INSTALL_MOD_PATH)/lib/modules/$(release)/updates

modules clean:
	$(kbuild) $@

# A package (DESTDIR) has no module tables: they are made where it is installed.
ifdef DESTDIR
depmod = true
else
depmod = depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(release)
endif

# depmod prefers updates/, so modprobe takes this module and not the kernel's own. Neither signed nor compressed: that takes
# a key and programs which may not be here, and the loader needs neither unless Secure Boot is on.
install: modules
	rm -f $(updates)/ib_srpt.ko* $(updates)/scsi_tgt.ko*
	install -D -m 644 -t $(updates) ib_srpt.ko scsi_tgt.ko
	$(depmod)

uninstall:
	rm -f $(updates)/ib_srpt.ko* $(updates)/scsi_tgt.ko*
	$(depmod)

demo:
	tests/demo/run

check:
	tests/check

check-static check-unit check-tools check-fuzz check-debug check-stock:
	tests/check $(@:check-%=%)

check-kernels:
	tests/kernels/run

conformance:
	tests/conform/run

tmf:
	IDS=TM tests/conform/run

tools:
	$(MAKE) -C ib_tools

install-tools:
	$(MAKE) -C ib_tools install

bench:
	tests/bench/run

bench-insn:
	tests/bench/run insn

define HELP
make [modules] [KDIR=...] [ARCH=...]   build ib_srpt.ko and scsi_tgt.ko, for the running kernel or for that of KDIR
make install, make uninstall           under updates/ of the modules, with depmod; DESTDIR, INSTALL_MOD_PATH
make tools, make install-tools         libsrp, srp_ping, srp_perf, srp_conform, srp_dump, libtgt, srp_tgtd, srptctl; DESTDIR, PREFIX
make clean

As root, in virtual machines that are built on Debian, without InfiniBand hardware:
make demo [SHELL_AFTER=1] [CORE=tgt] [LINK=ib]   a target, an initiator and a file system over SRP; CORE=tgt: the target is srp_tgtd
make check                             all tests that a change must pass
make check-static check-unit check-tools check-fuzz   without a machine: style, the protocol code, srp_dump, fuzzers
make check-debug check-stock           the suites on a debugging kernel, and on the kernel of Debian 12
make conformance [DUT=in-tree] [CORE=tgt] [LINK=ib] [IDS="LOG DSC-01"]   each requirement of SRP, with what was sent, expected and seen
make tmf [DUT=in-tree] [CORE=tgt]                 task management in each state of a command
make check-kernels                     login and I/O on the kernels of Debian 12, 13 and unstable
make bench [LINK=ib] [ROUNDS=7] [LABS="fast stock"]   times and instructions, this driver against the in-tree one
make bench-insn                        only the instructions
make bench CORE=tgt                    a file served by srp_tgtd, against LIO with TCMU and LIO with fileio
endef
export HELP
help:
	@echo "$$HELP"

.PHONY: modules clean install uninstall demo help bench bench-insn conformance tmf tools install-tools
.PHONY: check check-static check-unit check-tools check-fuzz check-debug check-stock check-kernels
