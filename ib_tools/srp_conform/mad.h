/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Management datagrams from the initiator's port to the target's, over InfiniBand. What fails ends the row, as in conform.h; all
 * is closed after the case. Offsets and values are those of IBA, volume 1: 13.4 (header), 12.6 (CM), 14.2 (SM), 16.3 (DM).
 */
#ifndef MAD_H
#define MAD_H

#include <infiniband/ib.h>

#include "conform.h"

#define MAD_LEN		256
#define MAD_DATA	24	/* of CM */
#define MAD_SM_DATA	64
#define MAD_DM_DATA	64
#define MAD_SET		0x02
#define MAD_GET		0x01
#define MAD_GET_RESP	0x81

#define CLASS_SM	0x01
#define CLASS_DM	0x06
#define CLASS_CM	0x07

/* Attributes of CM */
enum { CM_REQ = 0x10, CM_MRA, CM_REJ, CM_REP, CM_RTU, CM_DREQ, CM_DREP, CM_LAP = 0x19, CM_APR };

/**
 * struct mad - a datagram
 * @pkey_index: of the sender's port
 * @grh: sent, or come, with a GRH
 * @lid: where it has come from
 */
struct mad {
	u8	b[MAD_LEN];
	u16	pkey_index;
	bool	grh;
	u16	lid;
};

/* The data is all @fill. */
void mad_init(struct mad *m, u8 mgmt_class, u8 method, u16 attr, u32 mod, u8 fill);
void mad_set16(struct mad *m, u32 off, u16 v);
void mad_set32(struct mad *m, u32 off, u32 v);
u16 mad_get16(const struct mad *m, u32 off);
u32 mad_get32(const struct mad *m, u32 off);
u64 mad_get64(const struct mad *m, u32 off);

/*
 * Sends @m to the target's port. With @ms an answer is waited for so long, by mad_recv(), which tells the transaction. All
 * datagrams of a case are of one class.
 */
u32 mad_send(const struct mad *m, u32 ms);
/* The next answer; returns whether it is one, or says that there was none. @tid, unless it is NULL: to this transaction. */
bool mad_recv(struct mad *m, u32 *tid);
/* Both, for one: @answer may be @m. Returns whether there is one; checks that it is one to what was sent. */
bool mad_ask(const struct mad *m, struct mad *answer);

/* Where the target's port is; finds it with a login, if that has not been done in the case. */
struct mad_way {
	u16		lid;
	u16		slid;	/* of this side */
	u8		sl;
	union ibv_gid	gid;	/* of the target's port */
	union ibv_gid	sgid;
};
const struct mad_way *mad_way(void);
/* After the case. */
void mad_close(void);

/* ---- the connection manager of this machine -------------------------------------------------------------- */

/* Its counter "cm_rx_msgs/rej" and so on, or -1. */
long cm_counter(const char *name);
/* Until it is no more what it was. The CM repeats after 4 to 10 s. */
void wait_counter(const char *name, long before);

/*
 * Sends a REQ that the RDMA CM of the kernel would not send so: it zeroes the first byte of the private data, and takes the P_Key
 * of the path. There must be a REJ, and no REP; the CM here sees neither.
 */
void expect_req_rejected(u16 pkey, const struct login_pd *pd);

/* The ids of the connection, as in the messages: cm_watch() before the login, cm_ids() behind its RTU. */
struct cm_ids {
	u32	local, remote;
};
void cm_watch(void);
struct cm_ids cm_ids(void);
/* A message of that connection, from this side: all zero behind the ids. */
void cm_message(struct mad *m, u16 attr, struct cm_ids ids);

#endif
