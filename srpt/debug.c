// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: /sys/kernel/debug/ib_srpt/sessions shows every I_T nexus with its
 * channels, and what each request that has not ended waits for. For people, at
 * 3 a.m.: the format is not an interface.
 *
 * Requests go on while they are shown, so a line may mix two of the same slot.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include "srpt.h"

static struct dentry *srpt_debug_dir;

static const char *waits_for(enum srpt_cmd_state state)
{
	static const char * const text[SRPT_CMD_NR_STATES] = {
		[SRPT_CMD_NEW]		= "the descriptor table of a command before it",
		[SRPT_CMD_WAIT_TBL]	= "send queue slots, to fetch its descriptor table",
		[SRPT_CMD_FETCHING]	= "RDMA READ of its descriptor table",
		[SRPT_CMD_EXEC]		= "the target core",
		[SRPT_CMD_WAIT_RD]	= "send queue slots, for RDMA READ",
		[SRPT_CMD_READING]	= "RDMA READ",
		[SRPT_CMD_WAIT_TX]	= "send queue slots, for its response",
		[SRPT_CMD_SENDING]	= "the initiator to acknowledge its response",
		[SRPT_CMD_REAP]		= "the last reference",
	};

	return text[state] ?: "nothing";
}

static void show_tmf(struct seq_file *m, struct srpt_cmd *cmd, enum srpt_cmd_state state)
{
	struct srpt_nexus *nexus = cmd->ch->nexus;
	bool answered = true, fenced = false;
	u32 count;

	spin_lock_bh(&nexus->fence_lock);
	count = cmd->fence_count;
	if (state == SRPT_CMD_EXEC) {
		fenced = !list_empty(&cmd->fence_node);
		answered = cmd->tmf_answered;
	}
	spin_unlock_bh(&nexus->fence_lock);

	seq_printf(m, "    function %#x tag %016llx LUN %8phN task %016llx: %s, ",
		   cmd->iu.tmf.function, be64_to_cpu((__force __be64)cmd->iu.tag),
		   cmd->iu.tmf.lun, be64_to_cpu((__force __be64)cmd->iu.tmf.task_tag),
		   srpt_cmd_state_str(state));
	if (!fenced)
		seq_printf(m, "waits for %s\n", waits_for(state));
	else if (answered)
		seq_printf(m, "waits for %u commands\n", count);
	else
		seq_printf(m, "waits for the target core and %u commands\n", count - 1);
}

static void show_request(struct seq_file *m, struct srpt_cmd *cmd)
{
	enum srpt_cmd_state state = atomic_read(&cmd->state);

	if (state == SRPT_CMD_FREE)
		return;
	if (cmd->iu.opcode == SRP_OP_TSK_MGMT) {
		show_tmf(m, cmd, state);
		return;
	}
	seq_printf(m, "    command tag %016llx LUN %8phN: %s, waits for %s%s\n",
		   be64_to_cpu((__force __be64)cmd->iu.tag), cmd->iu.cmd.lun,
		   srpt_cmd_state_str(state), waits_for(state),
		   READ_ONCE(cmd->fence_seq) ? "; a function waits for it" : "");
}

static void show_channel(struct seq_file *m, struct srpt_channel *ch)
{
	u32 i, nr_parked = 0;
	struct list_head *p;

	spin_lock_bh(&ch->park_lock);
	list_for_each(p, &ch->parked)
		nr_parked++;
	spin_unlock_bh(&ch->park_lock);
	seq_printf(m, "  channel %s: %s, credits held %u owed %u of %u, %u IUs parked\n", ch->name,
		   srpt_ch_state_str(atomic_read(&ch->state)), srp_credit_held(&ch->credit),
		   srp_credit_owed(&ch->credit), ch->credit.limit, nr_parked);
	for (i = SRPT_OWN_SLOTS; i < ch->nr_slots; i++)
		show_request(m, srpt_channel_slot(ch, i));
}

static void show_nexus(struct srpt_nexus *nexus, void *arg)
{
	struct srpt_channel *ch;
	struct seq_file *m = arg;

	seq_printf(m, "initiator %16phN target %16phN core %s%s\n", nexus->peer.i_port_id,
		   nexus->t_port_id, nexus->core->name, nexus->closing ? ", closing" : "");
	list_for_each_entry(ch, &nexus->channels, node)
		show_channel(m, ch);
}

static int sessions_show(struct seq_file *m, void *unused)
{
	srpt_nexus_for_each(show_nexus, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sessions);

/* Nothing depends on it, so nothing can go wrong. */
void srpt_debug_register(void)
{
	srpt_debug_dir = debugfs_create_dir("ib_srpt", NULL);
	debugfs_create_file("sessions", 0400, srpt_debug_dir, NULL, &sessions_fops);
	srpt_gate_register(srpt_debug_dir);
}

void srpt_debug_unregister(void)
{
	debugfs_remove_recursive(srpt_debug_dir);
	srpt_gate_unregister();
}
