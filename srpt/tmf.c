// SPDX-License-Identifier: GPL-2.0
/*
 * Task management.
 *
 * An initiator that gets the answer to a task management function may reuse
 * tags and memory at once, so the answer is the last thing that happens: it
 * goes through the fence, see fence.c.
 *
 * Order of the checks: function code, LUN format (both by the driver), LUN
 * existence, then the lookup of the task (both by the core).
 */
#include "srpt.h"
#include "trace.h"

/**
 * srpt_tmf_receive() - handle a decoded SRP_TSK_MGMT
 * @cmd: in state NEW
 * @reason: what is wrong with it, or SRP_OK
 *
 * Context: the one that handles the channel's IUs.
 */
void srpt_tmf_receive(struct srpt_cmd *cmd, enum srp_reason reason)
{
	const struct srp_tmf_req *req = &cmd->iu.tmf;
	struct srpt_nexus *nexus = cmd->ch->nexus;
	int ret;

	/* Of another refusal nothing else of the IU is known. */
	if (reason && reason != SRP_BAD_LUN) {
		srpt_send_tmf_code(cmd, SRP_RSP_FIELDS_INVALID);
		return;
	}
	trace_srpt_tmf_request(cmd, req);
	if (!srp_tmf_known(req->function)) {
		srpt_send_tmf_code(cmd, SRP_RSP_NOT_SUPPORTED);
		return;
	}

	if (!srpt_fence_begin(cmd) || reason) {
		srpt_fence_answer(cmd, SRP_RSP_FIELDS_INVALID);
		return;
	}
	srpt_cmd_event(cmd, SRPT_EV_SUBMIT);
	ret = nexus->core->tsk_mgmt_request(nexus, cmd, req->function, req->task_tag, req->lun,
					    (uintptr_t)cmd);
	if (ret == -ESHUTDOWN) {
		/* The nexus is going away: nobody waits for an answer. */
		srpt_fence_cancel(cmd);
		srpt_cmd_event(cmd, SRPT_EV_DROP);
		srpt_cmd_put(cmd);
	} else if (ret) {
		srpt_fence_answer(cmd, SRP_RSP_FAILED);
	}
}

/* task-management results to response codes: SRP r16a table 24, SAM-5 7.2. */
static enum srp_rsp_code rsp_code(enum srpt_tmf_result result)
{
	switch (result) {
	case SRPT_TMF_COMPLETE:
	case SRPT_TMF_TASK_NOT_FOUND:
	case SRPT_TMF_TASK_COMPLETED:
		return SRP_RSP_COMPLETE;
	case SRPT_TMF_NOT_SUPPORTED:
		return SRP_RSP_NOT_SUPPORTED;
	case SRPT_TMF_LUN_NOT_FOUND:
	case SRPT_TMF_REJECTED:
	case SRPT_TMF_FAILED:
		break;
	}
	return SRP_RSP_FAILED;
}

void srpt_tsk_mgmt_response(u64 data, enum srpt_tmf_result result)
{
	struct srpt_cmd *cmd = (struct srpt_cmd *)(uintptr_t)data;

	trace_srpt_tmf_response(cmd, result);
	refcount_inc(&cmd->ref);
	if (rsp_code(result) == SRP_RSP_COMPLETE)
		srpt_table_purge(cmd);
	srpt_fence_answer(cmd, rsp_code(result));
}
