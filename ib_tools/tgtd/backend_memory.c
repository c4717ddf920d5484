// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A logical unit in memory, which takes room where it was written. Its content ends with the daemon. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend.h"
#include "list.h"

struct memory {
	struct backend	be;
	uint8_t		*addr;
	uint64_t	len;
};

/* Whole pages can be given back. */
static void zero(uint8_t *from, uint64_t len, bool unmap)
{
	uintptr_t page = sysconf(_SC_PAGESIZE), first, end;

	first = ((uintptr_t)from + page - 1) & ~(page - 1);
	end = ((uintptr_t)from + len) & ~(page - 1);
	if (!unmap || end <= first || madvise((void *)first, end - first, MADV_DONTNEED)) {
		memset(from, 0, len);
		return;
	}
	memset(from, 0, first - (uintptr_t)from);
	memset((void *)end, 0, (uintptr_t)from + len - end);
}

static void memory_run(struct backend *be, struct io *io)
{
	struct memory *m = container_of(be, struct memory, be);

	io->error = 0;
	switch (io->op) {
	case SCSI_IO_READ:
		memcpy(io->buf, m->addr + io->off, io->len);
		break;
	case SCSI_IO_WRITE:
		memcpy(m->addr + io->off, io->buf, io->len);
		break;
	case SCSI_IO_FLUSH:
		break;
	case SCSI_IO_DISCARD:
	case SCSI_IO_ZERO:
		zero(m->addr + io->off, io->len, io->unmap || io->op == SCSI_IO_DISCARD);
		break;
	}
}

static int memory_size(struct backend *be, uint64_t *size)
{
	*size = container_of(be, struct memory, be)->len;
	return 0;
}

static void memory_close(struct backend *be)
{
	struct memory *m = container_of(be, struct memory, be);

	munmap(m->addr, m->len);
	free(m);
}

static const struct backend_ops memory_ops = {
	.run = memory_run,
	.size = memory_size,
	.close = memory_close,
};

int backend_memory_open(const struct lun_config *conf, struct backend **be, char *error)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (!m)
		return backend_fail(conf, error, -ENOMEM, "no memory");
	m->be.ops = &memory_ops;
	m->be.discard_zeros = true;
	m->len = conf->size;
	m->addr = mmap(NULL, m->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->addr == MAP_FAILED) {
		free(m);
		return backend_fail(conf, error, -ENOMEM, "there is not so much memory: set a smaller size");
	}
	*be = &m->be;
	return 0;
}
