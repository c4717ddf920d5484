/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The target-core contract: how the driver and the core behind a target port
 * talk. The driver does not know which core that is; an adapter (lio.c, tgt.c) fills
 * struct srpt_core_ops and calls the functions at the end of this file.
 *
 * A command that was queued ends by exactly one of srpt_transfer_response()
 * and srpt_eh_abort_handler(); a task management request by exactly one
 * srpt_tsk_mgmt_response(), after the commands it aborted.
 */
#ifndef SRPT_CORE_H
#define SRPT_CORE_H

#include <linux/scatterlist.h>
#include <linux/types.h>
#include "proto/srp_proto.h"

struct srpt_channel;
struct srpt_cmd;
struct srpt_nexus;
struct srpt_login;
struct srpt_port;

/* What a target port allows a channel to use; set by the administrator. */
struct srpt_attrib {
	u32	max_rdma_size;	/* advertised by Device Management */
	u32	max_rsp_size;	/* bytes of one SRP_RSP */
	u32	sq_size;	/* send queue work requests */
	u32	use_srq;	/* 0 or 1; new logins only */
	u32	max_channels;	/* of one nexus */
	u32	bind_initiator;	/* 0 or 1; nobody else may take over or join a nexus */
};

/* Outcome of a task management function, independent of the core. */
enum srpt_tmf_result {
	SRPT_TMF_COMPLETE,
	SRPT_TMF_TASK_NOT_FOUND,
	SRPT_TMF_TASK_COMPLETED,
	SRPT_TMF_NOT_SUPPORTED,
	SRPT_TMF_LUN_NOT_FOUND,
	SRPT_TMF_REJECTED,
	SRPT_TMF_FAILED,
};

/**
 * struct srpt_core_ops - what a target core adapter provides
 *
 * @name: for logs and traces
 * @cmd_priv_size: bytes the adapter needs in every command, see srpt_cmd_priv()
 * @authorize: may this initiator log in here, with which attributes, and by
 *	which ACL (only to be compared)? May sleep. Returns 0,
 *	-EACCES (no ACL), -ENODEV (no enabled target port), -ENOENT (no target
 *	port configured), -ENXIO (no target with this id_ext).
 * @list_targets: the identifier extensions of the targets that answer on this
 *	port, at most @max, and the attributes of one of them. May sleep. Returns
 *	how many.
 * @session_open: create the session of a new nexus; checks again what
 *	@authorize checked, as that may have changed. May sleep. Returns 0, or
 *	as @authorize, or -ENOMEM.
 * @session_lost: all channels of the nexus have drained, commands may still be
 *	at the core. NULL: not of interest. May sleep.
 * @session_close: no command will come any more: wait for those at the core,
 *	then free the session. May sleep, unbounded.
 * @channel_open: a channel has joined; its slots will be used for the session.
 *	May sleep. Returns 0 or -ENOMEM. NULL: nothing to prepare.
 * @channel_close: all commands of a channel have ended; also after @channel_open
 *	failed. May sleep.
 * @queue_command: execute a command (TC-01: with the initiator's tag). Ownership
 *	passes to the core. Process context; IUs of one channel in their order.
 * @tsk_mgmt_request: @tag is meaningful for ABORT TASK only; @data is opaque
 *	and comes back in srpt_tsk_mgmt_response(). @cmd carries the request and
 *	lends the adapter its private part. Context as @queue_command. Returns 0,
 *	or -errno: the core has not taken it and the driver answers.
 * @data_ready: the write data asked for by srpt_transfer_data() is in place.
 *	Process context.
 * @data_failed: it could not be fetched; end the command. Process context.
 * @response_done: what srpt_transfer_response() was asked to send is sent, or never
 *	will be; the adapter drops what it held for that. Process or softirq context.
 */
struct srpt_core_ops {
	const char	*name;
	size_t		cmd_priv_size;

	int	(*authorize)(const struct srpt_login *login, struct srpt_attrib *attrib,
			     const void **acl);
	u32	(*list_targets)(const struct srpt_port *port, u64 *id_ext, u32 max,
				struct srpt_attrib *attrib);
	int	(*session_open)(struct srpt_nexus *nexus, const struct srpt_login *login);
	void	(*session_lost)(struct srpt_nexus *nexus);
	void	(*session_close)(struct srpt_nexus *nexus);
	int	(*channel_open)(struct srpt_channel *ch);
	void	(*channel_close)(struct srpt_channel *ch);

	void	(*queue_command)(struct srpt_cmd *cmd);
	int	(*tsk_mgmt_request)(struct srpt_nexus *nexus, struct srpt_cmd *cmd,
				    u8 function, u64 tag, const u8 *lun, u64 data);
	void	(*data_ready)(struct srpt_cmd *cmd);
	void	(*data_failed)(struct srpt_cmd *cmd);
	void	(*response_done)(struct srpt_cmd *cmd);
};

/**
 * srpt_transfer_data() - fetch the write data of a command
 * @cmd: the command
 * @sg: where to put it; stays valid until the command ends
 * @sg_cnt: entries at @sg
 * @len: bytes; not more than the initiator offered
 *
 * Ends in exactly one call of data_ready() or data_failed(), possibly before
 * this function returns. Never fails for lack of send-queue slots: it waits in
 * a list.
 *
 * Context: process.
 */
void srpt_transfer_data(struct srpt_cmd *cmd, struct scatterlist *sg, u32 sg_cnt, u32 len);

/**
 * srpt_transfer_response() - send the data, if any, and the SRP_RSP
 * @cmd: the command
 * @rsp: how it ended: status, sense data, and as "produced" the bytes that the
 *	command transfers, or would have transferred had the initiator offered as
 *	many; the rest is zero, and the driver's. Used only during the call
 * @sg: data-in to send, or NULL; the driver sends the lesser of what was produced
 *	and what the initiator offered. Must stay until response_done()
 * @sg_cnt: entries at @sg
 *
 * Ends in one call of response_done(). Context: process.
 */
void srpt_transfer_response(struct srpt_cmd *cmd, struct srp_rsp *rsp, struct scatterlist *sg,
			    u32 sg_cnt);

/**
 * srpt_eh_abort_handler() - the core has aborted the command
 * @cmd: a command for which no data transfer is outstanding
 *
 * No response will be sent. Cannot fail. Context: any that may not sleep.
 */
void srpt_eh_abort_handler(struct srpt_cmd *cmd);

/**
 * srpt_tsk_mgmt_response() - answer a task management request
 * @data: as given to tsk_mgmt_request()
 * @result: of the function
 *
 * The only way from a task management result to an SRP_RSP, which is sent when
 * the commands that the function covers have ended.
 * Context: process.
 */
void srpt_tsk_mgmt_response(u64 data, enum srpt_tmf_result result);

/**
 * srpt_tmf_next_task() - the next command that a core has to abort for a function
 * @data: as given to tsk_mgmt_request(); not answered yet
 *
 * For cores that abort one command at a time. Each command is told once; one
 * that another function was told about is not told again, but waited for.
 *
 * Context: process; may sleep. Return: the command, whose slot stays its own
 * until the caller's srpt_cmd_release(); NULL if there is none left.
 */
struct srpt_cmd *srpt_tmf_next_task(u64 data);

/**
 * srpt_tmf_cancel_transfers() - do not begin what a function aborts
 * @data: as given to tsk_mgmt_request(); not answered yet
 *
 * For commands the function covers whose srpt_transfer_data() still waits for
 * the send queue: it ends in data_failed() now, so nobody has to wait for data
 * that nobody wants (DR-8).
 *
 * Context: process; may sleep.
 */
void srpt_tmf_cancel_transfers(u64 data);

/**
 * srpt_cmd_release() - the core has dropped its last reference to the command
 * @cmd: must not be touched afterwards
 *
 * Context: any.
 */
void srpt_cmd_release(struct srpt_cmd *cmd);

extern const struct srpt_attrib srpt_default_attrib;

/* The adapters. */
extern const struct srpt_core_ops srpt_lio_ops;
extern const struct srpt_core_ops srpt_tgt_ops;

#endif /* SRPT_CORE_H */
