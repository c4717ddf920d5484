/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * /dev/tgt: SCSI targets in user space.
 *
 * One open file is one daemon. It binds targets, registers the memory that data
 * is moved to and from, and talks to the kernel through ring pairs in shared
 * memory. The kernel never looks at what a ring slot holds more than once, and
 * the daemon is never told a kernel address: commands have ids that are valid
 * until they end.
 *
 * A command: CMD_REQ, then CMD_RSP by the daemon, then CMD_DONE; the memory
 * CMD_RSP names is the kernel's until CMD_DONE. A write may be answered twice:
 * first with TGT_RSP_DATA_ONLY, which fetches the data and ends in a CMD_DONE of
 * its own, then with the status; or once, if the data are in lent memory. An aborted
 * command ends with a CMD_RSP that has TGT_RSP_ABORTED, and has no CMD_DONE;
 * between CMD_RSP and CMD_DONE it cannot be aborted.
 *
 * Task management: TSK_MGMT_REQ comes behind all older commands of its host.
 * The daemon ends the commands it covers, then sends TSK_MGMT_RSP.
 *
 * All integers are in the byte order of the machine, but for LUNs, port
 * identifiers and CDBs, which are bytes. The layout is the same for 32 and 64
 * bits. What is reserved is zero.
 */
#ifndef _UAPI_SCSI_TGT_IF_H
#define _UAPI_SCSI_TGT_IF_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TGT_ABI_VERSION		1
#define TGT_MAX_RINGS		64
#define TGT_MAX_SLOTS		65536
#define TGT_NAME_LEN		64
#define TGT_CDB_LEN		32
#define TGT_SENSE_LEN		192
#define TGT_MAX_TRANSFER	(64U << 20)	/* bytes of one CMD_RSP */
#define TGT_LENT_PAGE		4096U		/* bytes, what lent memory is counted in */
#define TGT_MAX_LENT		(1ULL << 32)	/* bytes of lent memory of one ring */

/* ---- events, kernel to daemon ---------------------------------------------- */

enum tgt_event_type {
	TGT_CMD_REQ		= 1,
	TGT_CMD_DONE		= 2,
	TGT_TSK_MGMT_REQ	= 3,
	TGT_HOST_UP		= 4,
	TGT_HOST_DOWN		= 5,
	/* daemon to kernel */
	TGT_NO_ANSWER		= 0x80,
	TGT_CMD_RSP		= 0x81,
	TGT_TSK_MGMT_RSP	= 0x82,
};

/* SAM-5 task attributes */
enum tgt_task_attr {
	TGT_ATTR_SIMPLE		= 0,
	TGT_ATTR_HEAD		= 1,
	TGT_ATTR_ORDERED	= 2,
	TGT_ATTR_ACA		= 4,
};

enum tgt_function {
	TGT_ABORT_TASK		= 1,
	TGT_ABORT_TASK_SET	= 2,
	TGT_CLEAR_TASK_SET	= 3,
	TGT_LUN_RESET		= 4,
	TGT_CLEAR_ACA		= 5,
};

/* Of CMD_DONE */
enum tgt_done {
	TGT_DONE_OK		= 0,
	TGT_DONE_LOST		= 1,	/* the initiator or its connection is gone */
	TGT_DONE_CANCELLED	= 2,	/* nothing was fetched: it is being aborted, or no memory */
};

/* Of a task management function */
enum tgt_tmf_result {
	TGT_TMF_COMPLETE	= 0,
	TGT_TMF_TASK_NOT_FOUND	= 1,
	TGT_TMF_TASK_COMPLETED	= 2,	/* it ended by itself */
	TGT_TMF_NOT_SUPPORTED	= 3,
	TGT_TMF_LUN_NOT_FOUND	= 4,
	TGT_TMF_REJECTED	= 5,
	TGT_TMF_FAILED		= 6,
};

/*
 * Of CMD_REQ: the data are on their way to lent memory, as if a DATA_ONLY had been answered:
 * CMD_DONE follows, and until then no answer is taken.
 */
#define TGT_REQ_FETCHING	(1U << 0)

/**
 * struct tgt_cmd_req - a command has arrived
 * @cmd_id: names it, among those of its host, until it ends; never used again
 * @tag: of the initiator; only to be compared with that of an ABORT TASK
 * @seq: counts commands and functions of the host
 * @lun: 8 bytes, SAM-5
 * @data_out_len: bytes the initiator offers to send
 * @data_in_len: bytes the initiator has room for
 * @attr: enum tgt_task_attr
 * @cdb_len: bytes of @cdb
 * @flags: TGT_REQ_*
 * @lent: 1 + the number of the TGT_LENT_PAGE of lent memory where all of the data-out begins, as if
 *	a DATA_ONLY had fetched them; 0: they have to be fetched. See struct tgt_lend
 */
struct tgt_cmd_req {
	__u64	cmd_id;
	__u64	tag;
	__u64	seq;
	__u8	lun[8];
	__u32	data_out_len;
	__u32	data_in_len;
	__u8	attr;
	__u8	cdb_len;
	__u8	flags;
	__u8	reserved;
	__u32	lent;
	__u8	cdb[TGT_CDB_LEN];
};

/**
 * struct tgt_cmd_done - the memory of a CMD_RSP is the daemon's again
 * @cmd_id: the command
 * @result: enum tgt_done
 * @ended: 1: the command has ended; 0: its data were fetched, and it goes on
 */
struct tgt_cmd_done {
	__u64	cmd_id;
	__u32	result;
	__u32	ended;
};

/**
 * struct tgt_tsk_mgmt_req - a task management function
 * @tmf_id: names it in TSK_MGMT_RSP
 * @tag: ABORT TASK only: of the command, which may be any number, 0 too
 * @seq: counts commands and functions of the host
 * @lun: 8 bytes, SAM-5
 * @function: enum tgt_function
 */
struct tgt_tsk_mgmt_req {
	__u64	tmf_id;
	__u64	tag;
	__u64	seq;
	__u8	lun[8];
	__u32	function;
	__u32	reserved;
};

/**
 * struct tgt_host_up - an initiator has logged in (an I_T nexus)
 * @target_id: as TGT_IOC_BIND said
 * @reserved: 0
 * @i_port_id: initiator port identifier
 * @t_port_id: target port identifier
 */
struct tgt_host_up {
	__u32	target_id;
	__u32	reserved;
	__u8	i_port_id[16];
	__u8	t_port_id[16];
};

/**
 * struct tgt_event - a slot of the ring to the daemon
 * @type: enum tgt_event_type
 * @host_no: the I_T nexus; never used again. After HOST_DOWN, which has no
 *	other field, its initiator is gone: the daemon ends each command and
 *	function of it, in any way, soon
 */
struct tgt_event {
	__u32	type;
	__u32	host_no;
	union {
		struct tgt_cmd_req	cmd_req;
		struct tgt_cmd_done	cmd_done;
		struct tgt_tsk_mgmt_req	tsk_mgmt_req;
		struct tgt_host_up	host_up;
		__u8			pad[120];
	};
};

/* ---- events, daemon to kernel ---------------------------------------------- */

#define TGT_RSP_ABORTED		(1U << 0)	/* ends it without a word to the initiator */
#define TGT_RSP_DATA_ONLY	(1U << 1)	/* fetch write data, no status yet */
#define TGT_RSP_FLAGS		(TGT_RSP_ABORTED | TGT_RSP_DATA_ONLY)

/**
 * struct tgt_cmd_rsp - answer a command, or fetch its data
 * @cmd_id: as in CMD_REQ
 * @flags: TGT_RSP_*
 * @buf_id: as TGT_IOC_REG_BUF said; ignored if @len is 0
 * @off: where the data is in the buffer
 * @len: bytes to move, from the beginning of the initiator's buffer: not more than
 *	data_in_len or data_out_len of the command. Data-out moves with DATA_ONLY, or
 *	before a status of GOOD
 * @produced: with a status: bytes that the command transfers, or would transfer if
 *	the initiator had offered as much; the residual comes from it
 * @status: SAM-5
 * @sense_len: bytes of @sense
 * @sense: as the initiator gets it
 */
struct tgt_cmd_rsp {
	__u64	cmd_id;
	__u32	flags;
	__u32	buf_id;
	__u64	off;
	__u32	len;
	__u32	produced;
	__u8	status;
	__u8	sense_len;
	__u8	reserved[6];
	__u8	sense[TGT_SENSE_LEN];
};

/**
 * struct tgt_tsk_mgmt_rsp - a function has ended
 * @tmf_id: as in TSK_MGMT_REQ
 * @result: enum tgt_tmf_result. The kernel tells the initiator of an executed
 *	function when the commands that it covers have ended, not before
 */
struct tgt_tsk_mgmt_rsp {
	__u64	tmf_id;
	__u32	result;
	__u32	reserved;
};

/**
 * struct tgt_answer - a slot of the ring to the kernel
 * @type: TGT_CMD_RSP or TGT_TSK_MGMT_RSP; TGT_NO_ANSWER, see TGT_IOC_ANSWER
 * @host_no: as in the request
 */
struct tgt_answer {
	__u32	type;
	__u32	host_no;
	union {
		struct tgt_cmd_rsp	cmd_rsp;
		struct tgt_tsk_mgmt_rsp	tsk_mgmt_rsp;
		__u8			pad[248];
	};
};

/* ---- rings ------------------------------------------------------------------ */

/*
 * Set by the kernel in tgt_ring.flags, to be looked at after ev_cons was stored
 * and a full barrier: events wait for room; TGT_IOC_ENTER once there is some.
 */
#define TGT_RING_PENDING	(1U << 0)

/**
 * enum tgt_asleep - tgt_ring.asleep: what the eventfd is signalled for
 * @TGT_AWAKE: nothing
 * @TGT_ASLEEP: any event. So is any other value
 * @TGT_ASLEEP_SOUND: any event but those that leave nothing to do now: a CMD_DONE that ends its
 *	command, whose memory can be used again with the next request, and a CMD_REQ with
 *	TGT_REQ_FETCHING. If there is no room for an event, that is signalled, too
 */
enum tgt_asleep {
	TGT_AWAKE		= 0,
	TGT_ASLEEP		= 1,
	TGT_ASLEEP_SOUND	= 2,
};

/**
 * struct tgt_ring - the head of a ring pair, at its beginning
 * @ev_prod: events written; by the kernel
 * @flags: TGT_RING_*; by the kernel
 * @ans_cons: answers read; by the kernel
 * @ev_cons: events read; by the daemon
 * @asleep: enum tgt_asleep: the daemon waits for the eventfd; set by it before it looks a last
 *	time, with a full barrier between
 * @ans_prod: answers written; by the daemon
 *
 * Counters run freely modulo 2^32: a slot is counter % slots. A daemon that claims to have read
 * what was not written is killed. Who writes a counter stores it with release semantics, the
 * other side loads it with acquire.
 * Events begin @ev_off bytes, answers @ans_off bytes behind the head, see
 * struct tgt_setup.
 */
struct tgt_ring {
	__u32	ev_prod;
	__u32	flags;
	__u32	ans_cons;
	__u32	kernel_pad[13];
	__u32	ev_cons;
	__u32	asleep;
	__u32	ans_prod;
	__u32	daemon_pad[13];
};

/* ---- ioctls ----------------------------------------------------------------- */

/**
 * struct tgt_setup - make the rings; first and once
 * @version: TGT_ABI_VERSION
 * @features: in: wanted, out: granted; none is defined
 * @nr_rings: ring pairs; an I_T nexus keeps to one of them
 * @ev_slots: of each, a power of two
 * @ans_slots: of each, a power of two
 * @timeout_ms: a daemon that does not call TGT_IOC_ENTER for so long, though
 *	something waits for it, is killed; so is one that does not end the commands of
 *	a host that is down. 0: 30000
 * @recovery_ms: after a crash initiators stay logged in, and their commands
 *	wait, for so long for a daemon that binds the same targets. 0: none
 * @reserved: 0
 * @ring_size: out: mmap() ring i at offset i * @ring_size, as many bytes
 * @ev_off: out
 * @ans_off: out
 */
struct tgt_setup {
	__u32	version;
	__u32	features;
	__u32	nr_rings;
	__u32	ev_slots;
	__u32	ans_slots;
	__u32	timeout_ms;
	__u32	recovery_ms;
	__u32	reserved;
	__u64	ring_size;
	__u32	ev_off;
	__u32	ans_off;
};

/**
 * struct tgt_eventfd - be told of events in a ring
 * @ring: which
 * @fd: an eventfd; signalled when there is an event and tgt_ring.asleep says so
 */
struct tgt_eventfd {
	__u32	ring;
	__s32	fd;
};

/**
 * struct tgt_bind - serve a target, or say anew who may use it
 * @fabric: who carries it, "srpt"
 * @port: the port in the fabric's manner, or "" for all of them; it need not exist yet
 * @id_ext: of the target port identifier
 * @initiators: address of @nr_initiators names of TGT_NAME_LEN bytes each, in the
 *	fabric's manner, who may log in; none: whoever wants to
 * @nr_initiators: names
 * @target_id: out: names the target in this file
 *
 * Binding a target that this file has bound replaces the list of initiators; sessions of those
 * that are no longer in it end.
 */
struct tgt_bind {
	char	fabric[16];
	char	port[TGT_NAME_LEN];
	__u64	id_ext;
	__u64	initiators;
	__u32	nr_initiators;
	__u32	target_id;
};

/**
 * struct tgt_reg_buf - register memory for data
 * @addr: page-aligned; anonymous, shared or huge pages, but not a mapped file
 * @len: bytes, whole pages; charged to RLIMIT_MEMLOCK
 * @buf_id: out
 * @reserved: 0
 */
struct tgt_reg_buf {
	__u64	addr;
	__u64	len;
	__u32	buf_id;
	__u32	reserved;
};

/**
 * struct tgt_lend - lend memory for write data; once a ring
 * @ring: which
 * @buf_id: as TGT_IOC_REG_BUF said; stays registered as long as the file is open
 * @off: in the buffer, a multiple of TGT_LENT_PAGE
 * @len: bytes, a multiple of TGT_LENT_PAGE, up to TGT_MAX_LENT
 *
 * As long as there is room the data of commands are put there, without an answer that asks for
 * them: those that come with a command (immediate data) are there with CMD_REQ, those of WRITE
 * commands are fetched, see TGT_REQ_FETCHING. What a CMD_REQ names is the daemon's until it has
 * answered the command for good; all else is the kernel's.
 */
struct tgt_lend {
	__u32	ring;
	__u32	buf_id;
	__u64	off;
	__u64	len;
};

/**
 * struct tgt_enter - carry out the answers in a ring
 * @ring: which
 * @consumed: out: answers taken, good or bad
 * @rejected: out: those that had no effect
 * @error: out: why the first of them had none, a negative errno: -ENOENT no such host, command or
 *	function, or it is not the daemon's now; -EINVAL a field; -ERANGE outside of the buffer.
 *	Or -ENOMEM: the next one was not taken, call again. 0: all is well
 *
 * Also fills the ring to the daemon, if events had to wait. Called without answers it tells
 * the kernel that the daemon is alive.
 *
 * TGT_IOC_ENTER can be a request of io_uring, too: IORING_OP_URING_CMD, with this at "cmd" of the
 * SQE. The result is @error, or what the ioctl fails with.
 *
 * TGT_IOC_ANSWER is a request of io_uring only, with the address of a struct tgt_answer, 64 bits,
 * at "cmd": one answer that is in no ring, so that it can be linked behind the I/O it tells of. The
 * result is 0, or what @error would be; -EFAULT: no memory at that address; -ECANCELED: it was
 * withdrawn meanwhile, with TGT_NO_ANSWER as its type.
 */
struct tgt_enter {
	__u32	ring;
	__u32	consumed;
	__u32	rejected;
	__s32	error;
};

#define TGT_IOC_SETUP		_IOWR('t', 1, struct tgt_setup)
#define TGT_IOC_EVENTFD		_IOW('t', 2, struct tgt_eventfd)
#define TGT_IOC_BIND		_IOWR('t', 3, struct tgt_bind)
#define TGT_IOC_UNBIND		_IOW('t', 4, __u32)
#define TGT_IOC_REG_BUF		_IOWR('t', 5, struct tgt_reg_buf)
#define TGT_IOC_UNREG_BUF	_IOW('t', 6, __u32)
#define TGT_IOC_ENTER		_IOWR('t', 7, struct tgt_enter)
#define TGT_IOC_LEND		_IOW('t', 8, struct tgt_lend)
#define TGT_IOC_ANSWER		_IOW('t', 9, struct tgt_answer)

/* Names that C and the kernel agree on, so that the layout does not depend on who compiles it. */
#define TGT_LAYOUT(type, field, offset) \
	_Static_assert(__builtin_offsetof(type, field) == (offset), #type "." #field)
#define TGT_SIZE(type, size) \
	_Static_assert(sizeof(type) == (size), #type)

TGT_SIZE(struct tgt_cmd_req, 80);
TGT_LAYOUT(struct tgt_cmd_req, lent, 44);
TGT_LAYOUT(struct tgt_cmd_req, cdb, 48);
TGT_SIZE(struct tgt_cmd_done, 16);
TGT_SIZE(struct tgt_tsk_mgmt_req, 40);
TGT_SIZE(struct tgt_host_up, 40);
TGT_SIZE(struct tgt_event, 128);
TGT_LAYOUT(struct tgt_event, cmd_req, 8);
TGT_SIZE(struct tgt_cmd_rsp, 232);
TGT_LAYOUT(struct tgt_cmd_rsp, sense, 40);
TGT_SIZE(struct tgt_tsk_mgmt_rsp, 16);
TGT_SIZE(struct tgt_answer, 256);
TGT_LAYOUT(struct tgt_answer, cmd_rsp, 8);
TGT_SIZE(struct tgt_ring, 128);
TGT_LAYOUT(struct tgt_ring, ev_cons, 64);
TGT_SIZE(struct tgt_setup, 48);
TGT_SIZE(struct tgt_bind, 104);
TGT_SIZE(struct tgt_reg_buf, 24);
TGT_SIZE(struct tgt_enter, 16);
TGT_SIZE(struct tgt_lend, 24);

#endif /* _UAPI_SCSI_TGT_IF_H */
