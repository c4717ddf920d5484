// SPDX-License-Identifier: GPL-2.0
/*
 * Registered memory: what the HCA reads and writes directly.
 *
 * Pages are pinned once. A CMD_RSP names a range, and gets a scatterlist of it
 * without a look at page tables. Pages that lie side by side are one entry, so
 * huge pages make short lists. Who unmaps or frees the memory, or exits, loses
 * only his mapping: pages stay until the last command is through with them.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "tgt.h"

#define MAX_RANGE	SZ_1G	/* a scatterlist entry counts in 32 bits */

static void buf_free_work(struct work_struct *work)
{
	struct tgt_buf *buf = container_of(work, struct tgt_buf, work);

	unpin_user_pages_dirty_lock(buf->pages, buf->nr_pages, true);
	account_locked_vm(buf->mm, buf->nr_pages, false);
	mmdrop(buf->mm);
	kvfree(buf->ranges);
	kvfree(buf->pages);
	kfree(buf);
}

/* Unpinning may sleep; the last command may end in a softirq. */
static void buf_release(struct kref *ref)
{
	struct tgt_buf *buf = container_of(ref, struct tgt_buf, ref);

	queue_work(tgt_wq, &buf->work);
}

/* Pages of a file may be written back, or truncated, under the HCA. */
static bool pages_allowed(struct page **pages, unsigned long n)
{
	unsigned long i;

	for (i = 0; i < n; i++) {
		struct folio *folio = page_folio(pages[i]);

		if (!folio_test_swapbacked(folio) && !folio_test_hugetlb(folio))
			return false;
	}
	return true;
}

static int pin_pages(struct tgt_buf *buf, u64 addr)
{
	unsigned long done = 0;
	int n;

	while (done < buf->nr_pages) {
		n = pin_user_pages_fast(addr + (done << PAGE_SHIFT),
					min(buf->nr_pages - done, 4096UL),
					FOLL_WRITE | FOLL_LONGTERM, buf->pages + done);
		if (n <= 0)
			break;
		done += n;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	if (done == buf->nr_pages && pages_allowed(buf->pages, done))
		return 0;
	unpin_user_pages(buf->pages, done);
	return done == buf->nr_pages ? -EOPNOTSUPP : -EFAULT;
}

static bool starts_range(const struct tgt_buf *buf, unsigned long i)
{
	return !i || page_to_pfn(buf->pages[i]) != page_to_pfn(buf->pages[i - 1]) + 1 ||
	       !(((u64)i << PAGE_SHIFT) & (MAX_RANGE - 1));
}

static int find_ranges(struct tgt_buf *buf)
{
	unsigned long i;
	u32 n = 0;

	for (i = 0; i < buf->nr_pages; i++)
		n += starts_range(buf, i);
	buf->ranges = kvcalloc(n, sizeof(*buf->ranges), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!buf->ranges)
		return -ENOMEM;
	for (i = 0; i < buf->nr_pages; i++) {
		if (!starts_range(buf, i))
			continue;
		buf->ranges[buf->nr_ranges].off = (u64)i << PAGE_SHIFT;
		buf->ranges[buf->nr_ranges++].page = buf->pages[i];
	}
	return 0;
}

static int buf_add(struct tgt_daemon *d, struct tgt_buf *buf, u32 *id)
{
	return xa_alloc(&d->bufs, id, buf, XA_LIMIT(1, INT_MAX), GFP_KERNEL);
}

/**
 * tgt_reg_buf() - pin memory of the calling process
 * @d: alive
 * @reg: checked here, and completed
 *
 * Context: may sleep. Return: 0; -EINVAL (alignment), -ENOMEM (also: RLIMIT_MEMLOCK), -EFAULT,
 * -EOPNOTSUPP (a mapped file).
 */
int tgt_reg_buf(struct tgt_daemon *d, struct tgt_reg_buf *reg)
{
	struct tgt_buf *buf;
	int ret;

	if (!reg->len || (reg->addr | reg->len) & ~PAGE_MASK || reg->reserved ||
	    reg->addr + reg->len < reg->addr || reg->len >> PAGE_SHIFT > INT_MAX)
		return -EINVAL;
	/* Nothing is allocated for memory that cannot be there. */
	if (reg->len >> PAGE_SHIFT > READ_ONCE(current->mm->total_vm))
		return -EFAULT;
	buf = kzalloc(sizeof(*buf), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	kref_init(&buf->ref);
	INIT_WORK(&buf->work, buf_free_work);
	buf->mm = current->mm;
	buf->len = reg->len;
	buf->nr_pages = reg->len >> PAGE_SHIFT;
	ret = account_locked_vm(buf->mm, buf->nr_pages, true);
	if (ret)
		goto free;
	ret = -ENOMEM;
	buf->pages = kvcalloc(buf->nr_pages, sizeof(*buf->pages),
			      GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!buf->pages)
		goto uncharge;
	ret = pin_pages(buf, reg->addr);
	if (ret)
		goto free_pages;
	ret = find_ranges(buf);
	if (ret)
		goto unpin;
	mmgrab(buf->mm);
	ret = buf_add(d, buf, &reg->buf_id);
	if (ret)
		tgt_buf_put(buf);
	return ret;

unpin:
	unpin_user_pages(buf->pages, buf->nr_pages);
free_pages:
	kvfree(buf->pages);
uncharge:
	account_locked_vm(buf->mm, buf->nr_pages, false);
free:
	kfree(buf);
	return ret;
}

/* Context: may sleep. Return: 0, or -ENOENT. */
int tgt_unreg_buf(struct tgt_daemon *d, u32 id)
{
	struct tgt_buf *buf = xa_erase(&d->bufs, id);

	if (!buf)
		return -ENOENT;
	tgt_buf_put(buf);
	return 0;
}

void tgt_unreg_all(struct tgt_daemon *d)
{
	unsigned long id;
	void *buf;

	xa_for_each(&d->bufs, id, buf)
		tgt_unreg_buf(d, id);
}

/* A reference, or NULL. Context: process. */
struct tgt_buf *tgt_buf_get(struct tgt_daemon *d, u32 id)
{
	struct tgt_buf *buf;

	xa_lock(&d->bufs);
	buf = xa_load(&d->bufs, id);
	if (buf && !kref_get_unless_zero(&buf->ref))
		buf = NULL;
	xa_unlock(&d->bufs);
	return buf;
}

/* Context: any. */
void tgt_buf_put(struct tgt_buf *buf)
{
	kref_put(&buf->ref, buf_release);
}

/* @off, @len: within the buffer. Context: any. */
void tgt_buf_write(struct tgt_buf *buf, u64 off, const void *from, u32 len)
{
	u32 part;

	for (; len; off += part, from += part, len -= part) {
		part = min_t(u32, len, PAGE_SIZE - offset_in_page(off));
		memcpy_to_page(buf->pages[off >> PAGE_SHIFT], offset_in_page(off), from, part);
	}
}

/* The last range that begins at @off or before. */
static u32 find_range(const struct tgt_buf *buf, u64 off)
{
	u32 low = 0, high = buf->nr_ranges;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (buf->ranges[mid].off <= off)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Of the range @i from @off on, at most @len bytes. */
static u32 part_len(const struct tgt_buf *buf, u32 i, u64 off, u32 len)
{
	u64 end = i + 1 < buf->nr_ranges ? buf->ranges[i + 1].off : buf->len;

	return min_t(u64, end - off, len);
}

static u32 count_parts(const struct tgt_buf *buf, u32 i, u64 off, u32 len)
{
	u32 n = 0;

	while (len) {
		u32 part = part_len(buf, i++, off, len);

		off += part;
		len -= part;
		n++;
	}
	return n;
}

static int get_list(struct scsi_tgt_cmd *cmd, u32 n)
{
	if (n > SCSI_TGT_INLINE_SG)
		return sg_alloc_table(&cmd->sgt, n, GFP_KERNEL);
	sg_init_table(cmd->sg, n);
	cmd->sgt = (struct sg_table) { .sgl = cmd->sg, .nents = n, .orig_nents = n };
	return 0;
}

/**
 * tgt_buf_map_part() - the scatterlist of a part of a buffer, in cmd->sgt
 * @buf: with a reference, which is the command's until tgt_buf_unmap(), unless this fails
 * @cmd: claimed
 * @off: bytes
 * @len: bytes, not 0; within the buffer
 *
 * Context: may sleep. Return: 0, -ENOMEM.
 */
int tgt_buf_map_part(struct tgt_buf *buf, struct scsi_tgt_cmd *cmd, u64 off, u32 len)
{
	u32 i = find_range(buf, off);
	struct scatterlist *sg;
	int ret;

	ret = get_list(cmd, count_parts(buf, i, off, len));
	if (ret)
		return ret;
	for (sg = cmd->sgt.sgl; len; sg = sg_next(sg), i++) {
		const struct tgt_range *range = &buf->ranges[i];
		u32 part = part_len(buf, i, off, len);
		u64 skip = off - range->off;

		sg_set_page(sg, pfn_to_page(page_to_pfn(range->page) + (skip >> PAGE_SHIFT)),
			    part, offset_in_page(skip));
		off += part;
		len -= part;
	}
	cmd->buf = buf;
	return 0;
}

/**
 * tgt_buf_map() - the same of what a CMD_RSP names
 * @d: the daemon
 * @cmd: claimed; keeps the buffer until tgt_buf_unmap()
 * @id: of the buffer
 * @off: bytes
 * @len: bytes, not 0
 *
 * Context: may sleep. Return: 0; -EINVAL (no such buffer), -ERANGE, -ENOMEM.
 */
int tgt_buf_map(struct tgt_daemon *d, struct scsi_tgt_cmd *cmd, u32 id, u64 off, u32 len)
{
	struct tgt_buf *buf = tgt_buf_get(d, id);
	int ret = -ERANGE;

	if (!buf)
		return -EINVAL;
	if (off <= buf->len && len <= buf->len - off)
		ret = tgt_buf_map_part(buf, cmd, off, len);
	if (ret)
		tgt_buf_put(buf);
	return ret;
}

/* Context: any. */
void tgt_buf_unmap(struct scsi_tgt_cmd *cmd)
{
	if (!cmd->buf)
		return;
	if (cmd->sgt.sgl != cmd->sg)
		sg_free_table(&cmd->sgt);
	tgt_buf_put(cmd->buf);
	cmd->buf = NULL;
}
