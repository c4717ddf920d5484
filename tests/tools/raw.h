/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A raw SRP initiator over the RDMA CM: channels that send whatever bytes they
 * are given, keep what comes back, and count the credits.
 *
 * IUs are built by hand from the structures of srp_wire.h. Nothing here hides
 * an error: a function that cannot do its job on this side (no device, no
 * memory) ends the program with exit code 2.
 */
#ifndef RAW_H
#define RAW_H

#include <stdio.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#include "../../include/srp_wire.h"

#define IU_SIZE		9216		/* more than any target takes by default */
#define DATA_SIZE	(1 << 20)
#define IMM_OFFSET	68

/* What the whole program talks to. */
struct target {
	const char	*address;
	const char	*port;
	unsigned long long guid;	/* service GUID: id_ext and ioc_guid */
	unsigned long long extension;	/* identifier extension of our port id */
	unsigned char	lun;
	unsigned char	missing_lun;
	int		hold_lun;	/* -1: none */
	const char	*hold;		/* commands that suspend and resume it */
	const char	*resume;
};

extern struct target target;

/* An IU that arrived. */
struct received {
	u32	len;
	u8	iu[2048];
};

struct login_options {
	u8	flags;			/* multi-channel action, immediate data */
	u8	opcode;
	u16	formats;
	u16	imm_offset;
	u32	it_iu_len;
	u64	target_id_xor;		/* makes the target port id wrong */
	u32	private_len;		/* 0: all 56 bytes */
	u32	read_depth;		/* RDMA READs that we serve */
};

enum chan_state { CHAN_CLOSED, CHAN_REJECTED, CHAN_LIVE };

struct chan {
	enum chan_state		state;
	struct rdma_event_channel *events;
	struct rdma_cm_id	*id;
	struct ibv_pd		*pd;
	struct ibv_comp_channel	*comp;
	struct ibv_cq		*cq;
	struct ibv_mr		*send_mr, *recv_mr, *data_mr;
	u8			*send_buf, *recv_buf;
	u8			*data;		/* DATA_SIZE bytes the target may read and write */
	u32			nr_recv;
	u64			next_send;
	u32			sends_pending;
	/* the login's answer */
	struct srp_wire_login_rsp login;
	u32			reject_reason;
	int			cm_status;
	/* credits: what the target granted in all, and the requests sent */
	s64			granted;
	s64			requests;
	s32			initial;
	/* what came and was not asked for yet */
	struct received		queue[256];
	u32			queued;
	int			logout_reason;	/* of an SRP_T_LOGOUT, or -1 */
	bool			disconnected;
	int			wc_error;	/* first bad completion that is no flush */
};

struct chan *chan_open(const struct login_options *opt);
void chan_close(struct chan *ch);
/* Forget the connection without a word. */
void chan_drop(struct chan *ch);

void chan_send_op(struct chan *ch, const void *iu, u32 len, enum ibv_wr_opcode op, u32 imm);
void chan_send(struct chan *ch, const void *iu, u32 len);
/* RDMA to the target: nobody has a key for that. */
void chan_rdma(struct chan *ch, enum ibv_wr_opcode op, u64 va, u32 key, u32 len);

/* Handle what arrives until something does or the time is over. */
void chan_pump(struct chan *ch, int ms);
/* The SRP_RSP with this tag, taken from the queue; NULL if the channel ends or after ms. */
const struct received *chan_wait_rsp(struct chan *ch, u64 tag, int ms);
bool chan_wait_closed(struct chan *ch, int ms);
/* granted == initial + requests - outstanding: with nothing outstanding all is back */
bool chan_credits_conserved(const struct chan *ch);

u64 new_tag(void);
void msleep(int ms);
long long now_ms(void);

static inline const struct srp_wire_rsp *rsp_of(const struct received *r)
{
	return (const void *)r->iu;
}

static inline u32 be(u32 v) { return __builtin_bswap32(v); }
static inline u64 be64(u64 v) { return __builtin_bswap64(v); }
static inline u16 be16(u16 v) { return __builtin_bswap16(v); }

#endif
