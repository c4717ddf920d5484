// SPDX-License-Identifier: GPL-2.0
/*
 * Lent memory: write data are in the memory of the daemon, or on their way there, when
 * it learns of the command, which saves a round through the ring for each write.
 *
 * The daemon lends each ring a stretch of its registered memory. When a command gets on
 * the ring, it takes as many pages as it needs, and gives them back when it ends. Data
 * that came with the command (immediate data) are copied there; those of a WRITE are
 * fetched there as if the daemon had answered CMD_REQ with a DATA_ONLY at once. Without
 * room the daemon fetches the data itself.
 */
#include <linux/bitmap.h>
#include <scsi/scsi_proto.h>
#include "tgt.h"

static u32 nr_pages(u64 len)
{
	return DIV_ROUND_UP_ULL(len, TGT_LENT_PAGE);
}

/**
 * tgt_lend() - the daemon lends memory to a ring
 * @d: alive
 * @lend: checked here
 *
 * Context: may sleep. Return: 0; -EINVAL (a field, or no such buffer), -ERANGE (outside of it),
 * -EBUSY (the ring has memory), -ENOMEM.
 */
int tgt_lend(struct tgt_daemon *d, const struct tgt_lend *lend)
{
	struct tgt_pair *pair;
	unsigned long *used;
	struct tgt_buf *buf;
	int ret = -ERANGE;

	if (lend->ring >= d->nr_pairs || !lend->len || lend->len > TGT_MAX_LENT ||
	    (lend->off | lend->len) % TGT_LENT_PAGE)
		return -EINVAL;
	buf = tgt_buf_get(d, lend->buf_id);
	if (!buf)
		return -EINVAL;
	if (lend->off > buf->len || lend->len > buf->len - lend->off)
		goto put;
	ret = -ENOMEM;
	used = bitmap_zalloc(nr_pages(lend->len), GFP_KERNEL_ACCOUNT);
	if (!used)
		goto put;
	pair = &d->pairs[lend->ring];
	spin_lock_irq(&pair->lock);
	ret = pair->lent_buf ? -EBUSY : 0;
	if (!ret) {
		pair->lent = *lend;
		pair->lent_buf = buf;
		pair->lent_used = used;
	}
	spin_unlock_irq(&pair->lock);
	if (!ret)
		return 0;
	bitmap_free(used);
put:
	tgt_buf_put(buf);
	return ret;
}

/* Nobody uses the rings any more. Context: process. */
void tgt_return_lent(struct tgt_daemon *d)
{
	struct tgt_pair *pair;

	for (pair = d->pairs; pair < d->pairs + d->nr_pairs; pair++) {
		if (!pair->lent_buf)
			continue;
		tgt_buf_put(pair->lent_buf);
		bitmap_free(pair->lent_used);
		pair->lent_buf = NULL;
	}
}

/* What is lent meanwhile is for the next command: all is decided under the lock. */
static void take_pages(struct scsi_tgt_cmd *cmd)
{
	struct tgt_pair *pair = cmd->host->pair;
	u32 all, n = nr_pages(cmd->data_out_len);
	unsigned long first;

	spin_lock(&pair->lock);
	if (pair->lent_buf) {
		all = nr_pages(pair->lent.len);
		first = bitmap_find_next_zero_area(pair->lent_used, all, 0, n, 0);
		if (first < all) {
			bitmap_set(pair->lent_used, first, n);
			cmd->lent = first + 1;
		}
	}
	spin_unlock(&pair->lock);
}

/*
 * Does it want what the initiator offers, and no more room than that? Of other commands the daemon
 * knows. Data of a WRITE that it refuses were fetched in vain.
 */
static bool is_write(const struct scsi_tgt_cmd *cmd)
{
	if (!cmd->data_out_len || !cmd->cdb_len)
		return false;
	switch (cmd->cdb[0]) {
	case WRITE_6:
	case WRITE_10:
	case WRITE_12:
	case WRITE_16:
		return true;
	default:
		return false;
	}
}

static u64 offset(const struct scsi_tgt_cmd *cmd)
{
	return cmd->host->pair->lent.off + (u64)(cmd->lent - 1) * TGT_LENT_PAGE;
}

/**
 * tgt_take_imm_locked() - put the data that came with a command into lent memory, if there is room
 * @cmd: about to get on the ring of its host, which is locked
 */
void tgt_take_imm_locked(struct scsi_tgt_cmd *cmd)
{
	struct tgt_pair *pair = cmd->host->pair;

	lockdep_assert_held(&cmd->host->lock);
	if (!cmd->imm || cmd->lent)
		return;
	take_pages(cmd);
	if (cmd->lent)
		tgt_buf_write(pair->lent_buf, offset(cmd), cmd->imm, cmd->data_out_len);
}

/**
 * tgt_plan_ahead_locked() - decide whether the data of a command are fetched ahead
 * @cmd: about to get on the ring of its host, which is locked, for the first time
 * @off: result, if they are: where to, in the buffer
 *
 * If the command gets on the ring, its state is TGT_ST_XFER, and the caller fetches the data.
 * Return: the buffer, with a reference; or NULL.
 */
struct tgt_buf *tgt_plan_ahead_locked(struct scsi_tgt_cmd *cmd, u64 *off)
{
	struct tgt_pair *pair = cmd->host->pair;

	lockdep_assert_held(&cmd->host->lock);
	if (!pair || cmd->imm || cmd->data_out_len > TGT_MAX_TRANSFER || !is_write(cmd))
		return NULL;
	take_pages(cmd);
	if (!cmd->lent)
		return NULL;
	cmd->ahead = true;
	*off = offset(cmd);
	/* The daemon may die before the fetch begins. */
	kref_get(&pair->lent_buf->ref);
	return pair->lent_buf;
}

/**
 * tgt_put_lent_locked() - the room is the kernel's again
 * @cmd: has ended, or loses its daemon; its host is locked
 */
void tgt_put_lent_locked(struct scsi_tgt_cmd *cmd)
{
	struct tgt_pair *pair = cmd->host->pair;

	lockdep_assert_held(&cmd->host->lock);
	if (!cmd->lent)
		return;
	spin_lock(&pair->lock);
	bitmap_clear(pair->lent_used, cmd->lent - 1, nr_pages(cmd->data_out_len));
	spin_unlock(&pair->lock);
	cmd->lent = 0;
	cmd->ahead = false;
}
