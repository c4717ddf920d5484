// SPDX-License-Identifier: GPL-2.0
/*
 * Command slots.
 *
 * Every channel has a fixed array of slots, made at login, so that taking one
 * never allocates. A slot is taken in the context that handles the channel's
 * IUs (the CQ context, or the park work while that holds back the CQ context),
 * and given back from any context: hence the lock-free lists. Some slots are
 * kept for task management, so that an ABORT TASK gets through when all
 * commands hang.
 *
 * There are more slots than the request limit: a response returns a credit,
 * and the request that uses it can arrive before the completion of the SEND
 * that carried it.
 */
#include "srpt.h"
#include "trace.h"

static void free_slot(struct srpt_cmd *cmd)
{
	struct srpt_channel *ch = cmd->ch;

	llist_add(&cmd->free_node, cmd->for_tmf ? &ch->free_tmfs : &ch->free_cmds);
}

static int init_slot(struct srpt_channel *ch, struct srpt_cmd *cmd)
{
	struct ib_device *device = ch->sdev->device;

	cmd->ch = ch;
	INIT_LIST_HEAD(&cmd->sq_node);
	INIT_LIST_HEAD(&cmd->fence_node);
	cmd->rdma_cqe.done = srpt_rdma_done;
	INIT_WORK(&cmd->data_work, srpt_data_work);
	INIT_WORK(&cmd->send_work, srpt_send_work);
	cmd->send_cqe.done = srpt_send_done;
	cmd->send_wr = (struct ib_send_wr) {
		.wr_cqe		= &cmd->send_cqe,
		.sg_list	= &cmd->send_sge,
		.num_sge	= 1,
		.opcode		= IB_WR_SEND,
	};
	cmd->send_sge.lkey = ch->sdev->pd->local_dma_lkey;
	cmd->rsp = kzalloc(ch->max_rsp_len, GFP_KERNEL);
	if (!cmd->rsp)
		return -ENOMEM;
	cmd->rsp_dma = ib_dma_map_single(device, cmd->rsp, ch->max_rsp_len, DMA_TO_DEVICE);
	if (ib_dma_mapping_error(device, cmd->rsp_dma)) {
		kfree(cmd->rsp);
		cmd->rsp = NULL;
		return -ENOMEM;
	}
	return 0;
}

/**
 * srpt_cmd_pool_create() - make the slots of a channel
 * @ch: with max_rsp_len, port and nexus-independent parts set
 *
 * Context: may sleep. Return: 0 or -ENOMEM; then nothing is left to undo.
 */
int srpt_cmd_pool_create(struct srpt_channel *ch)
{
	u32 i;

	ch->nr_slots = SRPT_OWN_SLOTS + SRPT_TMF_SLOTS + SRPT_RQ_SIZE + SRPT_SLOT_EXTRA;
	ch->slot_size = ALIGN(sizeof(struct srpt_cmd) + ch->core->cmd_priv_size,
			      SMP_CACHE_BYTES);
	ch->slots = kvcalloc(ch->nr_slots, ch->slot_size, GFP_KERNEL);
	if (!ch->slots)
		return -ENOMEM;

	for (i = 0; i < ch->nr_slots; i++) {
		struct srpt_cmd *cmd = srpt_channel_slot(ch, i);

		cmd->for_tmf = i < SRPT_OWN_SLOTS + SRPT_TMF_SLOTS;
		if (init_slot(ch, cmd)) {
			srpt_cmd_pool_unmap(ch);
			srpt_cmd_pool_free(ch);
			return -ENOMEM;
		}
		if (i >= SRPT_OWN_SLOTS)
			free_slot(cmd);
	}
	return 0;
}

/* The hardware part: no SEND is outstanding any more. */
void srpt_cmd_pool_unmap(struct srpt_channel *ch)
{
	struct ib_device *device = ch->sdev->device;
	u32 i;

	for (i = 0; i < ch->nr_slots; i++) {
		struct srpt_cmd *cmd = srpt_channel_slot(ch, i);

		if (cmd->rsp)
			ib_dma_unmap_single(device, cmd->rsp_dma, ch->max_rsp_len, DMA_TO_DEVICE);
	}
}

void srpt_cmd_pool_free(struct srpt_channel *ch)
{
	u32 i;

	for (i = 0; i < ch->nr_slots; i++)
		kfree(srpt_channel_slot(ch, i)->rsp);
	kvfree(ch->slots);
	ch->slots = NULL;
}

/**
 * srpt_cmd_get() - take a slot for a received request
 * @ch: the channel
 * @tmf: the request is an SRP_TSK_MGMT and may use the reserved slots
 *
 * Context: the one that handles the IUs of @ch. Return: a command in state FREE
 * with one reference, to be decoded into and moved on by SRPT_EV_RECV; or NULL if
 * none is free.
 */
struct srpt_cmd *srpt_cmd_get(struct srpt_channel *ch, bool tmf)
{
	struct llist_node *node;
	struct srpt_cmd *cmd;

	node = llist_del_first(&ch->free_cmds);
	if (!node && tmf)
		node = llist_del_first(&ch->free_tmfs);
	if (!node)
		return NULL;

	refcount_inc(&ch->cmd_ref);
	cmd = llist_entry(node, struct srpt_cmd, free_node);
	refcount_set(&cmd->ref, 1);
	cmd->from_core = false;
	cmd->responded = false;
	cmd->xfer_len = 0;
	cmd->sq_used = 0;
	cmd->cpu = raw_smp_processor_id();
	return cmd;
}

/**
 * srpt_cmd_put() - drop a reference
 * @cmd: the command; free with the last reference
 *
 * A request that ends without a response owes its credit to the initiator; the
 * next response carries it (DR-6).
 *
 * Context: any.
 */
void srpt_cmd_put(struct srpt_cmd *cmd)
{
	struct srpt_channel *ch = cmd->ch;

	if (!refcount_dec_and_test(&cmd->ref))
		return;

	if (cmd->rx)
		srpt_rx_repost(cmd->rx);
	cmd->rx = NULL;
	kfree(cmd->table);
	cmd->table = NULL;
	if (!cmd->responded) {
		srp_credit_owe(&ch->credit);
		srpt_cred_check(ch);
	}
	srpt_cmd_event(cmd, SRPT_EV_LAST_REF);
	if (READ_ONCE(cmd->fence_seq))
		srpt_fence_release(cmd);
	free_slot(cmd);

	/* Pairs with smp_mb() in park_rx(): either it sees the slot, or we see it parking. */
	smp_mb();
	if (READ_ONCE(ch->park_active))
		queue_work(srpt_wq, &ch->park_work);
	srpt_channel_put_cmd_ref(ch);
}

/* What srpt_cmd_event() does not do in line. */
void srpt_cmd_trace_event(struct srpt_cmd *cmd, int from, enum srpt_cmd_event ev, int to)
{
	trace_srpt_cmd_transition(cmd, from, ev, to);
}

bool srpt_cmd_illegal_event(struct srpt_cmd *cmd, int state, enum srpt_cmd_event ev)
{
	trace_srpt_cmd_illegal(cmd, state, ev, SRPT_CMD_NR_STATES);
	srpt_channel_close(cmd->ch, SRP_LOGOUT_NO_REASON, "illegal command event");
	return false;
}
