// SPDX-License-Identifier: GPL-2.0
/*
 * Task management.
 *
 * The daemon decides what to abort; the kernel does not believe it has. An answer
 * is held until no command is left that the function covers and that is older
 * (TC-30): those the daemon forgot, and those it must not abort because their data
 * moves. Functions that were refused have aborted nothing and are not held; but
 * initiators take any answer to ABORT TASK for success.
 */
#include <linux/module.h>
#include "tgt.h"
#include "trace.h"

int scsi_tgt_tsk_mgmt_request(struct scsi_tgt_host *host, struct scsi_tgt_cmd *tmf,
			      enum tgt_function function, u64 tag, const u8 *lun, u64 data)
{
	unsigned long flags;
	LIST_HEAD(ended);
	int ret = 0;

	spin_lock_irqsave(&host->lock, flags);
	if (host->down) {
		ret = -ESHUTDOWN;
	} else {
		tmf->function = function;
		tmf->data = data;
		tgt_begin_locked(tmf, TGT_ST_TMF_QUEUED, lun, tag);
		tgt_host_push_locked(host, &ended);
		if (!host->pair)
			queue_work(tgt_wq, &host->target->work);
	}
	spin_unlock_irqrestore(&host->lock, flags);
	tgt_release_ended(host, &ended);
	return ret;
}
EXPORT_SYMBOL_GPL(scsi_tgt_tsk_mgmt_request);

/* Is @cmd, of the same or another host of the target, an older one in the scope of @tmf? */
bool tgt_covers(const struct scsi_tgt_cmd *tmf, const struct scsi_tgt_cmd *cmd)
{
	if (!tgt_is_command(cmd) || memcmp(cmd->lun, tmf->lun, sizeof(cmd->lun)))
		return false;
	if (cmd->host == tmf->host)
		return cmd->seq < tmf->seq &&
		       (tmf->function != TGT_ABORT_TASK || cmd->tag == tmf->tag);
	return (tmf->function == TGT_CLEAR_TASK_SET || tmf->function == TGT_LUN_RESET) &&
	       cmd->stamp <= tmf->stamp;
}

static bool scope_empty(const struct scsi_tgt_cmd *tmf)
{
	struct scsi_tgt_target *target = tmf->host->target;
	struct scsi_tgt_host *host;
	struct scsi_tgt_cmd *cmd;
	bool found = false;
	unsigned long i;

	lockdep_assert_held(&tgt_mutex);
	if (tmf->function == TGT_CLEAR_ACA)
		return true;
	list_for_each_entry(host, &target->hosts, node) {
		spin_lock_irq(&host->lock);
		xa_for_each(&host->cmds, i, cmd)
			found |= tgt_covers(tmf, cmd);
		spin_unlock_irq(&host->lock);
	}
	return !found;
}

static bool is_refusal(const struct scsi_tgt_cmd *tmf)
{
	switch (tmf->result) {
	case TGT_TMF_COMPLETE:
	case TGT_TMF_TASK_NOT_FOUND:
	case TGT_TMF_TASK_COMPLETED:
		return false;
	default:
		return tmf->function != TGT_ABORT_TASK;
	}
}

/* The function has been executed: the answer waits for what it covers. @tmf: claimed. */
void tgt_hold_locked(struct scsi_tgt_cmd *tmf, enum tgt_tmf_result result)
{
	struct scsi_tgt_target *target = tmf->host->target;

	lockdep_assert_held(&tgt_mutex);
	tmf->result = result;
	list_add_tail(&tmf->node, &target->held);
	/* Before the look at the commands: who ends one later sees it. */
	atomic_inc(&target->nr_held);
}

/**
 * tgt_take_released() - the functions that have nothing to wait for any more
 * @target: whose; tgt_mutex is held
 * @answers: gets them, for tgt_answer_all()
 */
void tgt_take_released(struct scsi_tgt_target *target, struct list_head *answers)
{
	struct scsi_tgt_cmd *tmf, *next;

	lockdep_assert_held(&tgt_mutex);
	list_for_each_entry_safe(tmf, next, &target->held, node) {
		if (!is_refusal(tmf) && !scope_empty(tmf))
			continue;
		list_move_tail(&tmf->node, answers);
		atomic_dec(&target->nr_held);
	}
}

/* Context: may sleep; no locks. */
void tgt_answer_all(struct list_head *tmfs)
{
	struct scsi_tgt_cmd *tmf, *next;

	list_for_each_entry_safe(tmf, next, tmfs, node) {
		list_del_init(&tmf->node);
		tmf->host->target->fabric->tsk_mgmt_response(tmf->data, tmf->result);
		tgt_end(tmf);
	}
}

/**
 * tgt_tsk_mgmt_rsp() - the daemon says that a function has ended
 * @host: of this daemon
 * @rsp: the kernel's own copy
 *
 * Context: may sleep. Return: 0, -EINVAL, -ENOENT.
 */
int tgt_tsk_mgmt_rsp(struct scsi_tgt_host *host, const struct tgt_tsk_mgmt_rsp *rsp)
{
	struct scsi_tgt_cmd *tmf;
	LIST_HEAD(answers);

	if (rsp->result > TGT_TMF_FAILED || rsp->reserved)
		return -EINVAL;
	tmf = tgt_claim(host, rsp->tmf_id, TGT_ST_TMF_AT_DAEMON, TGT_ST_TMF_HELD, "TSK_MGMT_RSP");
	if (!tmf)
		return -ENOENT;
	mutex_lock(&tgt_mutex);
	tgt_hold_locked(tmf, rsp->result);
	tgt_take_released(host->target, &answers);
	mutex_unlock(&tgt_mutex);
	tgt_answer_all(&answers);
	return 0;
}
