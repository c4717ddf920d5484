// SPDX-License-Identifier: GPL-2.0
/*
 * LIO adapter, data path.
 *
 * The core learns the length of a transfer from the CDB and allocates the
 * buffer itself (TARGET_SCF_UNKNOWN_SIZE); what the initiator offers only
 * limits how much of it moves. The offered length is passed along for the
 * backends that hand CDBs through and know no better.
 *
 * A command has two references of the core: one goes when the core is done,
 * one (ACK_KREF) when the response has been sent. A command the core aborted
 * loses both without our help.
 */
#include <target/target_core_base.h>
#include <target/target_core_backend.h>
#include <target/target_core_fabric.h>
#include <scsi/scsi_common.h>
#include <scsi/scsi_proto.h>
#include "srpt.h"
#include "lio.h"

struct lio_cmd {
	struct se_cmd	se;
	u8		sense[TRANSPORT_SENSE_BUFFER];	/* zero but in a command that has some */
	struct scatterlist imm_sg;	/* immediate data where it arrived */
	bool		overflow;	/* refused: the CDB wants more than was offered */

	/* What the core is asked to do about this command, or for this function as a whole. */
	struct se_cmd	tmr;
	struct srpt_cmd	*function;	/* on whose behalf */

	/* Of a function: */
	u64		data;
	u64		lun;
	atomic_t	nr_tmrs;	/* that have not ended, and one while they are submitted */
	enum srpt_tmf_result result;
};

static struct lio_cmd *se_to_lio(struct se_cmd *se_cmd)
{
	return container_of(se_cmd, struct lio_cmd, se);
}

static struct srpt_cmd *se_to_cmd(struct se_cmd *se_cmd)
{
	return srpt_priv_cmd(se_to_lio(se_cmd));
}

static bool is_tmr(const struct se_cmd *se)
{
	return se->se_cmd_flags & SCF_SCSI_TMR_CDB;
}

static struct lio_cmd *tmr_to_lio(struct se_cmd *tmr)
{
	return container_of(tmr, struct lio_cmd, tmr);
}

/* The slot of either. */
static struct srpt_cmd *any_to_cmd(struct se_cmd *se)
{
	return is_tmr(se) ? srpt_priv_cmd(tmr_to_lio(se)) : se_to_cmd(se);
}

static struct lio_cmd *lio_cmd_init(struct srpt_cmd *cmd)
{
	struct lio_cmd *lc = srpt_cmd_priv(cmd);

	memset(&lc->se, 0, sizeof(lc->se));
	lc->se.tag = cmd->iu.tag;
	lc->overflow = false;
	return lc;
}

static u64 unpack_lun(const u8 *lun)
{
	struct scsi_lun l;

	memcpy(&l, lun, sizeof(l));
	return scsilun_to_int(&l);
}

static void session_close(struct srpt_nexus *nexus)
{
	struct se_session *sess = nexus->session;

	target_stop_session(sess);
	target_wait_for_sess_cmds(sess);
	target_remove_session(sess);
}

/* ---- commands ---------------------------------------------------------------- */

static int task_attr(u8 attr)
{
	static const int map[] = {
		[0] = TCM_SIMPLE_TAG,
		[1] = TCM_HEAD_TAG,
		[2] = TCM_ORDERED_TAG,
		[4] = TCM_ACA_TAG,
	};

	return map[attr];
}

/* By the CDB; by the descriptors for commands nobody knows. */
static enum dma_data_direction data_dir(const struct srp_cmd_req *req)
{
	enum srp_dir dir = req->cdb_dir;

	if (dir == SRP_DIR_UNKNOWN)
		dir = req->buf.len ? req->dir : SRP_DIR_NONE;
	switch (dir) {
	case SRP_DIR_OUT:
		return DMA_TO_DEVICE;
	case SRP_DIR_IN:
		return DMA_FROM_DEVICE;
	default:
		return DMA_NONE;
	}
}

/* The core multiplies in 32 bits. */
static bool too_many_blocks(const struct se_cmd *se, const struct srp_cmd_req *req)
{
	return srp_cdb_blocks(req->cdb, req->cdb_len) * se->se_dev->dev_attrib.block_size >
	       SRPT_MAX_TRANSFER;
}

/*
 * Immediate data of just the length the CDB asks for need not be copied: the
 * receive buffer stays with the command until its response is sent. Does what
 * target_submit_prep() does with a scatterlist it is given; but only the
 * prepared command tells the length. Not for back-ends that pass commands
 * through: some want entries that stay within a page.
 */
static void lend_imm_data(struct srpt_cmd *cmd, struct lio_cmd *lc)
{
	const struct srp_buf *buf = &cmd->iu.cmd.buf;
	struct se_cmd *se = &lc->se;

	if (!buf->imm || se->data_length != buf->len ||
	    (se->se_cmd_flags & SCF_COMPARE_AND_WRITE) ||
	    !IS_ALIGNED((uintptr_t)buf->imm, SRPT_RX_ALIGN) ||
	    (se->se_dev->transport_flags & TRANSPORT_FLAG_PASSTHROUGH))
		return;
	sg_init_one(&lc->imm_sg, buf->imm, buf->len);
	se->t_data_sg = &lc->imm_sg;
	se->t_data_nents = 1;
	se->se_cmd_flags |= SCF_PASSTHROUGH_SG_TO_MEM_NOALLOC;
}

static void queue_command(struct srpt_cmd *cmd)
{
	const struct srp_cmd_req *req = &cmd->iu.cmd;
	struct lio_cmd *lc = lio_cmd_init(cmd);
	struct se_cmd *se = &lc->se;
	enum dma_data_direction dir = data_dir(req);

	if (target_init_cmd(se, cmd->ch->nexus->session, lc->sense, unpack_lun(req->lun),
			    dir == DMA_NONE ? 0 : req->buf.len, task_attr(req->attr), dir,
			    TARGET_SCF_ACK_KREF | TARGET_SCF_UNKNOWN_SIZE)) {
		/* The session is going away: nobody waits for an answer. */
		srpt_eh_abort_handler(cmd);
		srpt_cmd_release(cmd);
		return;
	}
	/* The CDB is as long as the decoder says, and the core copies it. */
	if (target_submit_prep(se, (u8 *)req->cdb, NULL, 0, NULL, 0, NULL, 0, GFP_KERNEL))
		return;		/* answered by the core */

	/* An allocation length is no promise: commands without blocks return what there is. */
	if (dir == DMA_FROM_DEVICE && !(se->se_cmd_flags & SCF_SCSI_DATA_CDB))
		se->data_length = min_t(u32, se->data_length, SZ_1M);
	lc->overflow = dir == DMA_TO_DEVICE && se->data_length > req->buf.len;
	if (lc->overflow || se->data_length > SRPT_MAX_TRANSFER || too_many_blocks(se, req)) {
		transport_generic_request_failure(se, TCM_INVALID_FIELD_IN_COMMAND_IU);
		return;
	}
	lend_imm_data(cmd, lc);
	target_submit(se);
}

int srpt_lio_write_pending(struct se_cmd *se)
{
	srpt_transfer_data(se_to_cmd(se), se->t_data_sg, se->t_data_nents, se->data_length);
	return 0;
}

static void data_ready(struct srpt_cmd *cmd)
{
	struct lio_cmd *lc = srpt_cmd_priv(cmd);

	target_execute_cmd(&lc->se);
}

static void data_failed(struct srpt_cmd *cmd)
{
	struct lio_cmd *lc = srpt_cmd_priv(cmd);

	transport_generic_request_failure(&lc->se, TCM_CHECK_CONDITION_ABORT_CMD);
}

static void respond(struct se_cmd *se, bool data_in)
{
	struct lio_cmd *lc = se_to_lio(se);
	struct srpt_cmd *cmd = se_to_cmd(se);
	struct srp_rsp rsp = { .status = se->scsi_status };

	if (se->se_cmd_flags & (SCF_TRANSPORT_TASK_SENSE | SCF_EMULATED_TASK_SENSE)) {
		rsp.sense = lc->sense;
		rsp.sense_len = se->scsi_sense_length;
	}
	if (data_in || lc->overflow || se->scsi_status == SAM_STAT_GOOD)
		rsp.produced = se->data_length;
	else
		rsp.produced = cmd->xfer_len;	/* what really moved */
	srpt_transfer_response(cmd, &rsp, data_in ? se->t_data_sg : NULL, se->t_data_nents);
}

int srpt_lio_queue_data_in(struct se_cmd *se)
{
	respond(se, true);
	return 0;
}

int srpt_lio_queue_status(struct se_cmd *se)
{
	respond(se, false);
	return 0;
}

static void response_done(struct srpt_cmd *cmd)
{
	struct lio_cmd *lc = srpt_cmd_priv(cmd);

	transport_generic_free_cmd(&lc->se, 0);
}

int srpt_lio_check_stop_free(struct se_cmd *se)
{
	return target_put_sess_cmd(se);
}

int srpt_lio_get_cmd_state(struct se_cmd *se)
{
	return atomic_read(&any_to_cmd(se)->state);
}

/* ---- task management ------------------------------------------------------------
 *
 * The core aborts one command at a time, the first with the tag that it finds,
 * and knows no ABORT TASK SET. So functions that abort commands are one request
 * of the core for each of them, in the memory of its slot: nothing is allocated
 * that could be missing. Any other function is one request in its own slot; so
 * is an ABORT TASK without a task, as the core still has to look for the LUN.
 */

static void put_function(struct srpt_cmd *function)
{
	struct lio_cmd *lc = srpt_cmd_priv(function);

	if (!atomic_dec_and_test(&lc->nr_tmrs))
		return;
	srpt_tsk_mgmt_response(lc->data, lc->result);
	srpt_cmd_release(function);
}

/*
 * @cmd: whose slot is used: the function itself, or a task, which is released in
 * the end. The core allocates some bytes; without them a function would get lost,
 * or be refused when memory is what somebody tries to get free (DR-12).
 */
static int submit_tmr(struct srpt_cmd *function, struct srpt_cmd *cmd, u8 type, u64 tag)
{
	struct lio_cmd *lf = srpt_cmd_priv(function), *lc = srpt_cmd_priv(cmd);
	int ret;

	memset(&lc->tmr, 0, sizeof(lc->tmr));
	lc->tmr.tag = function->iu.tag;
	lc->function = function;
	atomic_inc(&lf->nr_tmrs);
	ret = target_submit_tmr(&lc->tmr, function->ch->nexus->session, NULL, lf->lun, NULL, type,
				GFP_KERNEL | __GFP_NOFAIL, tag, 0);
	if (ret)
		atomic_dec(&lf->nr_tmrs);
	return ret;
}

static int abort_tasks(struct srpt_cmd *function, u64 tag)
{
	struct lio_cmd *lf = srpt_cmd_priv(function);
	struct srpt_cmd *cmd;
	bool any = false;

	while ((cmd = srpt_tmf_next_task(lf->data))) {
		any = true;
		if (submit_tmr(function, cmd, TMR_ABORT_TASK, cmd->iu.tag)) {
			lf->result = SRPT_TMF_FAILED;
			srpt_cmd_release(cmd);
		}
	}
	return any ? 0 : submit_tmr(function, function, TMR_ABORT_TASK, tag);
}

static int tsk_mgmt_request(struct srpt_nexus *nexus, struct srpt_cmd *cmd, u8 function, u64 tag,
			    const u8 *lun, u64 data)
{
	struct lio_cmd *lc = srpt_cmd_priv(cmd);
	bool aborts = true;
	int ret;

	lc->data = data;
	lc->lun = unpack_lun(lun);
	lc->result = SRPT_TMF_COMPLETE;
	atomic_set(&lc->nr_tmrs, 1);
	switch (function) {
	case SRP_TMF_ABORT_TASK:
		ret = abort_tasks(cmd, tag);
		break;
	case SRP_TMF_ABORT_TASK_SET:
		ret = abort_tasks(cmd, cmd->iu.tag);
		break;
	case SRP_TMF_LUN_RESET:
		ret = submit_tmr(cmd, cmd, TMR_LUN_RESET, 0);
		break;
	case SRP_TMF_CLEAR_TASK_SET:
		ret = submit_tmr(cmd, cmd, TMR_CLEAR_TASK_SET, 0);
		aborts = false;
		break;
	default:
		ret = submit_tmr(cmd, cmd, TMR_CLEAR_ACA, 0);
		aborts = false;
		break;
	}
	if (ret)
		return ret;
	if (aborts)
		srpt_tmf_cancel_transfers(data);
	put_function(cmd);
	return 0;
}

static enum srpt_tmf_result tmr_result(u8 response)
{
	switch (response) {
	case TMR_FUNCTION_COMPLETE:
		return SRPT_TMF_COMPLETE;
	case TMR_TASK_DOES_NOT_EXIST:
		return SRPT_TMF_TASK_NOT_FOUND;
	case TMR_LUN_DOES_NOT_EXIST:
		return SRPT_TMF_LUN_NOT_FOUND;
	case TMR_TASK_MGMT_FUNCTION_NOT_SUPPORTED:
		return SRPT_TMF_NOT_SUPPORTED;
	case TMR_FUNCTION_REJECTED:
		return SRPT_TMF_REJECTED;
	default:
		return SRPT_TMF_FAILED;
	}
}

/* One of many tasks that has ended meanwhile is no news. */
static void note_result(struct se_cmd *tmr, enum srpt_tmf_result result)
{
	struct srpt_cmd *function = tmr_to_lio(tmr)->function;
	struct lio_cmd *lf = srpt_cmd_priv(function);

	if (any_to_cmd(tmr) == function ||
	    (result != SRPT_TMF_COMPLETE && result != SRPT_TMF_TASK_NOT_FOUND))
		lf->result = result;
}

void srpt_lio_queue_tm_rsp(struct se_cmd *se)
{
	note_result(se, tmr_result(se->se_tmr_req->response));
}

void srpt_lio_aborted_task(struct se_cmd *se)
{
	if (!is_tmr(se))
		srpt_eh_abort_handler(se_to_cmd(se));
	else if (se->se_tmr_req->function != TMR_ABORT_TASK)
		/* Terminated by a LUN RESET; the initiator still gets its answer. */
		note_result(se, SRPT_TMF_FAILED);
}

static void release_tmr(struct se_cmd *tmr)
{
	struct srpt_cmd *cmd = any_to_cmd(tmr), *function = tmr_to_lio(tmr)->function;

	if (cmd != function)
		srpt_cmd_release(cmd);
	put_function(function);
}

void srpt_lio_release_cmd(struct se_cmd *se)
{
	if (is_tmr(se)) {
		release_tmr(se);
		return;
	}
	if (se->scsi_sense_length)
		memset(se_to_lio(se)->sense, 0, TRANSPORT_SENSE_BUFFER);
	srpt_cmd_release(se_to_cmd(se));
}

static bool has_session(const struct srpt_nexus *nexus, const void *sess)
{
	return nexus->session == sess;
}

/* The ACL is being removed. */
void srpt_lio_close_session(struct se_session *se_sess)
{
	srpt_nexus_close_matching(has_session, se_sess, "the ACL was removed");
}

const struct srpt_core_ops srpt_lio_ops = {
	.name			= "LIO",
	.cmd_priv_size		= sizeof(struct lio_cmd),
	.authorize		= srpt_lio_authorize,
	.list_targets		= srpt_lio_list_targets,
	.session_open		= srpt_lio_session_open,
	.session_close		= session_close,
	.queue_command		= queue_command,
	.tsk_mgmt_request	= tsk_mgmt_request,
	.data_ready		= data_ready,
	.data_failed		= data_failed,
	.response_done		= response_done,
};
