// SPDX-License-Identifier: GPL-2.0
/*
 * The fence of task management (DR-4).
 *
 * The answer to a task management function means that no command it covers
 * will be heard of again. The target core does not know all of them: what it
 * has completed may still move data, and its response may still be queued. So
 * the driver counts. When a function arrives, every command of the I_T nexus
 * in its scope that has not ended is marked; the answer leaves when the core
 * has given it and the last of these commands has ended, which is when its
 * slot becomes free: nothing of it is at the HCA, the core has dropped it, and
 * its own response, if any, has been acknowledged.
 *
 * The fast path pays for that with one look at the mark when a slot is freed.
 * Nothing is allocated.
 */
#include "srpt.h"
#include "trace.h"

static bool same_lun(const struct srpt_cmd *tmf, const struct srpt_cmd *cmd)
{
	return !memcmp(tmf->iu.tmf.lun, cmd->iu.cmd.lun, sizeof(cmd->iu.cmd.lun));
}

/* ABORT TASK means every command with the tag, on whatever LUN. */
static bool covers(const struct srpt_cmd *tmf, const struct srpt_cmd *cmd)
{
	if (tmf->iu.tmf.function == SRP_TMF_ABORT_TASK)
		return cmd->iu.tag == tmf->iu.tmf.task_tag;
	return same_lun(tmf, cmd);
}

/* Has the request in this slot been decoded, and not ended? Then its tag and LUN are there. */
static bool is_command(const struct srpt_cmd *cmd)
{
	return atomic_read(&cmd->state) != SRPT_CMD_FREE && cmd->iu.opcode == SRP_OP_CMD;
}

/* With the lock held. Returns whether @tmf has to wait for this slot. */
static bool mark(struct srpt_cmd *tmf, struct srpt_cmd *cmd)
{
	/* The number of a task management function is no mark. */
	if (cmd->iu.opcode != SRP_OP_CMD)
		return false;
	/* A mark stays until its release takes the lock: no need to look at the state. */
	if (cmd->fence_seq)
		return covers(tmf, cmd);
	if (!is_command(cmd) || !covers(tmf, cmd))
		return false;
	WRITE_ONCE(cmd->fence_seq, tmf->fence_seq);
	/* Pairs with the event that frees a slot: it sees the mark, or we see it free. */
	smp_mb();
	if (is_command(cmd) && covers(tmf, cmd))
		return true;
	WRITE_ONCE(cmd->fence_seq, 0);
	return false;
}

/**
 * srpt_fence_begin() - mark the commands that a function covers
 * @tmf: the SRP_TSK_MGMT, in state NEW
 *
 * Ends in one call of srpt_fence_answer() or srpt_fence_cancel().
 *
 * Context: may sleep. Return: whether the function is to be executed; an ABORT
 * TASK is not if its task has another LUN.
 */
bool srpt_fence_begin(struct srpt_cmd *tmf)
{
	struct srpt_nexus *nexus = tmf->ch->nexus;
	u32 i, on_lun = 0, elsewhere = 0;
	struct srpt_channel *ch;

	mutex_lock(&srpt_nexus_mutex);
	spin_lock_bh(&nexus->fence_lock);
	tmf->fence_seq = ++nexus->fence_seq;
	list_for_each_entry(ch, &nexus->channels, node) {
		for (i = SRPT_OWN_SLOTS; i < ch->nr_slots; i++) {
			struct srpt_cmd *cmd = srpt_channel_slot(ch, i);

			if (cmd == tmf || !mark(tmf, cmd))
				continue;
			if (same_lun(tmf, cmd))
				on_lun++;
			else
				elsewhere++;
		}
	}
	tmf->fence_count = 1 + on_lun + elsewhere;	/* and the answer */
	tmf->tmf_answered = false;
	list_add_tail(&tmf->fence_node, &nexus->tmfs);
	spin_unlock_bh(&nexus->fence_lock);
	mutex_unlock(&srpt_nexus_mutex);

	trace_srpt_fence(tmf, on_lun + elsewhere);
	return on_lun || !elsewhere;
}

/* With the lock held: has @tmf counted it? */
static bool is_marked_for(const struct srpt_cmd *tmf, const struct srpt_cmd *cmd)
{
	return cmd->iu.opcode == SRP_OP_CMD && cmd->fence_seq &&
	       cmd->fence_seq <= tmf->fence_seq && covers(tmf, cmd);
}

/**
 * srpt_fence_aborts() - is a command among those that a function aborts?
 * @tmf: not answered
 * @cmd: not ended
 *
 * Context: any that may not sleep, but no softirq.
 */
bool srpt_fence_aborts(const struct srpt_cmd *tmf, const struct srpt_cmd *cmd)
{
	struct srpt_nexus *nexus = tmf->ch->nexus;
	bool ret;

	spin_lock_bh(&nexus->fence_lock);
	ret = is_marked_for(tmf, cmd) && same_lun(tmf, cmd);
	spin_unlock_bh(&nexus->fence_lock);
	return ret;
}

struct srpt_cmd *srpt_tmf_next_task(u64 data)
{
	struct srpt_cmd *tmf = (struct srpt_cmd *)(uintptr_t)data, *found = NULL;
	struct srpt_nexus *nexus = tmf->ch->nexus;
	struct srpt_channel *ch;
	u32 i;

	mutex_lock(&srpt_nexus_mutex);
	spin_lock_bh(&nexus->fence_lock);
	list_for_each_entry(ch, &nexus->channels, node) {
		for (i = SRPT_OWN_SLOTS; i < ch->nr_slots && !found; i++) {
			struct srpt_cmd *cmd = srpt_channel_slot(ch, i);

			/* One without a reference has ended, and waits for the lock. */
			if (is_marked_for(tmf, cmd) && !cmd->abort_told && same_lun(tmf, cmd) &&
			    refcount_inc_not_zero(&cmd->ref))
				found = cmd;
		}
	}
	if (found)
		found->abort_told = true;
	spin_unlock_bh(&nexus->fence_lock);
	mutex_unlock(&srpt_nexus_mutex);
	return found;
}

static void send_answer(struct srpt_cmd *tmf)
{
	trace_srpt_fence(tmf, 0);
	srpt_send_tmf_code(tmf, tmf->tmf_code);
}

/**
 * srpt_fence_answer() - answer a function, when its fence allows
 * @tmf: the caller's reference goes to the SEND
 * @code: of the SRP_RSP
 *
 * A function that was refused has aborted nothing and waits for nothing; but
 * the Linux initiator takes any answer to ABORT TASK for success.
 *
 * Context: process.
 */
void srpt_fence_answer(struct srpt_cmd *tmf, enum srp_rsp_code code)
{
	struct srpt_nexus *nexus = tmf->ch->nexus;
	bool ready;

	spin_lock_bh(&nexus->fence_lock);
	tmf->tmf_code = code;
	tmf->tmf_answered = true;
	if (code != SRP_RSP_COMPLETE && tmf->iu.tmf.function != SRP_TMF_ABORT_TASK)
		tmf->fence_count = 1;
	ready = !--tmf->fence_count;
	if (ready)
		list_del_init(&tmf->fence_node);
	spin_unlock_bh(&nexus->fence_lock);
	if (ready)
		send_answer(tmf);
}

/* The nexus is going away: there will be no answer. */
void srpt_fence_cancel(struct srpt_cmd *tmf)
{
	struct srpt_nexus *nexus = tmf->ch->nexus;

	spin_lock_bh(&nexus->fence_lock);
	list_del_init(&tmf->fence_node);
	spin_unlock_bh(&nexus->fence_lock);
}

/**
 * srpt_fence_release() - a marked command, or a function, has ended
 * @cmd: its slot is free, but not yet to be used again
 *
 * All functions that came since it was marked, and cover it, have counted it.
 *
 * Context: any.
 */
void srpt_fence_release(struct srpt_cmd *cmd)
{
	struct srpt_nexus *nexus = cmd->ch->nexus;
	struct srpt_cmd *tmf, *next;
	unsigned long flags;
	LIST_HEAD(ready);

	spin_lock_irqsave(&nexus->fence_lock, flags);
	if (cmd->iu.opcode != SRP_OP_CMD)
		goto unmark;
	list_for_each_entry_safe(tmf, next, &nexus->tmfs, fence_node) {
		if (!is_marked_for(tmf, cmd))
			continue;
		if (!--tmf->fence_count)
			list_move_tail(&tmf->fence_node, &ready);
	}
unmark:
	cmd->abort_told = false;
	WRITE_ONCE(cmd->fence_seq, 0);
	spin_unlock_irqrestore(&nexus->fence_lock, flags);

	list_for_each_entry_safe(tmf, next, &ready, fence_node) {
		list_del_init(&tmf->fence_node);
		send_answer(tmf);
	}
}
