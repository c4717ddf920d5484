// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Memory that the kernel moves data to and from.
 *
 * Few large pages mean few memory regions for the HCA, so huge pages come first: those that the
 * administrator has set aside, else what the kernel finds. A child of fork() does not get it: after
 * a copy on write the HCA would write to the page that the other process has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libtgt_priv.h"

#define HUGE_SHIFT	21
#define HUGE_LEN	((size_t)1 << HUGE_SHIFT)

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) & ~(unit - 1);
}

static void *map(size_t len, int flags)
{
	void *addr = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return addr == MAP_FAILED ? NULL : addr;
}

/* Only what is aligned can become a huge page: map more, and cut off both ends. */
static char *map_aligned(size_t len)
{
	char *addr = map(len + HUGE_LEN, 0);
	size_t before;

	if (!addr)
		return NULL;
	before = round_up((uintptr_t)addr, HUGE_LEN) - (uintptr_t)addr;
	if (before)
		munmap(addr, before);
	munmap(addr + before + len, HUGE_LEN - before);
	return addr + before;
}

static void *map_data(size_t len)
{
	void *addr;

	if (len < HUGE_LEN) {
		addr = map(len, 0);
	} else {
		addr = map(len, MAP_HUGETLB | HUGE_SHIFT << MAP_HUGE_SHIFT);
		if (!addr) {
			addr = map_aligned(len);
			if (addr)
				madvise(addr, len, MADV_HUGEPAGE);
		}
	}
	if (addr)
		madvise(addr, len, MADV_DONTFORK);
	return addr;
}

static int reg_failed(int error, size_t len)
{
	size_t mib = (len + (1 << 20) - 1) >> 20;

	if (error == ENOMEM)
		return tgt_fail(-ENOMEM, "no %zu MiB of memory for data: raise RLIMIT_MEMLOCK (ulimit -l), "
				"or LimitMEMLOCK of a systemd unit, or ask for less", mib);
	return tgt_fail(-error, "%zu MiB of memory for data: %s", mib, strerror(error));
}

int tgt_alloc_buf(struct tgt *tgt, size_t len, uint32_t *buf_id, void **addr)
{
	size_t size = round_up(len, len < HUGE_LEN ? (size_t)sysconf(_SC_PAGESIZE) : HUGE_LEN);
	struct tgt_reg_buf reg = { .len = size };
	struct buf *buf;
	int ret;

	if (!len || size < len)
		return tgt_fail(-EINVAL, "%zu bytes of memory for data", len);
	buf = malloc(sizeof(*buf));
	if (!buf)
		return tgt_fail(-ENOMEM, "no memory");
	buf->len = size;
	buf->addr = map_data(size);
	if (!buf->addr) {
		free(buf);
		return tgt_fail(-ENOMEM, "no %zu bytes of memory for data: %s", size, strerror(ENOMEM));
	}
	reg.addr = (uintptr_t)buf->addr;
	if (ioctl(tgt->fd, TGT_IOC_REG_BUF, &reg)) {
		ret = reg_failed(errno, size);
		munmap(buf->addr, size);
		free(buf);
		return ret;
	}
	*buf_id = buf->id = reg.buf_id;
	*addr = buf->addr;
	pthread_mutex_lock(&tgt->lock);
	buf->next = tgt->bufs;
	tgt->bufs = buf;
	pthread_mutex_unlock(&tgt->lock);
	return 0;
}

int tgt_lend(struct tgt *tgt, uint32_t ring, uint32_t buf_id, uint64_t off, uint64_t len)
{
	struct tgt_lend lend = { .ring = ring, .buf_id = buf_id, .off = off, .len = len };

	if (!ioctl(tgt->fd, TGT_IOC_LEND, &lend))
		return 0;
	return tgt_fail(-errno, "memory of %llu bytes for write data: %s", (unsigned long long)len, strerror(errno));
}

int tgt_free_buf(struct tgt *tgt, uint32_t buf_id)
{
	struct buf **p, *buf;
	__u32 id = buf_id;

	pthread_mutex_lock(&tgt->lock);
	for (p = &tgt->bufs; *p && (*p)->id != buf_id; p = &(*p)->next)
		;
	buf = *p;
	if (buf)
		*p = buf->next;
	pthread_mutex_unlock(&tgt->lock);
	if (!buf)
		return tgt_fail(-ENOENT, "there is no buffer %u", buf_id);
	if (ioctl(tgt->fd, TGT_IOC_UNREG_BUF, &id)) {
		tgt_fail(-errno, "buffer %u cannot be unregistered: %s", buf_id, strerror(errno));
		pthread_mutex_lock(&tgt->lock);
		buf->next = tgt->bufs;
		tgt->bufs = buf;
		pthread_mutex_unlock(&tgt->lock);
		return -EBUSY;
	}
	munmap(buf->addr, buf->len);
	free(buf);
	return 0;
}

void tgt_unmap_all(struct tgt *tgt)
{
	struct buf *buf;

	while ((buf = tgt->bufs)) {
		tgt->bufs = buf->next;
		munmap(buf->addr, buf->len);
		free(buf);
	}
}
