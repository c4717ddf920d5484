// SPDX-License-Identifier: GPL-2.0
/*
 * tgt adapter: targets that a daemon serves, through scsi_tgt.ko.
 *
 * A host of scsi_tgt is an I_T nexus, and lasts as long as the session. Slots are
 * made known to it when a channel joins, so queueing allocates nothing.
 *
 * A write is answered in two stages or in one. In one, the data is fetched and
 * the status follows at once: the daemon has said GOOD before.
 */
#include <linux/module.h>
#include <scsi/scsi_common.h>
#include <scsi/scsi_proto.h>
#include <scsi_tgt.h>
#include "srpt.h"

#define EXTENDED_CDB	0x7e

struct tgt_cmd {
	struct scsi_tgt_cmd	core;
	u32			produced;	/* of a write answered in one stage */
	bool			one_stage;
	bool			not_fetched;	/* its data, and the initiator was told */
	bool			refused;	/* never reached the core */
};

static struct srpt_cmd *to_cmd(struct scsi_tgt_cmd *core)
{
	return srpt_priv_cmd(container_of(core, struct tgt_cmd, core));
}

/* ---- targets --------------------------------------------------------------------- */

static int check_name(const char *text, bool initiator)
{
	struct srp_name name;

	return initiator ? srp_parse_acl_name(text, &name) : srp_parse_port_name(text, &name);
}

static bool port_matches(const struct scsi_tgt_target_info *info, const struct srpt_port *port)
{
	struct srp_name name;

	if (!info->port[0])
		return true;
	return !srp_parse_port_name(info->port, &name) && srpt_port_has_name(port, &name);
}

static bool initiator_matches(const struct scsi_tgt_target_info *info,
			      const struct srpt_peer *peer)
{
	struct srp_name name;
	u32 i;

	for (i = 0; i < info->nr_initiators; i++)
		if (!srp_parse_acl_name(info->initiators[i], &name) &&
		    srpt_peer_has_name(peer, &name))
			return true;
	return !info->nr_initiators;
}

struct find_arg {
	const struct srpt_login	*login;
	int			error;
};

static bool match_login(const struct scsi_tgt_target_info *info, void *arg)
{
	struct find_arg *find = arg;
	__be64 id_ext = cpu_to_be64(info->id_ext);

	if (memcmp(find->login->req.t_port_id, &id_ext, sizeof(id_ext)) ||
	    !port_matches(info, find->login->port))
		return false;
	find->error = -EACCES;
	return initiator_matches(info, &find->login->peer);
}

struct list_arg {
	const struct srpt_port	*port;
	u64			*id_ext;
	u32			n;
	u32			max;
};

static bool add_to_list(const struct scsi_tgt_target_info *info, void *arg)
{
	struct list_arg *list = arg;

	if (list->n < list->max && port_matches(info, list->port))
		list->id_ext[list->n++] = info->id_ext;
	return false;
}

static const struct scsi_tgt_fabric srpt_fabric;

static u32 list_targets(const struct srpt_port *port, u64 *id_ext, u32 max,
			struct srpt_attrib *attrib)
{
	struct list_arg list = { .port = port, .id_ext = id_ext, .max = max };

	scsi_tgt_for_each_target(&srpt_fabric, add_to_list, &list);
	*attrib = srpt_default_attrib;
	return list.n;
}

/* A reference, or an ERR_PTR as authorize() returns. */
static struct scsi_tgt_target *find_target(const struct srpt_login *login)
{
	struct find_arg find = { .login = login, .error = -ENXIO };
	struct scsi_tgt_target *target;

	target = scsi_tgt_for_each_target(&srpt_fabric, match_login, &find);
	return target ?: ERR_PTR(find.error);
}

static int authorize(const struct srpt_login *login, struct srpt_attrib *attrib, const void **acl)
{
	struct scsi_tgt_target *target = find_target(login);

	if (IS_ERR(target))
		return PTR_ERR(target);
	*attrib = srpt_default_attrib;
	*acl = target;
	scsi_tgt_put_target(target);
	return 0;
}

static bool has_target(const struct srpt_nexus *nexus, const void *target)
{
	return nexus->tpg == target;
}

static void target_gone(struct scsi_tgt_target *target)
{
	srpt_nexus_close_matching(has_target, target, "no daemon serves the target");
}

struct expel_arg {
	struct scsi_tgt_target	*target;
	const struct srpt_peer	*peer;
};

static bool lets_in(const struct scsi_tgt_target_info *info, void *arg)
{
	struct expel_arg *expel = arg;

	return info->target == expel->target && initiator_matches(info, expel->peer);
}

static bool is_expelled(const struct srpt_nexus *nexus, const void *arg)
{
	struct expel_arg expel = { .target = (void *)arg, .peer = &nexus->peer };
	struct scsi_tgt_target *target;

	if (nexus->tpg != arg)
		return false;
	target = scsi_tgt_for_each_target(&srpt_fabric, lets_in, &expel);
	if (target)
		scsi_tgt_put_target(target);
	return !target;
}

static void initiators_changed(struct scsi_tgt_target *target)
{
	srpt_nexus_close_matching(is_expelled, target, "the initiator is no longer allowed");
}

/* ---- sessions and channels ---------------------------------------------------------- */

static int session_open(struct srpt_nexus *nexus, const struct srpt_login *login)
{
	struct scsi_tgt_target *target = find_target(login);
	struct scsi_tgt_host *host;

	if (IS_ERR(target))
		return PTR_ERR(target);
	/* First: who finds that the target is gone looks for it. */
	nexus->tpg = target;
	nexus->acl = target;
	host = scsi_tgt_host_create(target, nexus->peer.i_port_id, nexus->t_port_id);
	scsi_tgt_put_target(target);
	if (IS_ERR(host))
		return PTR_ERR(host);
	nexus->session = host;
	return 0;
}

static void session_lost(struct srpt_nexus *nexus)
{
	scsi_tgt_host_down(nexus->session);
}

static void session_close(struct srpt_nexus *nexus)
{
	scsi_tgt_host_down(nexus->session);
	scsi_tgt_host_remove(nexus->session);
}

static struct tgt_cmd *slot(struct srpt_channel *ch, u32 i)
{
	return srpt_cmd_priv(srpt_channel_slot(ch, i));
}

static int channel_open(struct srpt_channel *ch)
{
	u32 i;
	int ret = 0;

	for (i = SRPT_OWN_SLOTS; i < ch->nr_slots && !ret; i++)
		ret = scsi_tgt_cmd_init(ch->nexus->session, &slot(ch, i)->core);
	return ret;
}

static void channel_close(struct srpt_channel *ch)
{
	u32 i;

	for (i = SRPT_OWN_SLOTS; i < ch->nr_slots; i++)
		scsi_tgt_cmd_exit(&slot(ch, i)->core);
}

/* ---- commands ---------------------------------------------------------------------- */

static void send_status(struct srpt_cmd *cmd, u8 status, u8 key, u8 asc)
{
	struct srp_rsp rsp = { .status = status };
	u8 sense[18] = { };

	if (status == SAM_STAT_CHECK_CONDITION) {
		scsi_build_sense_buffer(0, sense, key, asc, 0);
		rsp.sense = sense;
		rsp.sense_len = sizeof(sense);
	}
	srpt_transfer_response(cmd, &rsp, NULL, 0);
}

/* Only CDBs that say how long they are can be longer than 16 bytes (SPC-4 4.2.2). */
static u16 cdb_len(const struct srp_cmd_req *req)
{
	if (req->cdb[0] == EXTENDED_CDB || req->cdb[0] == VARIABLE_LENGTH_CMD)
		return req->cdb_len;
	return min_t(u16, req->cdb_len, SRP_CDB_LEN);
}

static void queue_command(struct srpt_cmd *cmd)
{
	const struct srp_cmd_req *req = &cmd->iu.cmd;
	struct tgt_cmd *tc = srpt_cmd_priv(cmd);
	struct scsi_tgt_cmd *core = &tc->core;
	int ret;

	core->cdb = req->cdb;
	core->cdb_len = cdb_len(req);
	core->attr = req->attr;
	core->data_out_len = req->dir == SRP_DIR_OUT ? req->buf.len : 0;
	core->data_in_len = req->dir == SRP_DIR_IN ? req->buf.len : 0;
	core->imm = core->data_out_len ? req->buf.imm : NULL;
	tc->one_stage = false;
	tc->not_fetched = false;
	tc->refused = false;
	ret = scsi_tgt_queue_command(core, req->lun, cmd->iu.tag);
	if (!ret)
		return;
	tc->refused = true;
	switch (ret) {
	case -ESHUTDOWN:
		/* The nexus is lost: nobody waits for an answer. */
		srpt_eh_abort_handler(cmd);
		srpt_cmd_release(cmd);
		break;
	case -EINVAL:
		send_status(cmd, SAM_STAT_CHECK_CONDITION, ILLEGAL_REQUEST, 0x24);
		break;
	default:
		send_status(cmd, SAM_STAT_BUSY, 0, 0);
		break;
	}
}

static void transfer_data(struct scsi_tgt_cmd *core, struct scatterlist *sg, u32 sg_cnt, u32 len)
{
	srpt_transfer_data(to_cmd(core), sg, sg_cnt, len);
}

static void transfer_response(struct scsi_tgt_cmd *core, const struct scsi_tgt_rsp *r)
{
	struct tgt_cmd *tc = container_of(core, struct tgt_cmd, core);
	struct srp_rsp rsp = {
		.status		= r->status,
		.sense		= r->sense,
		.sense_len	= r->sense_len,
		.produced	= r->produced,
	};

	tc->one_stage = core->data_out_len && r->len;
	if (tc->one_stage) {
		tc->produced = r->produced;
		srpt_transfer_data(to_cmd(core), r->sg, r->sg_cnt, r->len);
	} else {
		srpt_transfer_response(to_cmd(core), &rsp, r->sg, r->sg_cnt);
	}
}

static void data_ready(struct srpt_cmd *cmd)
{
	struct tgt_cmd *tc = srpt_cmd_priv(cmd);
	struct srp_rsp rsp = { .status = SAM_STAT_GOOD, .produced = tc->produced };

	if (tc->one_stage)
		srpt_transfer_response(cmd, &rsp, NULL, 0);
	else
		scsi_tgt_data_done(&tc->core, TGT_DONE_OK);
}

static enum tgt_done how_done(const struct srpt_cmd *cmd, bool ok)
{
	if (!srpt_channel_is_live(cmd->ch))
		return TGT_DONE_LOST;
	return ok ? TGT_DONE_OK : TGT_DONE_CANCELLED;
}

static void data_failed(struct srpt_cmd *cmd)
{
	struct tgt_cmd *tc = srpt_cmd_priv(cmd);

	if (tc->one_stage) {
		tc->not_fetched = true;
		send_status(cmd, SAM_STAT_CHECK_CONDITION, ABORTED_COMMAND, 0);
		return;
	}
	scsi_tgt_data_done(&tc->core, how_done(cmd, false));
}

static void response_done(struct srpt_cmd *cmd)
{
	struct tgt_cmd *tc = srpt_cmd_priv(cmd);

	if (tc->refused)
		srpt_cmd_release(cmd);
	else
		scsi_tgt_response_done(&tc->core, how_done(cmd, !tc->not_fetched));
}

static void eh_abort_handler(struct scsi_tgt_cmd *core)
{
	srpt_eh_abort_handler(to_cmd(core));
}

static void cmd_release(struct scsi_tgt_cmd *core)
{
	srpt_cmd_release(to_cmd(core));
}

/* ---- task management ------------------------------------------------------------------ */

static int tsk_mgmt_request(struct srpt_nexus *nexus, struct srpt_cmd *cmd, u8 function, u64 tag,
			    const u8 *lun, u64 data)
{
	struct tgt_cmd *tc = srpt_cmd_priv(cmd);
	enum tgt_function f = TGT_CLEAR_ACA;

	switch (function) {
	case SRP_TMF_ABORT_TASK:
		f = TGT_ABORT_TASK;
		break;
	case SRP_TMF_ABORT_TASK_SET:
		f = TGT_ABORT_TASK_SET;
		break;
	case SRP_TMF_CLEAR_TASK_SET:
		f = TGT_CLEAR_TASK_SET;
		break;
	case SRP_TMF_LUN_RESET:
		f = TGT_LUN_RESET;
		break;
	}
	/* Before: afterwards the answer may come at any time. */
	if (f != TGT_CLEAR_ACA)
		srpt_tmf_cancel_transfers(data);
	return scsi_tgt_tsk_mgmt_request(nexus->session, &tc->core, f, tag, lun, data);
}

static void tsk_mgmt_response(u64 data, enum tgt_tmf_result result)
{
	static const enum srpt_tmf_result map[] = {
		[TGT_TMF_COMPLETE]		= SRPT_TMF_COMPLETE,
		[TGT_TMF_TASK_NOT_FOUND]	= SRPT_TMF_TASK_NOT_FOUND,
		[TGT_TMF_TASK_COMPLETED]	= SRPT_TMF_TASK_COMPLETED,
		[TGT_TMF_NOT_SUPPORTED]		= SRPT_TMF_NOT_SUPPORTED,
		[TGT_TMF_LUN_NOT_FOUND]		= SRPT_TMF_LUN_NOT_FOUND,
		[TGT_TMF_REJECTED]		= SRPT_TMF_REJECTED,
		[TGT_TMF_FAILED]		= SRPT_TMF_FAILED,
	};

	srpt_tsk_mgmt_response(data, map[result]);
}

static const struct scsi_tgt_fabric srpt_fabric = {
	.name			= "srpt",
	.owner			= THIS_MODULE,
	.check_name		= check_name,
	.transfer_data		= transfer_data,
	.transfer_response	= transfer_response,
	.eh_abort_handler	= eh_abort_handler,
	.tsk_mgmt_response	= tsk_mgmt_response,
	.cmd_release		= cmd_release,
	.target_gone		= target_gone,
	.initiators_changed	= initiators_changed,
	.targets_changed	= srpt_mad_targets_changed,
};

const struct srpt_core_ops srpt_tgt_ops = {
	.name			= "tgt",
	.cmd_priv_size		= sizeof(struct tgt_cmd),
	.authorize		= authorize,
	.list_targets		= list_targets,
	.session_open		= session_open,
	.session_lost		= session_lost,
	.session_close		= session_close,
	.channel_open		= channel_open,
	.channel_close		= channel_close,
	.queue_command		= queue_command,
	.tsk_mgmt_request	= tsk_mgmt_request,
	.data_ready		= data_ready,
	.data_failed		= data_failed,
	.response_done		= response_done,
};

/* Context: may sleep. Return: 0 or -errno. */
int srpt_tgt_register(void)
{
	return scsi_tgt_register_fabric(&srpt_fabric);
}

void srpt_tgt_unregister(void)
{
	scsi_tgt_unregister_fabric(&srpt_fabric);
}
