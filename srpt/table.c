// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor tables that are not in the IU.
 *
 * Such a table is fetched by RDMA READ, whole and once: the initiator cannot
 * change what was checked. Until that is done later commands of the channel wait
 * behind it, decoded and in their slots, so commands reach the core in their
 * order and one table at a time takes memory. Task management functions do not
 * wait: the fence sees all of these commands, and what a function aborts goes
 * from the list to its end without having been at the core.
 */
#include <linux/slab.h>
#include "srpt.h"
#include "trace.h"

/**
 * srpt_table_wait() - let a command wait until no table is fetched
 * @cmd: in state NEW
 *
 * Context: the one that handles the IUs of the channel. Return: whether it has to.
 */
bool srpt_table_wait(struct srpt_cmd *cmd)
{
	struct srpt_channel *ch = cmd->ch;
	bool wait;

	/* Set in this context only; once it is clear those that waited are at the core. */
	if (!smp_load_acquire(&ch->fetching))
		return false;
	spin_lock(&ch->park_lock);
	wait = ch->fetching;
	if (wait)
		list_add_tail(&cmd->sq_node, &ch->behind);
	spin_unlock(&ch->park_lock);
	return wait;
}

/* The command never reached the core. */
static void drop(struct srpt_cmd *cmd)
{
	srpt_cmd_event(cmd, SRPT_EV_DROP);
	srpt_cmd_put(cmd);
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

/* Returns whether it has begun; if not, the command has been answered. */
static bool start_fetch(struct srpt_cmd *cmd)
{
	srpt_cmd_event(cmd, SRPT_EV_GET_TABLE);
	if (!start_read(cmd))
		return true;
	cmd->xfer_len = 0;
	srpt_cmd_event(cmd, SRPT_EV_CANCEL);
	srpt_send_busy(cmd);
	return false;
}

/* The next that waits, or NULL: then later ones need not. */
static struct srpt_cmd *next_behind(struct srpt_channel *ch)
{
	struct srpt_cmd *cmd;

	spin_lock(&ch->park_lock);
	cmd = list_first_entry_or_null(&ch->behind, struct srpt_cmd, sq_node);
	if (cmd)
		list_del_init(&cmd->sq_node);
	else	/* pairs with srpt_table_wait() */
		smp_store_release(&ch->fetching, false);
	spin_unlock(&ch->park_lock);
	return cmd;
}

/* Until one of them has to fetch a table itself. */
static void go_on(struct srpt_channel *ch)
{
	struct srpt_cmd *cmd;

	while ((cmd = next_behind(ch))) {
		if (!srpt_channel_is_live(ch))
			drop(cmd);
		else if (!cmd->iu.cmd.buf.table)
			srpt_request(cmd, SRP_OK);
		else if (start_fetch(cmd))
			return;
	}
}

/**
 * srpt_table_fetch() - fetch the descriptor table of a command
 * @cmd: in state NEW, with a table outside of its IU; no other is fetched
 *
 * Ends in srpt_request() again.
 *
 * Context: the one that handles the IUs of the channel.
 */
void srpt_table_fetch(struct srpt_cmd *cmd)
{
	struct srpt_channel *ch = cmd->ch;

	WRITE_ONCE(ch->fetching, true);
	if (!start_fetch(cmd))
		go_on(ch);
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
	if (ok)
		srpt_request(cmd, srp_take_table(&cmd->iu.cmd.buf, cmd->table));
	else
		drop(cmd);
	go_on(ch);
	srpt_channel_put_cmd_ref(ch);
}

/**
 * srpt_table_purge() - end what a function has aborted before it was at the core
 * @tmf: complete, not answered yet
 *
 * Context: may sleep.
 */
void srpt_table_purge(struct srpt_cmd *tmf)
{
	struct srpt_nexus *nexus = tmf->ch->nexus;
	struct srpt_cmd *cmd, *next;
	struct srpt_channel *ch;
	LIST_HEAD(purged);

	mutex_lock(&srpt_nexus_mutex);
	list_for_each_entry(ch, &nexus->channels, node) {
		spin_lock(&ch->park_lock);
		list_for_each_entry_safe(cmd, next, &ch->behind, sq_node)
			if (srpt_fence_aborts(tmf, cmd))
				list_move_tail(&cmd->sq_node, &purged);
		spin_unlock(&ch->park_lock);
	}
	mutex_unlock(&srpt_nexus_mutex);
	list_for_each_entry_safe(cmd, next, &purged, sq_node) {
		list_del_init(&cmd->sq_node);
		drop(cmd);
	}
}
