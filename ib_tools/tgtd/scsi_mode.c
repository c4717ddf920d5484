// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * MODE SENSE and MODE SELECT: SPC-4, SBC-3.
 *
 * What can be changed is a few bits of scsi_lu.flags; pages are made from them.
 * Pages are the same for all nexuses, and nothing is saved.
 */
#include "scsi_priv.h"

#define PAGE_MAX	20
#define ALL_PAGES	0x3f
#define ALL_SUBPAGES	0xff
#define DBD		0x08
#define LLBAA		0x10
#define PF		0x10

/* PAGE CONTROL */
enum {
	PC_CURRENT	= 0,
	PC_CHANGEABLE	= 1,
	PC_DEFAULT	= 2,
	PC_SAVED	= 3,
};

/* A bit of a page that initiators may change. */
struct mode_bit {
	uint8_t		page;
	uint8_t		byte;
	uint8_t		mask;
	uint32_t	flag;
};

static const struct mode_bit bits[] = {
	{ 0x08, 2, 0x04, LU_WCE },
	{ 0x0a, 2, 0x04, LU_D_SENSE },
	{ 0x0a, 4, 0x08, LU_SWP },
	{ 0x0a, 5, 0x40, LU_TAS },
};

/* Pages as they are without those bits, their header included. */
struct mode_page {
	uint8_t	code;
	uint8_t	len;
	uint8_t	bytes[PAGE_MAX];
};

static const struct mode_page pages[] = {
	/* caching */
	{ 0x08, 20, { 0x08, 18 } },
	/* control: GLTSD, for there are no log parameters to save; unrestricted reordering of SIMPLE commands */
	{ 0x0a, 12, { 0x0a, 10, 0x02, 0x10 } },
	/* informational exceptions: DEXCPT, there are none */
	{ 0x1c, 12, { 0x1c, 10, 0x08 } },
};

#define NR_PAGES	(sizeof(pages) / sizeof(pages[0]))
#define NR_BITS		(sizeof(bits) / sizeof(bits[0]))

static void make_page(const struct mode_page *page, uint32_t flags, uint8_t *bytes)
{
	unsigned int i;

	memcpy(bytes, page->bytes, page->len);
	for (i = 0; i < NR_BITS; i++)
		if (bits[i].page == page->code && (flags & bits[i].flag))
			bytes[bits[i].byte] |= bits[i].mask;
}

/* Which bits can be changed; the header is as always. */
static void make_mask(const struct mode_page *page, uint8_t *bytes)
{
	unsigned int i;

	make_page(page, LU_MODE, bytes);
	for (i = 2; i < page->len; i++)
		bytes[i] &= ~page->bytes[i];
}

/* ---- MODE SENSE --------------------------------------------------------------------- */

static void put_page(const struct scsi_lu *lu, const struct mode_page *page, uint8_t pc, struct scsi_out *out)
{
	uint8_t bytes[PAGE_MAX];

	if (pc == PC_CHANGEABLE)
		make_mask(page, bytes);
	else
		make_page(page, pc == PC_DEFAULT ? scsi_lu_default_mode(lu) : scsi_lu_flags(lu), bytes);
	scsi_put(out, bytes, page->len);
}

static void put_block_descriptor(const struct scsi_lu *lu, bool longlba, struct scsi_out *out)
{
	uint64_t blocks = scsi_lu_blocks(lu);

	if (longlba) {
		scsi_put_be(out, blocks, 8);
		scsi_put_zero(out, 4);
	} else {
		scsi_put_be(out, scsi_min(blocks, UINT32_MAX), 4);
	}
	scsi_put_be(out, lu->config.block_size, 4);
}

/* MODE DATA LENGTH is written when it is known. */
static void put_header(struct scsi_task *task, struct scsi_out *out)
{
	const struct scsi_lu *lu = task->lu;
	bool wp = lu->config.read_only || (scsi_lu_flags(lu) & LU_SWP);
	bool six = task->op->len == 6;
	bool longlba = !six && (task->cdb[1] & LLBAA);
	bool descriptor = !(task->cdb[1] & DBD);

	scsi_put_zero(out, six ? 2 : 3);
	/* WP, DPOFUA */
	scsi_put_be(out, (wp ? 0x80 : 0) | 0x10, 1);
	if (!six) {
		scsi_put_be(out, longlba, 1);
		scsi_put_zero(out, 2);
	}
	scsi_put_be(out, !descriptor ? 0 : longlba ? 16 : 8, 1);
	if (descriptor)
		put_block_descriptor(lu, longlba, out);
}

enum scsi_step scsi_mode_sense(struct scsi_task *task, struct scsi_out *out)
{
	uint8_t code = task->cdb[2] & 0x3f;
	uint8_t subpage = task->cdb[3];
	uint8_t pc = task->cdb[2] >> 6;
	unsigned int i, found = 0;

	if (pc == PC_SAVED)
		return scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
	if (subpage && subpage != ALL_SUBPAGES)
		return scsi_bad_cdb(task, 3, 7);
	put_header(task, out);
	for (i = 0; i < NR_PAGES; i++) {
		if (code != ALL_PAGES && code != pages[i].code)
			continue;
		put_page(task->lu, &pages[i], pc, out);
		found++;
	}
	if (!found)
		return scsi_bad_cdb(task, 2, 5);
	if (task->op->len == 6)
		scsi_set_be(out, 0, out->len - 1, 1);
	else
		scsi_set_be(out, 0, out->len - 2, 2);
	return SCSI_RESPOND;
}

/* ---- MODE SELECT; false: the task has its status ------------------------------------- */

static bool list_error(struct scsi_task *task)
{
	scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	return false;
}

static bool bad_list(struct scsi_task *task, uint32_t byte)
{
	scsi_bad_list(task, byte, 8);
	return false;
}

/* Header and block descriptor, which may say what is so anyway. off: result, where the pages begin */
static bool check_header(struct scsi_task *task, const uint8_t *list, uint32_t len, uint32_t *off)
{
	uint32_t header = task->op->len == 6 ? 4 : 8;
	uint32_t desc, want;
	uint64_t blocks;

	if (len < header)
		return list_error(task);
	desc = header == 4 ? list[3] : scsi_get_be(list + 6, 2);
	*off = header + desc;
	if (!desc)
		return true;
	want = header == 8 && (list[4] & 1) ? 16 : 8;
	if (desc != want)
		return bad_list(task, header == 4 ? 3 : 6);
	if (len < *off)
		return list_error(task);
	blocks = scsi_get_be(list + header, want / 2);
	if (blocks && blocks != scsi_lu_blocks(task->lu) && !(want == 8 && blocks == UINT32_MAX))
		return bad_list(task, header);
	if ((scsi_get_be(list + *off - 4, 4) & (want == 8 ? 0xffffff : UINT32_MAX)) != task->lu->config.block_size)
		return bad_list(task, *off - 4);
	return true;
}

/* One page at off; what it asks for goes to flags. */
static bool check_page(struct scsi_task *task, const uint8_t *list, uint32_t len, uint32_t off, uint32_t *flags)
{
	const struct mode_page *page = pages;
	uint8_t now[PAGE_MAX], mask[PAGE_MAX];
	unsigned int i;

	if (len - off < 2)
		return list_error(task);
	/* PS is of MODE SENSE; there are no subpages */
	while (page < pages + NR_PAGES && page->code != (list[off] & 0x7f))
		page++;
	if (page == pages + NR_PAGES)
		return bad_list(task, off);
	if (list[off + 1] != page->len - 2)
		return bad_list(task, off + 1);
	if (len - off < page->len)
		return list_error(task);
	make_page(page, *flags, now);
	make_mask(page, mask);
	for (i = 2; i < page->len; i++)
		if ((list[off + i] ^ now[i]) & ~mask[i])
			return bad_list(task, off + i);
	for (i = 0; i < NR_BITS; i++)
		if (bits[i].page == page->code)
			*flags = (*flags & ~bits[i].flag) |
				 (list[off + bits[i].byte] & bits[i].mask ? bits[i].flag : 0);
	return true;
}

static enum scsi_step apply(struct scsi_task *task, uint32_t old, uint32_t flags)
{
	struct scsi_lu *lu = task->lu;

	if (flags == old)
		return scsi_good(task, task->fetch_len);
	pthread_mutex_lock(&lu->lock);
	scsi_lu_set_flags(lu, LU_MODE, flags);
	pthread_mutex_unlock(&lu->lock);
	scsi_ua_others(lu, task->nexus, ASC_MODE_PARAMETERS_CHANGED);
	/* Without a write cache all that was written has to be durable. */
	if (old & ~flags & LU_WCE)
		return scsi_io(task, SCSI_IO_FLUSH, 0, 0, 0);
	return scsi_good(task, task->fetch_len);
}

enum scsi_step scsi_mode_select(struct scsi_task *task, const uint8_t *list, uint32_t len)
{
	uint32_t old = scsi_lu_flags(task->lu) & LU_MODE;
	uint32_t flags = old;
	uint32_t off;

	if (!(task->cdb[1] & PF))
		return scsi_bad_cdb(task, 1, 4);
	if (!len)
		return scsi_good(task, 0);
	/* Everything is looked at before anything is changed. */
	if (!check_header(task, list, len, &off))
		return SCSI_RESPOND;
	for (; off < len; off += 2 + list[off + 1])
		if (!check_page(task, list, len, off, &flags))
			return SCSI_RESPOND;
	return apply(task, old, flags);
}
