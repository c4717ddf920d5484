// SPDX-License-Identifier: GPL-2.0
/*
 * Immediate data: what came with a command goes to the daemon with it, which saves
 * a round through the ring for each small write.
 *
 * The daemon lends each ring some slots in its registered memory. One is taken, and
 * written to, when the command gets on the ring, and is free again when the command
 * ends. Without a free slot the daemon fetches the data like any other.
 */
#include <linux/bitmap.h>
#include "tgt.h"

/**
 * tgt_lend_imm() - the daemon lends slots to a ring
 * @d: alive
 * @imm: checked here
 *
 * Context: may sleep. Return: 0; -EINVAL (a field, or no such buffer), -ERANGE (outside of it),
 * -EBUSY (the ring has slots), -ENOMEM.
 */
int tgt_lend_imm(struct tgt_daemon *d, const struct tgt_imm *imm)
{
	u64 len = (u64)imm->slot_len * imm->nr_slots;
	struct tgt_pair *pair;
	unsigned long *used;
	struct tgt_buf *buf;
	int ret = -ERANGE;

	if (imm->ring >= d->nr_pairs || !len || imm->nr_slots > TGT_MAX_SLOTS)
		return -EINVAL;
	buf = tgt_buf_get(d, imm->buf_id);
	if (!buf)
		return -EINVAL;
	if (imm->off > buf->len || len > buf->len - imm->off)
		goto put;
	ret = -ENOMEM;
	used = bitmap_zalloc(imm->nr_slots, GFP_KERNEL_ACCOUNT);
	if (!used)
		goto put;
	pair = &d->pairs[imm->ring];
	spin_lock_irq(&pair->lock);
	ret = pair->imm_buf ? -EBUSY : 0;
	if (!ret) {
		pair->imm = *imm;
		pair->imm_buf = buf;
		pair->imm_used = used;
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
void tgt_return_imm(struct tgt_daemon *d)
{
	struct tgt_pair *pair;

	for (pair = d->pairs; pair < d->pairs + d->nr_pairs; pair++) {
		if (!pair->imm_buf)
			continue;
		tgt_buf_put(pair->imm_buf);
		bitmap_free(pair->imm_used);
		pair->imm_buf = NULL;
	}
}

/**
 * tgt_take_imm_locked() - put the data that came with a command into a slot, if there is one
 * @cmd: about to get on the ring of its host, which is locked
 */
void tgt_take_imm_locked(struct scsi_tgt_cmd *cmd)
{
	struct tgt_pair *pair = cmd->host->pair;
	const struct tgt_imm *imm = &pair->imm;
	unsigned long n;

	lockdep_assert_held(&cmd->host->lock);
	if (!cmd->imm || cmd->slot)
		return;
	/* What is lent meanwhile is for the next command: all is decided under the lock. */
	spin_lock(&pair->lock);
	if (pair->imm_buf && cmd->data_out_len <= imm->slot_len) {
		n = find_first_zero_bit(pair->imm_used, imm->nr_slots);
		if (n < imm->nr_slots) {
			__set_bit(n, pair->imm_used);
			cmd->slot = n + 1;
		}
	}
	spin_unlock(&pair->lock);
	if (cmd->slot)
		tgt_buf_write(pair->imm_buf, imm->off + n * imm->slot_len, cmd->imm,
			      cmd->data_out_len);
}

/**
 * tgt_put_imm_locked() - the slot is the kernel's again
 * @cmd: has ended; its host is locked
 */
void tgt_put_imm_locked(struct scsi_tgt_cmd *cmd)
{
	struct tgt_pair *pair = cmd->host->pair;

	lockdep_assert_held(&cmd->host->lock);
	if (!cmd->slot)
		return;
	/* Who has no daemon any more has no slot, see tgt_host_detach(). */
	spin_lock(&pair->lock);
	__clear_bit(cmd->slot - 1, pair->imm_used);
	spin_unlock(&pair->lock);
	cmd->slot = 0;
}
