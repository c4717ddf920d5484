/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * An SRP initiator over the RDMA CM that sends what it is told to: memory, channels, IUs and commands.
 *
 * Nothing here returns an error: what goes wrong ends the running attempt().
 */
#ifndef INI_H
#define INI_H

#include <endian.h>
#include <infiniband/verbs.h>
#include <linux/types.h>
#include <netinet/in.h>
#include <rdma/rdma_cma.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
#define __packed __attribute__((__packed__))
#include "srp_wire.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define LUN		1	/* of all commands, unless a test is given another one */
#define BLOCK		512
#define IU_LEN		8260	/* asked for at login */
#define IMM_OFF		68	/* likewise */
#define CANARY		0xa5
#define TIMEOUT		20000	/* ms; a kernel with debugging on a busy machine */

#define MAX_CHANS	17
#define NR_RX		256	/* receives of a channel: more than any request limit */
#define RX_SIZE		512
#define NR_TX		448	/* sends of a channel, without a look at completions */
#define TX_SIZE		1024

#define DATA_SIZE	(1 << 20)
/* Soft RoCE of 6.1 looks beyond its tables when it comes to the end of a multiple of 1 MiB. */
#define MR_SIZE		(DATA_SIZE + 4096)

#define NO_LOGOUT	(-1)
#define ANY_LOGOUT	(-2)	/* for expect_closed(): or none, as where the QP fails */

struct chan {
	bool			used;
	struct rdma_event_channel *events;
	struct rdma_cm_id	*id;
	struct ibv_comp_channel	*comp;
	struct ibv_cq		*cq;
	struct ibv_qp		*qp;
	u8			*rx, *tx;
	u32			next_tx, sq_used;
	bool			connected, closed;
	/* from the login */
	int			limit;
	u32			it_iu_len;
	u8			mc_result;
	bool			imm;
	int			logout;		/* reason of the SRP_T_LOGOUT that came, or NO_LOGOUT */
	/* credits */
	long			requests, deltas;
	unsigned int		cred_reqs;	/* SRP_CRED_REQs that came */
};

/* An IU under construction. */
struct iu {
	u8	b[TX_SIZE];
	u32	len;
};

struct rsp {
	u8	iu[RX_SIZE];
	u32	len;
};

struct cdb {
	u8	b[SRP_CDB_LEN];
};

#define CDB_TUR		{ 0x00 }
#define CDB_INQUIRY(n)	{ 0x12, 0, 0, 0, (n) }
#define CDB_READ(lba, n)	{ 0x28, 0, 0, 0, (lba) >> 8, (lba) & 0xff, 0, 0, (n) }
#define CDB_WRITE(lba, n)	{ 0x2a, 0, 0, 0, (lba) >> 8, (lba) & 0xff, 0, 0, (n) }

/* Where to log in, set before the first login(). */
extern struct sockaddr_in target;
extern u64 guid;

extern u8 lun;			/* of the commands that are built */
extern u8 retry_count;		/* of the connections that are made, for both sides */
extern struct ibv_mr *data_mr;
extern u8 *data;		/* what the target may read and write, from the first login on */
extern u64 random_state;

/* ---- failures and time ----------------------------------------------------------------------------- */

/* Prints why, and ends what attempt() runs. */
void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *fmt, ...);
/* Returns whether @fn passed; if not, all channels are closed. */
bool attempt(void (*fn)(const void *), const void *arg);
long now_ms(void);
u64 next_random(void);
/* A random number less than @n. */
u32 below(u32 n);

/* ---- channels -------------------------------------------------------------------------------------- */

/* @flags: SRP_LOGIN_MC_*, SRP_LOGIN_IMM */
struct chan *login(u8 flags);
/* A request that can be changed by the caller, and what is done with it: @len bytes of it get in, or it is refused. */
struct srp_wire_login_req_rdma login_req(u8 flags);
struct chan *login_with(const struct srp_wire_login_req_rdma *req, u8 len);
/* Returns the reason. @depth: RDMA READs that are served */
u32 login_refused(const struct srp_wire_login_req_rdma *req, u8 depth);
/* The same, and until unit attentions are over. */
struct chan *login_settled(u8 flags);
void close_chan(struct chan *ch);
void close_all(void);

/* ---- IUs ------------------------------------------------------------------------------------------- */

enum wait_result { WAIT_RSP, WAIT_CLOSED, WAIT_TIMEOUT };

/* Any work request that sends something; the caller sees to it that the queue is not full. */
void post_wr(struct chan *ch, struct ibv_send_wr *wr);
/* Sends bytes that do not count as a request, whatever they are. */
void post_bytes(struct chan *ch, const void *buf, u32 len);
/* Sends an IU, and counts it if it is a request. */
void send_iu(struct chan *ch, const struct iu *iu);
u64 iu_tag(const struct iu *iu);
/* Waits for the next response, or for the end of the channel. */
enum wait_result wait_rsp(struct chan *ch, struct rsp *r, long ms);
const struct srp_wire_rsp *as_rsp(const struct rsp *r);
/* Everything that is true of every SRP_RSP; counts its credits. */
void check_rsp(struct chan *ch, const struct rsp *r);
/* Sends a request and gets its answer, with one credit. */
void ask(struct chan *ch, const struct iu *iu, struct rsp *r);
/* The target closes the channel, with this reason in an SRP_T_LOGOUT; then it is closed here. */
void expect_closed(struct chan *ch, int logout);
/* All requests were answered, with a credit each. */
void expect_conserved(const struct chan *ch);

/* ---- commands -------------------------------------------------------------------------------------- */

/* A command without descriptors, which can be changed by what is returned, and appended to. */
struct srp_wire_cmd *begin_cmd(struct iu *iu, struct cdb cdb, u8 buf_fmt);
void append(struct iu *iu, const void *p, u32 len);
void append_be32(struct iu *iu, u32 v);
/* Memory at @off of the data. */
void append_desc(struct iu *iu, u32 off, u32 len);

/* TEST UNIT READY; and commands with one direct descriptor, data-in and data-out. */
void build_tur(struct iu *iu);
void build_in(struct iu *iu, struct cdb cdb, u32 off, u32 len);
void build_out(struct iu *iu, struct cdb cdb, u32 off, u32 len);
void build_tmf(struct iu *iu, u8 function, u64 on_lun, u64 task_tag);

/* GOOD, and nothing more to say. */
void expect_good(const struct rsp *r);
/* CHECK CONDITION with @sense: key, ASC, ASCQ */
void expect_sense(const struct rsp *r, u32 sense);
/* ask() and expect_good() */
void do_good(struct chan *ch, const struct iu *iu);
void tur(struct chan *ch);
/* TEST UNIT READY until unit attentions are over. */
void settle(struct chan *ch);

/* Contents of the data: a pattern, or, in all of it, what the target must leave as it is. */
void fill_pattern(u32 off, u32 len, u64 seed);
void lay_canary(void);
void expect_canary(u32 off, u32 len);

#endif
