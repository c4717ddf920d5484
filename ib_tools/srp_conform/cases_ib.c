// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Requirements, of several sections, that need an InfiniBand link layer: partitions, messages of the CM that librdmacm does not
 * send, and those that get lost. The last need HCAs that can be told to lose them, as those of tests/hca.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "mad.h"

/* ---- what several use ------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 1, 2))) hookf(const char *fmt, ...)
{
	char what[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	hook(what);
}

static u32 peer_qpn(struct srpi_chan *ch)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	if (ibv_query_qp(srpi_chan_qp(ch), &attr, IBV_QP_DEST_QPN, &init))
		fail("the target's QP is not known: %s", strerror(errno));
	return attr.dest_qp_num;
}

/* WRITE, READ, and what was written is read. */
static void do_io(struct srpi_chan *ch, u64 seed)
{
	settle(ch);
	mark_blocks(ch, 0, 64, seed);
	expect_blocks(ch, 0, 64, seed);
	expect_conserved(ch);
}

/* One session, of this channel. */
static void expect_one_session(struct srpi_chan *ch)
{
	struct srpi_chan *other;

	tur(ch);
	other = login(SRP_LOGIN_MC_MULTI);
	if (srpi_chan_login(other)->mc_result != SRP_MC_CONTINUED)
		fail("multi-channel result %d", srpi_chan_login(other)->mc_result);
	tur(other);
	tur(ch);
	expect_conserved(ch);
}

/* ---- LOG-27: partitions ------------------------------------------------------------------------------- */

static u16 pkey_of(struct srpi_chan *ch)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;
	__be16 pkey;

	if (ibv_query_qp(srpi_chan_qp(ch), &attr, IBV_QP_PKEY_INDEX, &init) ||
	    ibv_query_pkey(srpi_verbs(ini), srpi_port(ini), attr.pkey_index, &pkey))
		fail("the P_Key of the QP is not known: %s", strerror(errno));
	return be16toh(pkey);
}

/* The HCA passes nothing between two QPs of different partitions. */
static void in_partition(const void *arg)
{
	struct srpi_target target = *srpi_target(ini);
	struct sockaddr_ib *dst = (void *)&target.dst;
	struct srpi *s;
	struct srpi_chan *ch;
	struct srpi_mem *mem;
	struct srpi_iu iu;
	u16 pkey;

	(void)arg;
	dst->sib_pkey = htobe16(conf.pkey);
	s = open_way(&target);
	mem = own_mem(s, 8192, SRPI_ACCESS_DATA);
	ch = login_by(s, NULL);
	pkey = pkey_of(ch);
	saw("accepted, P_Key %04x", pkey);
	if ((pkey ^ conf.pkey) & 0x7fff)
		fail("the QP has the P_Key %04x", pkey);
	settle(ch);
	begin_cmd(&iu, AS_CDB(CDB_READ(0, 8)), 0);
	srpi_direct(&iu, SRPI_IN, srpi_desc(mem, 0, 8 * BLOCK));
	do_good(ch, &iu);
	expect_conserved(ch);
	close_chan(ch);
}

/* IBA 12.6.5; what is left out is 0. */
static void build_req(struct mad *m, u16 pkey, const struct login_pd *pd)
{
	const struct srpi_target *t = srpi_target(ini);
	const struct sockaddr_ib *dst = (const void *)&t->dst;
	const __be64 guid = ibv_get_device_guid(srpi_verbs(ini)->device);
	const struct mad_way *w = mad_way();
	u8 *d = m->b + MAD_DATA;

	mad_init(m, CLASS_CM, 0x03, CM_REQ, 0, 0);
	mad_set32(m, MAD_DATA, next_random());		/* the communication id */
	memcpy(d + 8, &dst->sib_sid, 8);
	memcpy(d + 16, &guid, 8);
	mad_set32(m, MAD_DATA + 32, 0x00abcd00 | 4);	/* QPN, responder resources */
	mad_set32(m, MAD_DATA + 36, 4);			/* initiator depth */
	mad_set32(m, MAD_DATA + 40, 20 << 3);		/* time-out; RC */
	mad_set32(m, MAD_DATA + 44, 20 << 3 | 7);	/* time-out, retries */
	mad_set16(m, MAD_DATA + 48, pkey);
	d[50] = 3 << 4 | 7;				/* MTU 1024; RNR retries */
	d[51] = 1 << 4;
	mad_set16(m, MAD_DATA + 52, w->slid);
	mad_set16(m, MAD_DATA + 54, w->lid);
	memcpy(d + 56, &w->sgid, 16);
	memcpy(d + 72, &w->gid, 16);
	d[91] = 3;					/* rate 10 Gb/s */
	d[93] = 1;
	d[94] = w->sl << 4 | 1 << 3;			/* on the subnet */
	d[95] = 18 << 3;
	memcpy(d + 140, pd->b, pd->len);
}

void expect_req_rejected(u16 pkey, const struct login_pd *pd)
{
	long rejs, reps;
	struct mad m;

	build_req(&m, pkey, pd);
	rejs = cm_counter("cm_rx_msgs/rej");
	reps = cm_counter("cm_rx_msgs/rep");
	mad_send(&m, 0);
	wait_counter("cm_rx_msgs/rej", rejs);
	saw("CM REJ");
	if (cm_counter("cm_rx_msgs/rep") != reps)
		fail("a REP");
}

static void expect_rejected_pkey(const void *arg)
{
	const struct login_pd pd = login_pd(0);

	expect_req_rejected(*(const u16 *)arg, &pd);
}

/*
 * The CM of the target sends its answer in the partition of the REQ, which does not exist. So ask for a further channel: there is
 * none to which it could be added.
 */
static void no_partition(const void *arg)
{
	const struct login_pd pd = login_pd(0);
	struct srpi_chan *ch;
	struct mad m;

	(void)arg;
	build_req(&m, 0, &pd);
	mad_send(&m, 0);
	ch = login(SRP_LOGIN_MC_MULTI);
	if (srpi_chan_login(ch)->mc_result != SRP_MC_NO_CHANNEL)
		fail("the target has a channel for it");
	settle(ch);
	close_chan(ch);
	saw("no channel");
}

static void log_27(void)
{
	static const u16 pkeys[] = { 0x8765, 0x0765 };
	unsigned int i;

	if (conf.pkey)
		row(in_partition, NULL, "a login in the partition %04x; READ", conf.pkey);
	for (i = 0; i < ARRAY_SIZE(pkeys); i++)
		row(expect_rejected_pkey, &pkeys[i], "a REQ for the P_Key %04x, which the target does not have", pkeys[i]);
	row(no_partition, NULL, "a REQ for the P_Key 0000, which is none");
}

/* ---- LGO-02, CM-05b, RAC-12b: messages that librdmacm does not send ------------------------------------------ */

static void cm_send(u16 attr, struct cm_ids ids)
{
	struct mad m;

	cm_message(&m, attr, ids);
	mad_send(&m, 0);
}

static void send_dreq(struct cm_ids ids, struct srpi_chan *ch, const void *private_data, u32 len)
{
	struct mad m;

	cm_message(&m, CM_DREQ, ids);
	mad_set32(&m, MAD_DATA + 8, peer_qpn(ch) << 8);
	memcpy(m.b + MAD_DATA + 12, private_data, len);
	mad_send(&m, 0);
}

static void lgo_02(void)
{
	const struct srp_wire_short logout = { .opcode = SRP_OP_I_LOGOUT, .tag = srpi_next_tag() };
	struct srpi_chan *ch;
	long before;

	sent("a DREQ with SRP_I_LOGOUT");
	mad_way();
	cm_watch();
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	before = cm_counter("cm_rx_msgs/drep");
	send_dreq(cm_ids(), ch, &logout, sizeof(logout));
	wait_counter("cm_rx_msgs/drep", before);
	saw("DREP");
	/* The CM here knows nothing of it, and does not look at the DREP. */
	srpi_chan_kill_qp(ch);
	close_chan(ch);
	expect_gone();
}

static void build_lap(struct mad *m, struct cm_ids ids, struct srpi_chan *ch)
{
	const struct mad_way *w = mad_way();
	u8 *d = m->b + MAD_DATA;

	cm_message(m, CM_LAP, ids);
	mad_set32(m, MAD_DATA + 12, peer_qpn(ch) << 8 | 20 << 3);
	mad_set16(m, MAD_DATA + 20, w->slid);
	mad_set16(m, MAD_DATA + 22, w->lid);
	memcpy(d + 24, &w->sgid, 16);
	memcpy(d + 40, &w->gid, 16);
	d[60] = 1;
	d[61] = 3;
	d[62] = w->sl << 4 | 1 << 3;
	d[63] = 18 << 3;
}

static void cm_05b(void)
{
	struct srpi_chan *ch;
	struct cm_ids ids;
	struct mad m;

	sent("LAP, APR and MRA for a session");
	mad_way();
	cm_watch();
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	ids = cm_ids();
	build_lap(&m, ids, ch);
	mad_send(&m, 0);
	mad_send(&m, 0);
	do_io(ch, 1);
	cm_send(CM_APR, ids);
	cm_send(CM_MRA, ids);
	do_io(ch, 2);
	expect_one_session(ch);
}

static void again(const void *arg)
{
	struct srpi_chan *ch;
	struct cm_ids ids;
	u32 i;

	(void)arg;
	mad_way();
	cm_watch();
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	ids = cm_ids();
	for (i = 0; i < 8; i++)
		cm_send(CM_RTU, ids);
	do_io(ch, 3);
	expect_one_session(ch);
	close_all();
	expect_gone();
	/* Of a connection that is over. */
	for (i = 0; i < 8; i++)
		cm_send(CM_RTU, ids);
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	do_io(ch, 4);
	close_chan(ch);
}

/* ---- RAC-12, RAC-04b: messages that get lost --------------------------------------------------------------- */

static void lost_rep(const void *arg)
{
	struct srpi_chan *ch;

	(void)arg;
	hook("lose target rep 1");
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	hook("lost target rep");
	expect_one_session(ch);
	close_all();
}

static void lost_rtu(const void *arg)
{
	const long before = cm_counter("cm_rx_duplicates/rep");
	struct srpi_chan *ch;

	(void)arg;
	hook("lose initiator rtu 1");
	ch = login(SRP_LOGIN_MC_SINGLE);
	hook("lost initiator rtu");
	/* Nothing is sent: the target does not know that the REP has come. */
	wait_counter("cm_rx_duplicates/rep", before);
	settle(ch);
	expect_one_session(ch);
	close_all();
}

static void lost_end(const void *arg)
{
	const bool reply = *(const bool *)arg;
	const long before = cm_counter("cm_rx_msgs/drep");
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	hook(reply ? "lose target drep 1" : "lose initiator dreq 1");
	srpi_disconnect(ch);
	hook(reply ? "lost target drep" : "lost initiator dreq");
	if (!ends(ch, conf.timeout))
		fail("no DREP");
	if (cm_counter("cm_rx_msgs/drep") == before)
		fail("given up without a DREP");
	close_chan(ch);
	expect_gone();
}

static void lost_refusal(const void *arg)
{
	struct login_pd pd = login_pd(0);

	(void)arg;
	hook("lose target rej 1");
	*pd_at(&pd, PD_T_PORT_ID) ^= 0xff;
	pd_at(&pd, PD_T_PORT_ID)[8] ^= 0xff;
	expect_refused(&pd, REJ(3));
	hook("lost target rej");
}

static void rac_12(void)
{
	static const bool no, yes = true;

	row(lost_rep, NULL, "the REP is lost, so the REQ is repeated");
	row(lost_rtu, NULL, "the RTU is lost, so the REP is repeated");
	row(lost_end, &no, "the DREQ is lost");
	row(lost_end, &yes, "the DREP is lost, so the DREQ is repeated");
	row(lost_refusal, NULL, "the REJ of a bad login is lost, so the REQ is repeated");
	row(again, NULL, "the RTU, 8 times more, and 8 times when the connection is over");
}

static void rac_04b(void)
{
	struct srpi_chan *half = start_login(ini, &(struct srpi_login_opts){ .tag = srpi_next_tag() }), *ch;

	sent("REJ instead of RTU, and it is lost; then SINGLE");
	if (srpi_wait_rep(half))
		fail("login: %s", srpi_error(half));
	hook("lose initiator rej 1");
	if (srpi_reject(half))
		fail("no REJ could be sent");
	hook("lost initiator rej");
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	expect_one_session(ch);
}

static void rac_02b(void)
{
	struct srpi_chan *ch;

	sent("a login, and its RTU is lost; commands at once");
	hook("lose initiator rtu 1");
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	hook("lost initiator rtu");
	do_io(ch, 5);
	expect_one_session(ch);
}

/* ---- CM-06, CM-08b: port and subnet ------------------------------------------------------------------------- */

/* What the one sends, the other does not get for a while; shorter than all retries. */
static void interrupted(const void *arg)
{
	const char *const *hooks = arg;
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct tasks tasks = { 0 };
	struct srpi_iu iu;
	u32 i;

	mark_blocks(ch, 0, 128, 6);
	hook(hooks[0]);
	for (i = 0; i < 16; i++) {
		build_in(&iu, AS_CDB(CDB_READ(8 * i, 8)), 4096 * i, 4096);
		task_send(&tasks, ch, &iu);
	}
	expect_silence(ch, 500);
	hook(hooks[1]);
	tasks_good(&tasks, ch);
	expect_pattern(0, 128 * BLOCK, 6);
	do_io(ch, 7);
	close_chan(ch);
}

static void cm_06(void)
{
	static const char *const target[] = { "stall target", "go-on target" };
	static const char *const initiator[] = { "stall initiator", "go-on initiator" };
	static const char *const cable[] = { "unplug", "plug" };

	row(interrupted, target, "16 READs, of which nothing arrives at the target for half a second");
	row(interrupted, initiator, "16 READs, of which nothing arrives at the initiator for half a second");
	row(interrupted, cable, "16 READs, and the cable is out for half a second");
}

#define PORT_INFO	0x15
#define DM_SUPPORTED	(1u << 19)

/* Does the target's port say that there is Device Management? */
static void expect_advertised(void)
{
	struct mad m;

	mad_close();
	mad_init(&m, CLASS_SM, MAD_GET, PORT_INFO, 0, 0);
	if (!mad_ask(&m, &m) || mad_get16(&m, 4))
		fail("no PortInfo of the target");
	if (!(mad_get32(&m, MAD_SM_DATA + 20) & DM_SUPPORTED))
		fail("CapabilityMask %08x: no Device Management", mad_get32(&m, MAD_SM_DATA + 20));
	mad_close();
	mad_init(&m, CLASS_DM, MAD_GET, SRP_DM_IOU_INFO, 0, 0);
	if (!mad_ask(&m, &m) || mad_get16(&m, 4) || m.b[MAD_DM_DATA + 4] != 0x10)
		fail("the target is not listed");
	mad_close();
}

/* Who asks for a path while the next SM takes over may get none. */
static void wait_for_path(void)
{
	const long end = now_ms() + conf.timeout;
	struct srpi_chan *ch;
	int ret;

	do {
		ret = srpi_chan_create(ini, NULL, &ch);
		srpi_chan_close(ch);
	} while (ret && now_ms() < end);
	if (ret)
		fail("no path to the target: %s", strerror(-ret));
}

static void after_event(const void *arg)
{
	const char *const *what = arg;
	struct srpi_chan *old = login_settled(SRP_LOGIN_MC_SINGLE), *ch;

	hook(*what);
	do_io(old, 8);
	wait_for_path();
	ch = login_settled(SRP_LOGIN_MC_MULTI);
	tur(ch);
	tur(old);
	expect_conserved(ch);
	expect_advertised();
	close_all();
}

static void cm_08b(void)
{
	static const char *const rows[] = { "event lid_change", "event pkey_change", "event gid_change", "event sm_change",
					    "event client_reregister", "event port_active", "sm-restart" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(after_event, &rows[i], "%s", rows[i]);
}

/* ---- RDM-11b: asynchronous events -------------------------------------------------------------------------- */

struct event_row {
	const char	*name;
	bool		ends;	/* the QP is in error */
};

static void qp_event(const void *arg)
{
	const struct event_row *event = arg;
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE), *other = login_settled(SRP_LOGIN_MC_MULTI);

	hookf("qp-event %s %u", event->name, peer_qpn(ch));
	if (event->ends) {
		if (!ends(ch, conf.timeout))
			fail("not closed");
		saw("closed");
		close_chan(ch);
	} else {
		do_io(ch, 9);
		saw("ignored");
	}
	do_io(other, 10);
	close_all();
}

static void rdm_11b(void)
{
	static const struct event_row rows[] = {
		{ "qp_fatal", true }, { "qp_req_err", true }, { "qp_access_err", true }, { "path_mig", false },
		{ "path_mig_err", false }, { "comm_est", false }, { "sq_drained", false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(qp_event, &rows[i], "%s at the target's QP of one of two channels", rows[i].name);
}

#define IB_HOOK	(NEEDS_IB | NEEDS_HOOK)

const struct conf_case ib_cases[] = {
	{ "LOG-27", "the P_Key of the login is that of the QP", "accepted with that P_Key; an unknown one is rejected", log_27,
	  NEEDS_IB },
	{ "RAC-02b", "the RTU gets lost under way: the first IU establishes the connection", "works", rac_02b, IB_HOOK },
	{ "RAC-04b", "the REP is rejected, and the REJ lost", "another login replaces it", rac_04b, IB_HOOK },
	{ "RAC-12", "repeated REQ, REP, RTU, DREQ", "handled once", rac_12, IB_HOOK },
	{ "RDM-11b", "asynchronous events of a QP (of the device: tests/suites/ib.sh)", "close or ignore as fits; other channels go on",
	  rdm_11b, IB_HOOK },
	{ "LGO-02", "SRP_I_LOGOUT in the private data of a DREQ", "DREP; the session is gone", lgo_02, NEEDS_IB },
	{ "CM-05b", "LAP, APR and MRA for an established connection", "no harm: I/O goes on", cm_05b, NEEDS_IB },
	{ "CM-06", "the port is down for less than the retries last", "I/O goes on", cm_06, IB_HOOK },
	{ "CM-08b", "change of LID, P_Keys, GID, SM; CLIENT_REREGISTER",
	  "the session goes on, new logins work; IsDeviceManagementSupported is set, DM answers", cm_08b, IB_HOOK },
	{ .id = NULL }
};
