// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor tables that are not in the IU.
 *
 * Such a table is fetched by RDMA READ, whole and once: the initiator cannot
 * change what was checked. Until that is done no later IU of the channel is
 * handled, so that a task management function finds the command (DR-1), and
 * one table at a time takes memory.
 */
#include <linux/slab.h>
#include "srpt.h"
#include "trace.h"

static void hold_ius(struct srpt_channel *ch)
{
	spin_lock(&ch->park_lock);
	ch->fetching = true;
	WRITE_ONCE(ch->park_active, true);
	spin_unlock(&ch->park_lock);
}

static void go_on(struct srpt_channel *ch)
{
	spin_lock(&ch->park_lock);
	ch->fetching = false;
	spin_unlock(&ch->park_lock);
	queue_work(srpt_wq, &ch->park_work);
}

/* Starts the RDMA READ, or returns -errno with nothing begun. */
static int start_read(struct srpt_cmd *cmd)
{
	struct srpt_channel *ch = cmd->ch;
	struct srp_buf remote = {
		.len		= be32_to_cpu(cmd->iu.cmd.buf.table->len),
		.nr_desc	= 1,
		.desc		= cmd->iu.cmd.buf.table,
	};
	int ret = -ENOMEM;

	cmd->table = kmalloc(remote.len, GFP_KERNEL);
	if (!cmd->table)
		return ret;
	if (!percpu_ref_tryget_live(&ch->hw_ref))
		return -ESHUTDOWN;
	sg_init_one(&cmd->table_sg, cmd->table, remote.len);
	ret = srpt_rdma_map(cmd, &remote, &cmd->table_sg, 1, remote.len, DMA_FROM_DEVICE);
	if (ret) {
		percpu_ref_put(&ch->hw_ref);
		return ret;
	}
	if (srpt_sq_reserve(cmd, srpt_rdma_round(cmd)))
		srpt_rdma_read_run(cmd);
	return 0;
}

/**
 * srpt_table_fetch() - fetch the descriptor table of a command
 * @cmd: in state NEW, with a table outside of its IU
 *
 * Ends in srpt_request() again.
 *
 * Context: the one that handles the IUs of the channel.
 */
void srpt_table_fetch(struct srpt_cmd *cmd)
{
	hold_ius(cmd->ch);
	srpt_cmd_event(cmd, SRPT_EV_GET_TABLE);
	if (!start_read(cmd))
		return;
	cmd->xfer_len = 0;
	srpt_cmd_event(cmd, SRPT_EV_CANCEL);
	go_on(cmd->ch);
	srpt_send_busy(cmd);
}

/**
 * srpt_table_fetched() - the RDMA READ of a table has completed
 * @cmd: in state NEW; the READ has failed if xfer_len is 0
 *
 * Context: process, in place of the one that handles the IUs of the channel.
 */
void srpt_table_fetched(struct srpt_cmd *cmd)
{
	struct srpt_channel *ch = cmd->ch;
	bool ok = cmd->xfer_len;

	cmd->xfer_len = 0;
	refcount_inc(&ch->cmd_ref);	/* the command may end in here */
	if (ok) {
		srpt_request(cmd, srp_take_table(&cmd->iu.cmd.buf, cmd->table));
	} else {
		srpt_cmd_event(cmd, SRPT_EV_DROP);
		srpt_cmd_put(cmd);
	}
	go_on(ch);
	srpt_channel_put_cmd_ref(ch);
}
