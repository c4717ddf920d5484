// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU's emulation: counts the instructions that the guest
 * executes, in one slot per 4 KiB page of the upper 2 GiB of the address space
 * (kernel and modules), in a file that is shared and so can be read any time.
 *
 * Two more slots: all other kernel addresses, and user space.
 *
 * Debian ships no header for plugins; these declarations are of API version 1.
 * With one virtual CPU the counts are exact.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
						     enum qemu_plugin_op op, void *ptr,
						     uint64_t imm);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;

#define BASE		0xffffffff80000000ull
#define NR_PAGES	(0x80000000ull >> 12)
#define KERNEL_SLOT	NR_PAGES
#define USER_SLOT	(NR_PAGES + 1)
#define NR_SLOTS	(NR_PAGES + 2)

static uint64_t *slots;

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t addr = qemu_plugin_tb_vaddr(tb);
	uint64_t slot = USER_SLOT;

	(void)id;
	if (addr >= BASE)
		slot = (addr - BASE) >> 12;
	else if (addr >> 63)
		slot = KERNEL_SLOT;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &slots[slot],
						 qemu_plugin_tb_n_insns(tb));
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	const char *file = NULL;
	int fd, i;

	(void)info;
	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "counters=", 9))
			file = argv[i] + 9;
	if (!file) {
		fprintf(stderr, "insn: give counters=PATH\n");
		return 1;
	}
	fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || ftruncate(fd, NR_SLOTS * sizeof(*slots))) {
		perror(file);
		return 1;
	}
	slots = mmap(NULL, NR_SLOTS * sizeof(*slots), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (slots == MAP_FAILED) {
		perror(file);
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
