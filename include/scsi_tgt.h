/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scsi_tgt: the kernel side of SCSI targets in user space, for fabric drivers.
 *
 * A driver registers itself. A daemon binds targets to it by name; at each login
 * the driver looks for the target, and makes a host for the I_T nexus. It queues
 * commands and task management functions, which live in the driver's own memory,
 * and is called back to move data, to respond, and to forget aborted commands.
 *
 * A command that was queued ends by one call of transfer_response(), answered by
 * scsi_tgt_response_done(), or of eh_abort_handler(); then cmd_release() comes.
 * A function ends by tsk_mgmt_response(), after the commands it aborted, and
 * cmd_release().
 *
 * The core decides nothing about commands; the daemon does, and is believed
 * nothing but data, status and sense.
 */
#ifndef SCSI_TGT_H
#define SCSI_TGT_H

#include <linux/list.h>
#include <linux/scatterlist.h>
#include <linux/types.h>
#include <uapi/scsi_tgt_if.h>

#define SCSI_TGT_INLINE_SG	4	/* entries that need no allocation; huge pages make few */

struct module;
struct scsi_tgt_host;
struct scsi_tgt_target;
struct tgt_buf;

/**
 * struct scsi_tgt_cmd - a slot of the driver: a command, or a function, in progress
 * @cdb: by the driver before it queues: stays until the command responds or ends
 * @cdb_len: bytes; more than TGT_CDB_LEN are refused
 * @attr: enum tgt_task_attr
 * @data_out_len: bytes that the initiator offers to send
 * @data_in_len: bytes that the initiator has room for
 * @imm: data-out that came with the command, all of them, or NULL; stay as long as @cdb
 *
 * The rest is the core's; all of it under the host's lock.
 */
struct scsi_tgt_cmd {
	const u8		*cdb;
	u16			cdb_len;
	u8			attr;
	u32			data_out_len;
	u32			data_in_len;
	const void		*imm;

	/* private: */
	struct scsi_tgt_host	*host;
	struct list_head	node;
	u64			gen;
	u64			tag;
	u64			seq;
	u64			stamp;
	u64			data;
	u32			idx;
	u32			lent;
	u8			lun[8];
	u8			state;
	u8			function;
	u8			result;
	bool			known;
	bool			final;
	bool			staged;
	bool			ahead;
	struct tgt_buf		*buf;
	struct sg_table		sgt;
	struct scatterlist	sg[SCSI_TGT_INLINE_SG];
};

/**
 * struct scsi_tgt_rsp - how a command ends
 * @status: SAM-5
 * @sense_len: bytes at @sense
 * @sense: only during the call
 * @produced: bytes that the command transfers, or would if the initiator had offered as many
 * @len: bytes to move before the status: data-in, or data-out of a command answered at once
 * @sg: where they are, until scsi_tgt_response_done(); NULL if @len is 0
 * @sg_cnt: entries
 */
struct scsi_tgt_rsp {
	u8			status;
	u8			sense_len;
	const u8		*sense;
	u32			produced;
	u32			len;
	struct scatterlist	*sg;
	u32			sg_cnt;
};

/* A target, to a driver that looks for one. */
struct scsi_tgt_target_info {
	struct scsi_tgt_target	*target;
	const char		*port;		/* "": any */
	u64			id_ext;
	const char		(*initiators)[TGT_NAME_LEN];
	u32			nr_initiators;	/* 0: anybody */
};

/**
 * struct scsi_tgt_fabric - what a fabric driver provides
 * @name: as daemons call it
 * @owner: pinned while a daemon serves a target of the fabric
 * @check_name: is this a name of a port (or of an initiator)? 0 or -EINVAL
 * @transfer_data: fetch @len bytes of write data to @sg; ends in scsi_tgt_data_done(), possibly
 *	before it returns
 * @transfer_response: move the data, send the status; ends in scsi_tgt_response_done()
 * @eh_abort_handler: the command has been aborted: nothing of it is mapped or in flight, no
 *	response is to be sent. Cannot fail. Once per aborted command, before the answer to the
 *	function that aborted it
 * @tsk_mgmt_response: a function has ended, and what it covers
 * @cmd_release: the core has forgotten the command or the function; the slot is the driver's
 * @target_gone: nobody serves the target any more: end its nexuses. Does not wait for them
 * @initiators_changed: the daemon has said anew who may use a target: end the nexuses of others
 * @targets_changed: a target has come or gone
 *
 * All but @cmd_release (any context) are called in process context, and may sleep; no lock
 * is held.
 */
struct scsi_tgt_fabric {
	const char	*name;
	struct module	*owner;

	int	(*check_name)(const char *name, bool initiator);
	void	(*transfer_data)(struct scsi_tgt_cmd *cmd, struct scatterlist *sg, u32 sg_cnt,
				 u32 len);
	void	(*transfer_response)(struct scsi_tgt_cmd *cmd, const struct scsi_tgt_rsp *rsp);
	void	(*eh_abort_handler)(struct scsi_tgt_cmd *cmd);
	void	(*tsk_mgmt_response)(u64 data, enum tgt_tmf_result result);
	void	(*cmd_release)(struct scsi_tgt_cmd *cmd);
	void	(*target_gone)(struct scsi_tgt_target *target);
	void	(*initiators_changed)(struct scsi_tgt_target *target);
	void	(*targets_changed)(void);
};

/**
 * scsi_tgt_register_fabric() - daemons may bind targets of this driver
 * @fabric: stays until scsi_tgt_unregister_fabric()
 *
 * Context: may sleep. Return: 0, or -EEXIST.
 */
int scsi_tgt_register_fabric(const struct scsi_tgt_fabric *fabric);

/**
 * scsi_tgt_unregister_fabric() - the driver is unloaded
 * @fabric: without targets, as each of them pins the owner
 *
 * Context: may sleep; waits for the release of hosts.
 */
void scsi_tgt_unregister_fabric(const struct scsi_tgt_fabric *fabric);

/**
 * scsi_tgt_for_each_target() - look at the targets that are served
 * @fabric: whose
 * @fn: called with the list of targets locked, for each until it returns true
 * @arg: for @fn
 *
 * Context: may sleep. Return: a reference to the target for which @fn returned true, or NULL.
 */
struct scsi_tgt_target *
scsi_tgt_for_each_target(const struct scsi_tgt_fabric *fabric,
			 bool (*fn)(const struct scsi_tgt_target_info *info, void *arg), void *arg);

/**
 * scsi_tgt_put_target() - drop a reference
 * @target: from scsi_tgt_for_each_target()
 *
 * Context: any.
 */
void scsi_tgt_put_target(struct scsi_tgt_target *target);

/**
 * scsi_tgt_host_create() - an I_T nexus begins
 * @target: from scsi_tgt_for_each_target(); may be gone meanwhile
 * @i_port_id: initiator port identifier
 * @t_port_id: target port identifier
 *
 * Context: may sleep. Return: the host; -ENODEV (nobody serves the target), -ENOMEM.
 */
struct scsi_tgt_host *scsi_tgt_host_create(struct scsi_tgt_target *target, const u8 *i_port_id,
					   const u8 *t_port_id);

/**
 * scsi_tgt_host_down() - the nexus is lost: the daemon is to end what it has of it
 * @host: nothing is queued any more. Called again it does nothing
 *
 * Bounded: a daemon that does not do it in time is killed. Context: any.
 */
void scsi_tgt_host_down(struct scsi_tgt_host *host);

/**
 * scsi_tgt_host_remove() - give up the host
 * @host: scsi_tgt_host_down() was called, all commands and functions have ended, and all slots
 *	were taken back by scsi_tgt_cmd_exit()
 *
 * Context: may sleep; does not wait for the daemon.
 */
void scsi_tgt_host_remove(struct scsi_tgt_host *host);

/**
 * scsi_tgt_cmd_init() - prepare a slot for the commands and functions of a host
 * @host: the I_T nexus
 * @cmd: zeroed; in the driver's memory until scsi_tgt_cmd_exit()
 *
 * What could fail for lack of memory fails here, not when something is queued.
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int scsi_tgt_cmd_init(struct scsi_tgt_host *host, struct scsi_tgt_cmd *cmd);

/**
 * scsi_tgt_cmd_exit() - take a slot back
 * @cmd: not in use; does nothing if it was never prepared
 *
 * Context: may sleep.
 */
void scsi_tgt_cmd_exit(struct scsi_tgt_cmd *cmd);

/**
 * scsi_tgt_queue_command() - hand a command to the daemon
 * @cmd: a slot that is not in use, with the driver's fields set
 * @lun: 8 bytes, SAM-5
 * @tag: of the initiator, 64 bits, unchanged; any number
 *
 * Does not fail for lack of memory or of room in a ring. May call transfer_data(), if the daemon
 * wants write data without having to ask for them. Context: may sleep.
 * Return: 0; or the core has not taken it, and there is no callback: -ENODEV (no daemon, and
 * none is awaited), -ESHUTDOWN (the host is down), -EINVAL (@cdb_len).
 */
int scsi_tgt_queue_command(struct scsi_tgt_cmd *cmd, const u8 *lun, u64 tag);

/**
 * scsi_tgt_tsk_mgmt_request() - hand a task management function to the daemon
 * @host: the I_T nexus
 * @tmf: a slot that is not in use
 * @function: what to do
 * @tag: ABORT TASK only: of the command
 * @lun: 8 bytes, SAM-5
 * @data: opaque; comes back in tsk_mgmt_response()
 *
 * The daemon sees it behind all older commands of the host. Without a daemon the core itself
 * aborts what the function covers. Context: any.
 * Return: 0: there will be one tsk_mgmt_response(); -ESHUTDOWN (the host is down).
 */
int scsi_tgt_tsk_mgmt_request(struct scsi_tgt_host *host, struct scsi_tgt_cmd *tmf,
			      enum tgt_function function, u64 tag, const u8 *lun, u64 data);

/**
 * scsi_tgt_data_done() - what transfer_data() was asked for is over
 * @cmd: the command, which goes on
 * @result: TGT_DONE_OK: the data is there
 *
 * Context: any.
 */
void scsi_tgt_data_done(struct scsi_tgt_cmd *cmd, enum tgt_done result);

/**
 * scsi_tgt_response_done() - the response is sent, or never will be
 * @cmd: the command; cmd_release() follows, when the daemon's memory has been given back
 * @result: TGT_DONE_OK, TGT_DONE_LOST; TGT_DONE_CANCELLED if the data of a write could not be had
 *
 * Context: any.
 */
void scsi_tgt_response_done(struct scsi_tgt_cmd *cmd, enum tgt_done result);

#endif /* SCSI_TGT_H */
