/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * libsrp: an SRP initiator in user space, on libibverbs and librdmacm.
 *
 * It logs in with what it is told to, sends IUs that were built here or
 * anywhere else, and hands over what comes back. It is made for tools and
 * tests: it does nothing behind the caller's back except what each function
 * says, and lets everything be done wrong.
 *
 *	srpi_parse_target()	where to log in, as ib_srp's add_target takes it
 *	srpi_open()		the way there: device, protection domain
 *	srpi_mem_alloc()	memory that a target may read and write
 *	srpi_login()		a channel
 *	srpi_cmd(), ...		an IU
 *	srpi_send()
 *	srpi_recv_rsp()		the answer
 *	srpi_chan_close(), srpi_close()
 *
 * Functions return 0 or a negative errno unless they say something else;
 * srpi_error() tells the last failure of a channel in words. Nothing is thread
 * safe by itself: an srpi and its channels belong to one thread at a time.
 * Different srpis are independent of each other.
 *
 * Terms and clauses are those of SRP r16a; wire formats are in srp_wire.h.
 */
#ifndef LIBSRP_H
#define LIBSRP_H

#include <endian.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#include <stdio.h>
#include <sys/socket.h>

#include "srp_wire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- targets --------------------------------------------------------------------------------------- */

#define SRPI_PORT_ID_LEN	16
#define SRPI_DEV_NAME_LEN	64

/**
 * struct srpi_target - a target port, and how to get there
 * @i_port_id: INITIATOR PORT IDENTIFIER: extension, then GUID. All zero: the
 *	GUID becomes that of the local port, by srpi_open()
 * @t_port_id: TARGET PORT IDENTIFIER: extension, then GUID of the I/O controller
 * @dst: where the connection goes: AF_INET or AF_INET6 for RDMA/CM; AF_IB for
 *	IB/CM, with the GID, the P_Key and the service id
 * @src: where it comes from; ss_family 0: as the routes say. AF_IB: the GID of a local
 *	port; its P_Key is that of @dst
 * @device: RDMA device that has to be used, or ""; ib_srp's and perftest's names
 */
struct srpi_target {
	u8			i_port_id[SRPI_PORT_ID_LEN];
	u8			t_port_id[SRPI_PORT_ID_LEN];
	struct sockaddr_storage	dst;
	struct sockaddr_storage	src;
	char			device[SRPI_DEV_NAME_LEN];
};

/**
 * srpi_parse_target() - read a target in the form of ib_srp's add_target
 * @text: id_ext=HEX,ioc_guid=HEX,dest=ADDR:PORT[,src=ADDR][,initiator_ext=HEX] for
 *	RDMA/CM; id_ext=HEX,ioc_guid=HEX,dgid=HEX,pkey=HEX,service_id=HEX[,sgid=HEX]
 *	[,initiator_ext=HEX] for IB/CM, as `ibsrpdm -c` prints it; sgid is the GID of the
 *	local port. An IPv6 address is in brackets. Options that only concern the kernel's
 *	initiator are ignored
 * @target: result
 * @why: what is wrong with @text, if something is; a constant
 *
 * Return: 0 or -EINVAL.
 */
int srpi_parse_target(const char *text, struct srpi_target *target, const char **why);

/* ---- a way to a target, and memory ----------------------------------------------------------------- */

struct srpi;

/**
 * srpi_open() - resolve the address, open the device
 * @target: copied
 * @timeout_ms: for each step of this and of all that belongs to it; 0 for 5000
 * @err: result
 *
 * Return: NULL and a negative errno in @err, or what srpi_close() takes:
 * -EADDRNOTAVAIL the address cannot be resolved, or not over that device;
 * -ENODEV no such RDMA device; -ETIMEDOUT.
 */
struct srpi *srpi_open(const struct srpi_target *target, int timeout_ms, int *err);

/* Closes it with its channels and its memory. NULL is ignored. */
void srpi_close(struct srpi *s);

/* The target with the initiator port id that was filled in. */
const struct srpi_target *srpi_target(const struct srpi *s);
struct ibv_context *srpi_verbs(const struct srpi *s);
/* The port of that device, from 1. */
u8 srpi_port(const struct srpi *s);
struct ibv_pd *srpi_pd(const struct srpi *s);
/* Never 0, never the same twice in a process; all 64 bits vary. */
u64 srpi_next_tag(void);
/* CLOCK_MONOTONIC in nanoseconds. */
u64 srpi_now_ns(void);

/**
 * struct srpi_mem - registered memory
 * @addr: page aligned
 * @mr: with @mr->rkey; of srpi_pd(), so good for every channel. May be deregistered
 *	by the caller, who then sets it to NULL
 */
struct srpi_mem {
	u8		*addr;
	size_t		len;
	struct ibv_mr	*mr;
};

/**
 * srpi_mem_alloc() - allocate and register zeroed memory
 * @access: IBV_ACCESS_*; what a target needs for both directions is SRPI_ACCESS_DATA
 */
int srpi_mem_alloc(struct srpi *s, size_t len, int access, struct srpi_mem *mem);
/* An all-zero @mem is ignored. */
void srpi_mem_free(struct srpi_mem *mem);

#define SRPI_ACCESS_DATA	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE)

/* The memory descriptor of a part of @mem; not checked against its length. */
struct srp_wire_desc srpi_desc(const struct srpi_mem *mem, size_t off, u32 len);

/* ---- channels -------------------------------------------------------------------------------------- */

struct srpi_chan;

/**
 * struct srpi_login_opts - how to log in; all zero is what ib_srp does
 * @private_data: of the REQ, instead of a login request made of the fields below
 * @private_data_len: bytes; 0 with a @private_data that is not NULL is sent as that
 * @tag: of the SRP_LOGIN_REQ
 * @iu_len: REQUESTED MAXIMUM INITIATOR TO TARGET IU LENGTH; 0: 8260
 * @formats: REQUIRED DATA BUFFER DESCRIPTOR FORMATS; 0: direct and indirect
 * @flags: byte 26: SRP_LOGIN_MC_*, SRP_LOGIN_IMM
 * @imm_off: IMMEDIATE DATA OFFSET; 0: 68
 * @no_reads: offer to serve no RDMA READ
 * @responder_resources: RDMA READs that are served at once; 0: 4
 * @retry_count: of both sides' QPs; 0: 7
 * @ack_timeout: likewise, 4.096 us * 2^this before a retry; 0: what the CM thinks
 * @qp_num: claim to have this QP; 0: the real one
 * @recvs: receives that are posted; 0: 256, negative: none
 * @recv_size: bytes of each; 0: 1024
 * @sends: send queue depth; 0: 512
 * @send_mem: bytes of all IUs that are being sent; 0: 256 KiB
 */
struct srpi_login_opts {
	const void	*private_data;
	u8		private_data_len;
	u64		tag;
	u32		iu_len;
	u16		formats;
	u8		flags;
	u16		imm_off;
	bool		no_reads;
	u8		responder_resources;
	u8		retry_count;
	u8		ack_timeout;
	u32		qp_num;
	int		recvs;
	u32		recv_size;
	u32		sends;
	u32		send_mem;
};

/* ib_srp's defaults. */
#define SRPI_IU_LEN	8260
#define SRPI_IMM_OFF	68

/**
 * struct srpi_login_rsp - what the target answered to a login
 * @rejected: the login was refused; only the first group is valid
 * @cm_status: reason of the CM REJ (IBA table 120; 28 = consumer defined)
 * @reason: enum srp_login_reject, or 0 if there was no SRP_LOGIN_REJ
 * @private_data: as it came, zero padded by the CM
 * @limit: request limit
 * @max_it_iu_len, @max_ti_iu_len: MAXIMUM ... IU LENGTH
 * @mc_result: enum srp_mc_result
 * @imm: immediate data is supported
 * @initiator_depth: RDMA READs that the target may have outstanding
 */
struct srpi_login_rsp {
	bool	rejected;
	int	cm_status;
	u32	reason;
	u8	private_data[196];
	u8	private_data_len;

	u64	tag;
	s32	limit;
	u32	max_it_iu_len;
	u32	max_ti_iu_len;
	u16	formats;
	u8	mc_result;
	bool	imm;
	u8	initiator_depth;
};

/**
 * srpi_build_login() - the private data that srpi_login() would send
 * @buf: 64 bytes
 *
 * Return: bytes: 64 (struct srp_wire_login_req) for IB/CM, 56 (struct
 * srp_wire_login_req_rdma) for RDMA/CM.
 */
u8 srpi_build_login(const struct srpi *s, const struct srpi_login_opts *opts, void *buf);

/**
 * srpi_login() - log in
 * @opts: NULL: all zero
 * @ch: result; also set, to be looked at and closed, if the target refused
 *
 * Return: 0; -ECONNREFUSED: rejected, see srpi_chan_login(); -EPROTO: accepted
 * with something that is no SRP_LOGIN_RSP; -ETIMEDOUT, -EHOSTUNREACH; others
 * for local failures, then without a channel.
 */
int srpi_login(struct srpi *s, const struct srpi_login_opts *opts, struct srpi_chan **ch);

/*
 * The steps of srpi_login(), for who wants to do something between them:
 * srpi_chan_create() resolves the route and makes a QP with its receives;
 * srpi_connect() sends the REQ; srpi_wait_rep() waits for the REP, checks it and
 * brings the QP to RTS, so that IUs can be sent; srpi_establish() sends the RTU.
 * srpi_reject() answers the REP with a REJ. Return values as srpi_login().
 */
int srpi_chan_create(struct srpi *s, const struct srpi_login_opts *opts, struct srpi_chan **ch);
int srpi_connect(struct srpi_chan *ch, const struct srpi_login_opts *opts);
int srpi_wait_rep(struct srpi_chan *ch);
int srpi_establish(struct srpi_chan *ch);
int srpi_reject(struct srpi_chan *ch);

/* Starts the disconnection (DREQ, or DREP if that has come), with the QP in error. */
int srpi_disconnect(struct srpi_chan *ch);
/* Disconnects and frees the channel. NULL is ignored. */
void srpi_chan_close(struct srpi_chan *ch);
/* Destroys the QP without a word to the target; the channel can only be closed any more. */
void srpi_chan_kill_qp(struct srpi_chan *ch);

const struct srpi_login_rsp *srpi_chan_login(const struct srpi_chan *ch);
struct ibv_qp *srpi_chan_qp(const struct srpi_chan *ch);
struct rdma_cm_id *srpi_chan_cm_id(const struct srpi_chan *ch);
/* The last failure in words, never NULL. */
const char *srpi_error(const struct srpi_chan *ch);

/**
 * struct srpi_stats - what went over a channel
 * @requests: SRP_CMDs and SRP_TSK_MGMTs that were sent
 * @deltas: sum of the request limit deltas that came back, without the login's
 * @cred_reqs, @aer_reqs: SRP_CRED_REQs and SRP_AER_REQs that came
 * @closed: the target, or the CM, has ended the connection
 * @logout: reason of the SRP_T_LOGOUT that came, or -1
 * @failed: a completion with this status that was not IBV_WC_SUCCESS, the first
 */
struct srpi_stats {
	u64			requests;
	s64			deltas;
	u64			cred_reqs;
	u64			aer_reqs;
	bool			closed;
	int			logout;
	enum ibv_wc_status	failed;
};

const struct srpi_stats *srpi_stats(const struct srpi_chan *ch);
/* Credits: requests that may be sent now without an overrun of the limit. */
s64 srpi_credits(const struct srpi_chan *ch);
/* Prints the last completions, IUs and CM events of the channel, oldest first, with their time. */
void srpi_print_log(const struct srpi_chan *ch, FILE *file);

/* ---- building IUs ---------------------------------------------------------------------------------- */

/* The largest SRP_CMD that its fields can express is 8420 bytes. */
#define SRPI_MAX_IU	8448

/**
 * struct srpi_iu - an IU under construction
 *
 * The functions below begin one or append to it; the caller may change any byte and
 * the length afterwards. What does not fit is left out, and @len is what it would be.
 */
struct srpi_iu {
	u32	len;
	u8	b[SRPI_MAX_IU];
};

/* The fixed part, to be changed. */
static inline struct srp_wire_cmd *srpi_as_cmd(struct srpi_iu *iu)
{
	return (struct srp_wire_cmd *)iu->b;
}

/* The tag of any IU of 16 bytes or more. */
u64 srpi_iu_tag(const struct srpi_iu *iu);
/* Single-level LUN structure: peripheral addressing below 256, flat space above. */
void srpi_lun(u8 lun[8], u16 nr);

/**
 * srpi_cmd() - begin an SRP_CMD without a data buffer
 * @lun: eight bytes
 * @cdb: with what exceeds 16 bytes as ADDITIONAL CDB, padded to four
 */
void srpi_cmd(struct srpi_iu *iu, u64 tag, const u8 lun[8], const void *cdb, size_t cdb_len);

/* Bytes as they are. */
void srpi_append(struct srpi_iu *iu, const void *p, size_t len);
void srpi_append_be32(struct srpi_iu *iu, u32 v);

/* Which of the two buffers of an SRP_CMD; data-out has to be appended first. */
enum srpi_dir { SRPI_OUT, SRPI_IN };

/* Append a buffer in format 1 (direct), and set the format. */
void srpi_direct(struct srpi_iu *iu, enum srpi_dir dir, struct srp_wire_desc desc);
/**
 * srpi_indirect() - append a buffer in format 2 (indirect), and set format and count
 * @table: where the whole list is in registered memory; only its length matters if all
 *	entries are in the IU
 * @list: the entries
 * @nr: of them, in the IU; at most 255 fit the count
 * @total: total DATA LENGTH
 */
void srpi_indirect(struct srpi_iu *iu, enum srpi_dir dir, struct srp_wire_desc table,
		   const struct srp_wire_desc *list, u32 nr, u32 total);
/* Append a data-out buffer in format 3 (immediate data), with its data at offset @off. */
void srpi_immediate(struct srpi_iu *iu, u32 off, const void *data, u32 len);

/* An SRP_TSK_MGMT; @task_tag matters for ABORT TASK only. */
void srpi_tmf(struct srpi_iu *iu, u64 tag, const u8 lun[8], u8 function, u64 task_tag);
/* SRP_I_LOGOUT, SRP_CRED_RSP, SRP_AER_RSP: 16 bytes. */
void srpi_short(struct srpi_iu *iu, u8 opcode, u64 tag);

/* ---- sending and receiving ------------------------------------------------------------------------- */

/**
 * srpi_send() - SEND an IU
 *
 * It is copied, and counted if it is a request. Return: 0; -EAGAIN: the send queue or its
 * memory is full, receive something; -EMSGSIZE: longer than the channel's send_mem.
 */
int srpi_send(struct srpi_chan *ch, const struct srpi_iu *iu);
/* The same with any bytes, which are counted like an IU. */
int srpi_send_bytes(struct srpi_chan *ch, const void *buf, u32 len);
/* Many IUs by one work request list, so that they arrive back to back. */
int srpi_send_list(struct srpi_chan *ch, const struct srpi_iu *const *ius, u32 nr);
/*
 * Any work request that sends something; nothing is counted. wr_id is the library's. Memory of
 * the caller must live until its completion, which is only seen in the log.
 */
int srpi_post_send(struct srpi_chan *ch, struct ibv_send_wr *wr);
/* Post the receives that recvs < 0 left out at login. */
int srpi_post_recvs(struct srpi_chan *ch);

/* A received IU; @buf is valid until the next call for the channel. */
struct srpi_rx {
	const u8	*buf;
	u32		len;
};

/**
 * srpi_recv() - the next IU of any kind
 * @timeout_ms: 0: only look; negative: for ever
 *
 * Return: 0; -ETIMEDOUT; -ENOTCONN: the connection has ended and nothing is left.
 * Deltas of SRP_RSP, SRP_CRED_REQ and SRP_AER_REQ are counted, an SRP_T_LOGOUT noted.
 */
int srpi_recv(struct srpi_chan *ch, struct srpi_rx *rx, int timeout_ms);

#define SRPI_WAIT_MAX	64

/**
 * srpi_wait() - sleep until one of several channels may have something to receive
 * @nr: of the channels @chs, at most SRPI_WAIT_MAX
 * @timeout_ms: negative: for ever
 *
 * For a loop that goes through all of them by srpi_recv() with timeout 0, and has found nothing.
 * It may return early. Return: 0: look again; -ETIMEDOUT.
 */
int srpi_wait(struct srpi_chan *const *chs, u32 nr, int timeout_ms);

/**
 * struct srpi_rsp - an SRP_RSP, checked
 * @iu: as it came; valid like struct srpi_rx
 * @code: RSP_CODE, or -1 without RSPVALID
 * @out_res, @in_res: DATA-OUT, DATA-IN RESIDUAL COUNT; see @flags for what they mean
 * @sense: @sense_len bytes
 */
struct srpi_rsp {
	struct srpi_rx	iu;
	u64		tag;
	s32		delta;
	u8		status;
	u8		flags;
	int		code;
	u32		out_res;
	u32		in_res;
	const u8	*sense;
	u32		sense_len;
};

/**
 * srpi_parse_rsp() - check an SRP_RSP
 *
 * Return: 0, or -EPROTO: not an SRP_RSP, its length is not that of its parts, or a part is
 * there without its VALID bit.
 */
int srpi_parse_rsp(const struct srpi_rx *rx, struct srpi_rsp *rsp);

/* Sense key << 16 | ASC << 8 | ASCQ of either format; 0 if there is no sense data. */
u32 srpi_sense(const struct srpi_rsp *rsp);

/**
 * srpi_recv_rsp() - the next SRP_RSP
 *
 * As srpi_recv(); in between, SRP_CRED_REQ and SRP_AER_REQ are answered. -EPROTO as
 * srpi_parse_rsp(), also for any other IU.
 */
int srpi_recv_rsp(struct srpi_chan *ch, struct srpi_rsp *rsp, int timeout_ms);

/* Send a request, wait for the SRP_RSP with its tag; -EPROTO for another tag. */
int srpi_ask(struct srpi_chan *ch, const struct srpi_iu *iu, struct srpi_rsp *rsp, int timeout_ms);

/* ---- in words -------------------------------------------------------------------------------------- */

/* All of them: a constant, never NULL. */
const char *srpi_opcode_str(u8 opcode);
const char *srpi_reject_str(u32 reason);	/* enum srp_login_reject */
const char *srpi_cm_reject_str(int status);	/* reason of a CM REJ */
const char *srpi_logout_str(int reason);	/* enum srp_logout_reason */
const char *srpi_rsp_code_str(int code);
const char *srpi_tmf_str(u8 function);
const char *srpi_status_str(u8 status);		/* SAM-5 */
const char *srpi_sense_key_str(u8 key);

#ifdef __cplusplus
}
#endif

#endif
