// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Channels, requests and what comes back, for cases: libsrp with errors that end the row. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "mad.h"

struct srpi *ini;
struct srpi_mem data_mem;
u8 *data;
u16 lun;

#define MAX_OTHERS	8
#define MAX_CHANS	80

static struct srpi *others[MAX_OTHERS];
static struct srpi_chan *chans[MAX_CHANS];
static struct srpi_chan *shared_chans[2];	/* [1]: with immediate data */

/* ---- ways to the target ---------------------------------------------------------------------------- */

const char *begin_session(void)
{
	int err;

	lun = conf.lun;
	/* Not the kernel initiator's, whose session must not be taken over. */
	memcpy(conf.target.i_port_id, "conform", 8);
	ini = srpi_open(&conf.target, conf.timeout, &err);
	if (!ini)
		return strerror(-err);
	/* Not a multiple of 1 MiB: soft RoCE of 6.1 looks beyond its tables at the end of such a region. */
	err = srpi_mem_alloc(ini, DATA_SIZE + 8192, SRPI_ACCESS_DATA, &data_mem);
	if (err)
		return strerror(-err);
	data = data_mem.addr;
	return NULL;
}

void end_session(void)
{
	srpi_mem_free(&data_mem);
	srpi_close(ini);
}

void end_session_of_case(void)
{
	unsigned int i;

	free_own_mem();
	mad_close();
	for (i = 0; i < MAX_OTHERS; i++) {
		srpi_close(others[i]);
		others[i] = NULL;
	}
	lun = conf.lun;
	check_reserved = false;
}

struct srpi *open_way(const struct srpi_target *target)
{
	unsigned int i;
	int err;

	for (i = 0; i < MAX_OTHERS && others[i]; i++)
		;
	if (i == MAX_OTHERS)
		fail("out of initiators");
	others[i] = srpi_open(target, conf.timeout, &err);
	if (!others[i])
		fail("no way to the target: %s", strerror(-err));
	return others[i];
}

void close_way(struct srpi *s)
{
	unsigned int i;

	for (i = 0; i < MAX_OTHERS; i++)
		if (others[i] == s)
			others[i] = NULL;
	srpi_close(s);
}

struct srpi *other_initiator(u8 id)
{
	struct srpi_target target = *srpi_target(ini);

	target.i_port_id[0] ^= id;
	return open_way(&target);
}

struct srpi *second_port(void)
{
	struct srpi_target target = conf.second;

	memcpy(target.i_port_id, srpi_target(ini)->i_port_id, sizeof(target.i_port_id));
	return open_way(&target);
}

/* ---- channels -------------------------------------------------------------------------------------- */

static void keep(struct srpi_chan *ch)
{
	unsigned int i;

	for (i = 0; i < MAX_CHANS && chans[i]; i++)
		;
	if (i == MAX_CHANS)
		fail("out of channels");
	chans[i] = ch;
}

void close_chan(struct srpi_chan *ch)
{
	unsigned int i;

	for (i = 0; i < MAX_CHANS; i++)
		if (chans[i] == ch)
			chans[i] = NULL;
	for (i = 0; i < ARRAY_SIZE(shared_chans); i++)
		if (shared_chans[i] == ch)
			shared_chans[i] = NULL;
	srpi_chan_close(ch);
}

void vanish(struct srpi_chan *ch)
{
	const bool can_hold = conf.hook && conf.held_lun >= 0;
	struct srpi_iu iu;
	u32 i;

	if (can_hold) {
		settle_held(ch);
		hook("hold");
	}
	for (i = 0; i < 32; i++) {
		build_in(&iu, AS_CDB(CDB_READ(0, 1024)), 0, 1024 * BLOCK);
		if (can_hold)
			build_held(&iu, 2 * i + 1);
		send_iu(ch, &iu);
	}
	if (can_hold)
		expect_silence(ch, 50);
	srpi_chan_kill_qp(ch);
	if (can_hold)
		hook("release");
}

void close_all(void)
{
	unsigned int i;

	for (i = 0; i < MAX_CHANS; i++)
		if (chans[i])
			close_chan(chans[i]);
}

void print_logs(void)
{
	unsigned int i;

	for (i = 0; conf.verbose && i < MAX_CHANS; i++) {
		if (!chans[i])
			continue;
		fprintf(stderr, "  channel %u:\n", i);
		srpi_print_log(chans[i], stderr);
	}
}

bool ends(struct srpi_chan *ch, long ms)
{
	const long end = now_ms() + ms;
	struct srpi_rx rx;

	while (!srpi_stats(ch)->closed && now_ms() < end)
		srpi_recv(ch, &rx, 20);
	return srpi_stats(ch)->closed;
}

struct srpi_chan *login_by(struct srpi *s, const struct srpi_login_opts *opts)
{
	struct srpi_chan *ch;
	int ret = srpi_login(s, opts, &ch);

	if (ch)
		keep(ch);
	if (ret)
		fail("login: %s", ch ? srpi_error(ch) : strerror(-ret));
	if (srpi_chan_login(ch)->limit < 1)
		fail("login: request limit %d", srpi_chan_login(ch)->limit);
	return ch;
}

struct srpi_chan *login(u8 flags)
{
	return login_by(ini, &(struct srpi_login_opts){ .tag = srpi_next_tag(), .flags = flags });
}

struct srpi_chan *login_settled(u8 flags)
{
	struct srpi_chan *ch = login(flags);

	settle(ch);
	return ch;
}

struct login_pd login_pd(u8 flags)
{
	struct login_pd pd = { .len = 0 };

	pd.len = srpi_build_login(ini, &(struct srpi_login_opts){ .tag = srpi_next_tag(), .flags = flags }, pd.b);
	return pd;
}

u8 *pd_at(struct login_pd *pd, enum pd_field field)
{
	static const u8 ib[] = {
		[PD_TAG] = 8, [PD_IU_LEN] = 16, [PD_FORMATS] = 24, [PD_FLAGS] = 26, [PD_OPCODE] = 0,
		[PD_IMM_OFF] = 28, [PD_I_PORT_ID] = 32, [PD_T_PORT_ID] = 48,
	};
	static const u8 rdma[] = {
		[PD_TAG] = 0, [PD_IU_LEN] = 12, [PD_FORMATS] = 8, [PD_FLAGS] = 10, [PD_OPCODE] = 11,
		[PD_IMM_OFF] = 48, [PD_I_PORT_ID] = 16, [PD_T_PORT_ID] = 32,
	};

	return pd->b + (conf.target.dst.ss_family == AF_IB ? ib : rdma)[field];
}

void pd_set_be16(struct login_pd *pd, enum pd_field field, u16 v)
{
	__be16 be = htobe16(v);

	memcpy(pd_at(pd, field), &be, sizeof(be));
}

void pd_set_be32(struct login_pd *pd, enum pd_field field, u32 v)
{
	__be32 be = htobe32(v);

	memcpy(pd_at(pd, field), &be, sizeof(be));
}

struct srpi_chan *start_login(struct srpi *s, const struct srpi_login_opts *opts)
{
	struct srpi_chan *ch;
	int ret = srpi_chan_create(s, opts, &ch);

	if (ret)
		fail("no channel: %s", strerror(-ret));
	keep(ch);
	if (srpi_connect(ch, opts))
		fail("login: %s", srpi_error(ch));
	return ch;
}

int try_login(struct srpi *s, const struct srpi_login_opts *opts, struct srpi_chan **ch)
{
	int ret = srpi_login(s, opts, ch);

	if (!*ch)
		fail("login: %s", strerror(-ret));
	keep(*ch);
	return ret;
}

static struct srpi_login_opts pd_opts(const struct login_pd *pd)
{
	struct srpi_login_opts opts = { .private_data = pd->b, .private_data_len = pd->len };

	memcpy(&opts.tag, pd_at((struct login_pd *)pd, PD_TAG), sizeof(opts.tag));
	return opts;
}

int login_raw(const struct login_pd *pd, struct srpi_chan **ch)
{
	const struct srpi_login_opts opts = pd_opts(pd);

	return try_login(ini, &opts, ch);
}

struct srpi_chan *login_with(const struct login_pd *pd)
{
	struct srpi_chan *ch;

	if (login_raw(pd, &ch))
		fail("%s", srpi_error(ch));
	saw("accepted");
	return ch;
}

u32 refusal(struct srpi_chan *ch, int ret, u64 tag)
{
	const struct srpi_login_rsp *rsp = srpi_chan_login(ch);

	if (!ret)
		fail("the login was accepted");
	if (ret != -ECONNREFUSED)
		fail("%s", srpi_error(ch));
	if (!rsp->reason)
		fail("rejected without an SRP_LOGIN_REJ, CM reason %d", rsp->cm_status);
	saw("REJ %#x", rsp->reason);
	if (rsp->reason < SRP_REJ_NO_REASON || rsp->reason > SRP_REJ_CHANNEL_LIMIT)
		fail("rejected with reason %#x, which is not defined", rsp->reason);
	if (rsp->tag != tag)
		fail("SRP_LOGIN_REJ with another tag");
	if (rsp->formats != SRP_LOGIN_FMT_SUPPORTED)
		fail("SRP_LOGIN_REJ with formats %#x", rsp->formats);
	return rsp->reason - SRP_REJ_NO_REASON;
}

bool was_accepted(struct srpi_chan *ch, u64 tag)
{
	const int ret = srpi_wait_rep(ch);

	if (!ret) {
		srpi_establish(ch);
		return true;
	}
	if (!srpi_chan_login(ch)->rejected && srpi_chan_login(ch)->limit && ends(ch, conf.timeout))
		return true;
	refusal(ch, ret, tag);
	return false;
}

u32 expect_refused_by(struct srpi *s, const struct srpi_login_opts *opts, u32 reasons)
{
	struct srpi_chan *ch;
	int ret = try_login(s, opts, &ch);
	u32 reason = refusal(ch, ret, opts->tag);

	if (!(reasons & REJ(reason)))
		fail("rejected with reason %#x", SRP_REJ_NO_REASON + reason);
	close_chan(ch);
	return reason;
}

u32 expect_refused(const struct login_pd *pd, u32 reasons)
{
	const struct srpi_login_opts opts = pd_opts(pd);

	return expect_refused_by(ini, &opts, reasons);
}

/* A channel whose end has come unnoticed is of no use to the next row. */
static bool ended(struct srpi_chan *ch)
{
	struct srpi_rx rx;

	while (!srpi_recv(ch, &rx, 0))
		;
	return srpi_stats(ch)->closed || srpi_stats(ch)->failed;
}

static struct srpi_chan *get_shared(bool imm)
{
	struct srpi_chan *ch = shared_chans[imm];

	if (ch && !ended(ch))
		return ch;
	if (ch)
		close_chan(ch);
	/* The two of a case are channels of one session. */
	ch = login_settled((shared_chans[!imm] ? SRP_LOGIN_MC_MULTI : SRP_LOGIN_MC_SINGLE) | (imm ? SRP_LOGIN_IMM : 0));
	if (imm && !srpi_chan_login(ch)->imm)
		skip("the target takes no immediate data");
	shared_chans[imm] = ch;
	return ch;
}

struct srpi_chan *shared(void)
{
	return get_shared(false);
}

struct srpi_chan *shared_imm(void)
{
	return get_shared(true);
}

/* ---- requests -------------------------------------------------------------------------------------- */

struct srp_wire_cmd *begin_cmd(struct srpi_iu *iu, struct cdb cdb, u8 buf_fmt)
{
	u8 lun_bytes[8];

	srpi_lun(lun_bytes, lun);
	srpi_cmd(iu, srpi_next_tag(), lun_bytes, cdb.b, cdb.len ? cdb.len : SRP_CDB_LEN);
	srpi_as_cmd(iu)->buf_fmt = buf_fmt;
	return srpi_as_cmd(iu);
}

void append_desc(struct srpi_iu *iu, u32 off, u32 len)
{
	struct srp_wire_desc desc = srpi_desc(&data_mem, off, len);

	srpi_append(iu, &desc, sizeof(desc));
}

void build_tur(struct srpi_iu *iu)
{
	begin_cmd(iu, AS_CDB(CDB_TUR), 0);
}

void build_in(struct srpi_iu *iu, struct cdb cdb, u32 off, u32 len)
{
	begin_cmd(iu, cdb, 0);
	srpi_direct(iu, SRPI_IN, srpi_desc(&data_mem, off, len));
}

void build_out(struct srpi_iu *iu, struct cdb cdb, u32 off, u32 len)
{
	begin_cmd(iu, cdb, 0);
	srpi_direct(iu, SRPI_OUT, srpi_desc(&data_mem, off, len));
}

void build_table(struct srpi_iu *iu, struct cdb cdb, enum srpi_dir dir, u32 off, u32 nr, u32 each)
{
	struct srp_wire_desc list[300];
	u32 i;

	for (i = 0; i < nr; i++)
		list[i] = srpi_desc(&data_mem, off + i * each, each);
	begin_cmd(iu, cdb, 0);
	srpi_indirect(iu, dir, srpi_desc(&data_mem, 0, nr * sizeof(*list)), list, nr, nr * each);
}

void build_tmf(struct srpi_iu *iu, u8 function, u64 on_lun, u64 task_tag)
{
	__be64 be = htobe64(on_lun);

	srpi_tmf(iu, srpi_next_tag(), (const u8 *)&be, function, task_tag);
}

void build_pr_out(struct srpi_iu *iu, const struct srpi_mem *mem, u8 action, u8 type, u64 key, u64 new_key)
{
	const u64 keys[3] = { htobe64(key), htobe64(new_key) };

	memcpy(mem->addr, keys, sizeof(keys));
	begin_cmd(iu, AS_CDB({ { 0x5f, action, type, 0, 0, 0, 0, 0, sizeof(keys) } }), 0);
	srpi_direct(iu, SRPI_OUT, srpi_desc(mem, 0, sizeof(keys)));
}

void pr_out(struct srpi_chan *ch, const struct srpi_mem *mem, u8 action, u8 type, u64 key, u64 new_key)
{
	struct srpi_iu iu;

	build_pr_out(&iu, mem, action, type, key, new_key);
	do_good(ch, &iu);
}

void send_iu(struct srpi_chan *ch, const struct srpi_iu *iu)
{
	int ret = srpi_send(ch, iu);

	if (ret)
		fail("%s", srpi_error(ch));
}

/* ---- what comes back ------------------------------------------------------------------------------- */

bool check_reserved;

static void check_reserved_bytes(const struct srpi_rsp *r)
{
	const struct srp_wire_rsp *w = (const void *)r->iu.buf;
	static const u8 zero[3];

	if (memcmp(w->rsvd2, zero, 2) || memcmp(w->rsvd16, zero, 2) || (r->flags & 0xc0) ||
	    (r->code >= 0 && memcmp(w->data, zero, 3)))
		fail("SRP_RSP: reserved bytes are not zero");
	if (w->sol_not)
		fail("SRP_RSP: SOLNT byte %02x, although the login did not agree upon it", w->sol_not);
}

/* RSP-01, RES-12: what srpi_parse_rsp() does not check. */
static void check_rsp(struct srpi_chan *ch, const struct srpi_rsp *r)
{
	if (check_reserved)
		check_reserved_bytes(r);
	if (r->iu.len > srpi_chan_login(ch)->max_ti_iu_len)
		fail("SRP_RSP of %u bytes, more than the %u of the login", r->iu.len, srpi_chan_login(ch)->max_ti_iu_len);
	if ((r->flags & SRP_RSP_DIOVER && r->flags & SRP_RSP_DIUNDER) ||
	    (r->flags & SRP_RSP_DOOVER && r->flags & SRP_RSP_DOUNDER))
		fail("SRP_RSP: flags %02x: over and under", r->flags);
	if ((!(r->flags & (SRP_RSP_DIOVER | SRP_RSP_DIUNDER)) && r->in_res) ||
	    (!(r->flags & (SRP_RSP_DOOVER | SRP_RSP_DOUNDER)) && r->out_res))
		fail("SRP_RSP: flags %02x, residuals %u %u", r->flags, r->out_res, r->in_res);
}

enum wait_result wait_rsp(struct srpi_chan *ch, struct srpi_rsp *r, long ms)
{
	switch (srpi_recv_rsp(ch, r, ms)) {
	case 0:
		check_rsp(ch, r);
		return WAIT_RSP;
	case -ETIMEDOUT:
		return WAIT_TIMEOUT;
	case -ENOTCONN:
		return WAIT_CLOSED;
	default:
		fail("%s", srpi_error(ch));
	}
}

void ask(struct srpi_chan *ch, const struct srpi_iu *iu, struct srpi_rsp *r)
{
	send_iu(ch, iu);
	switch (wait_rsp(ch, r, conf.timeout)) {
	case WAIT_CLOSED:
		fail("the channel was closed, %s", srpi_logout_str(srpi_stats(ch)->logout));
	case WAIT_TIMEOUT:
		fail("no answer");
	case WAIT_RSP:
		break;
	}
	if (r->tag != srpi_iu_tag(iu))
		fail("tag %016llx instead of %016llx", (u64)be64toh(r->tag), (u64)be64toh(srpi_iu_tag(iu)));
}

static u32 classify_rsp(const struct srpi_iu *iu, const struct srpi_rsp *r)
{
	if (iu->b[0] == SRP_OP_TSK_MGMT && r->code >= 0)
		return r->code == SRP_RSP_FIELDS_INVALID ? TMF_INVALID : r->code == SRP_RSP_FAILED ? TMF_FAILED : GOOD;
	if (r->code == SRP_RSP_FIELDS_INVALID && r->status)
		return FIELD;
	if (r->code >= 0)
		fail("a response code, %02x, with status %02x in the answer to a command", r->code, r->status);
	if (!r->status)
		return GOOD;
	if (r->status != 0x02)
		return STATUS;
	switch (srpi_sense(r)) {
	case 0x050e03:
		return FIELD;
	case 0x052400:
		return BAD_CDB;
	case 0x052000:
		return BAD_OPCODE;
	default:
		return CHECK;
	}
}

static void saw_rsp(const struct srpi_iu *iu, const struct srpi_rsp *r)
{
	u32 sense = srpi_sense(r);

	if (iu->b[0] == SRP_OP_TSK_MGMT)
		saw("RSP_CODE %02x", r->code);
	else if (sense)
		saw("CHECK CONDITION %02x/%02x/%02x", sense >> 16, sense >> 8 & 0xff, sense & 0xff);
	else
		saw("%s%s", srpi_status_str(r->status), r->flags & 0x3c ? " with a residual" : "");
}

static u32 classify_close(const struct srpi_chan *ch)
{
	int logout = srpi_stats(ch)->logout;

	if (logout < 0 || logout > 9) {
		saw("closed without SRP_T_LOGOUT");
		return CLOSED;
	}
	saw("SRP_T_LOGOUT %d, closed", logout);
	return KILL(logout) | CLOSED;
}

u32 provoke(struct srpi_chan *ch, const struct srpi_iu *iu, u32 allowed, struct srpi_rsp *r)
{
	struct srpi_rsp own;
	u32 outcome;

	r = r ? r : &own;
	send_iu(ch, iu);
	switch (wait_rsp(ch, r, conf.timeout)) {
	case WAIT_CLOSED:
		outcome = classify_close(ch);
		close_chan(ch);
		if (!(outcome & allowed))
			fail("the channel was closed");
		return outcome;
	case WAIT_TIMEOUT:
		saw("no answer");
		fail("no answer");
	case WAIT_RSP:
		break;
	}
	outcome = classify_rsp(iu, r);
	saw_rsp(iu, r);
	if (iu->len >= 16 && r->tag != srpi_iu_tag(iu))
		fail("an answer to another tag");
	if (!(outcome & allowed))
		fail("status %02x, sense %06x, response code %d", r->status, srpi_sense(r), r->code);
	return outcome;
}

u32 probe(struct srpi_chan *ch, const struct srpi_iu *iu, u32 allowed, struct srpi_rsp *r)
{
	u32 outcome = provoke(ch, iu, allowed, r);

	if (!(outcome & CLOSED)) {
		tur(ch);
		expect_conserved(ch);
	}
	return outcome;
}

void probe_no_buffer(struct srpi_chan *ch, const struct srpi_iu *iu, u8 flag, u32 bytes)
{
	const u32 checks = FIELD | BAD_CDB | CHECK;
	struct srpi_rsp r;

	if (!bytes)
		flag = 0;
	if (probe(ch, iu, bytes ? GOOD | checks : GOOD, &r) == GOOD || r.flags & flag)
		expect_residual(&r, flag, bytes);
}

void fill_receives(struct srpi_chan *ch, const struct srpi_iu *iu)
{
	struct srpi_iu copy = *iu;
	u32 nr = srpi_chan_login(ch)->limit + 16, pending = 0, max = (160 << 10) / iu->len;
	struct srpi_rsp r;
	u64 tag;

	/* Nobody has that many; and as many answers can be received. */
	nr = nr > 2000 ? 2000 : nr;
	max = max > 128 ? 128 : max;
	while (nr || pending) {
		if (nr && pending < max && srpi_credits(ch) > 0) {
			tag = srpi_next_tag();
			memcpy(copy.b + 8, &tag, sizeof(tag));
			send_iu(ch, &copy);
			nr--;
			pending++;
			continue;
		}
		if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
			fail("%u of many commands are not answered", pending);
		if (r.status)
			fail("status %02x, sense %06x", r.status, srpi_sense(&r));
		pending--;
	}
}

void expect_closed(struct srpi_chan *ch, int logout)
{
	enum wait_result result;
	struct srpi_rsp r;
	int got;

	do {
		result = wait_rsp(ch, &r, conf.timeout);
		if (result == WAIT_RSP && srpi_stats(ch)->logout >= 0)
			fail("an SRP_RSP behind the SRP_T_LOGOUT");
	} while (result == WAIT_RSP);
	if (result != WAIT_CLOSED)
		fail("the channel was not closed");
	classify_close(ch);
	got = srpi_stats(ch)->logout;
	if (logout != ANY_LOGOUT && got != logout)
		fail("closed with logout reason %d instead of %d", got, logout);
	close_chan(ch);
}

void expect_good(const struct srpi_rsp *r)
{
	if (r->status || r->flags || r->iu.len != sizeof(struct srp_wire_rsp))
		fail("status %02x, flags %02x, residuals %u %u, sense %06x", r->status, r->flags, r->out_res, r->in_res,
		     srpi_sense(r));
}

void expect_sense(const struct srpi_rsp *r, u32 sense)
{
	if (r->status != 0x02 || !(r->flags & SRP_RSP_SNSVALID) || r->code >= 0)
		fail("no CHECK CONDITION with sense data: status %02x, flags %02x", r->status, r->flags);
	if (srpi_sense(r) != sense)
		fail("sense %06x instead of %06x", srpi_sense(r), sense);
}

void expect_code(const struct srpi_rsp *r, int code)
{
	if (r->iu.len != 40 || r->flags != SRP_RSP_RSPVALID || r->status)
		fail("the answer to a function has %u bytes, flags %02x, status %02x", r->iu.len, r->flags, r->status);
	if (r->code != code)
		fail("response code %02x instead of %02x", r->code, code);
}

void expect_residual(const struct srpi_rsp *r, u8 flag, u32 count)
{
	bool out = flag & (SRP_RSP_DOOVER | SRP_RSP_DOUNDER);

	if ((r->flags & 0x3c) != flag || r->out_res != (out ? count : 0) || r->in_res != (out ? 0 : count))
		fail("flags %02x, residuals %u %u instead of flags %02x, residual %u", r->flags, r->out_res, r->in_res, flag,
		     count);
}

void expect_silence(struct srpi_chan *ch, long ms)
{
	struct srpi_rsp r;

	switch (wait_rsp(ch, &r, ms)) {
	case WAIT_RSP:
		fail("an answer: status %02x, response code %d", r.status, r.code);
	case WAIT_CLOSED:
		fail("the channel was closed");
	case WAIT_TIMEOUT:
		break;
	}
}

void expect_conserved(const struct srpi_chan *ch)
{
	const struct srpi_stats *stats = srpi_stats(ch);

	if (stats->deltas != (s64)stats->requests)
		fail("%llu requests, but deltas of %lld", stats->requests, stats->deltas);
}

void do_good(struct srpi_chan *ch, const struct srpi_iu *iu)
{
	struct srpi_rsp r;

	ask(ch, iu, &r);
	expect_good(&r);
}

void tur(struct srpi_chan *ch)
{
	struct srpi_iu iu;

	build_tur(&iu);
	do_good(ch, &iu);
}

void settle(struct srpi_chan *ch)
{
	struct srpi_rsp r;
	struct srpi_iu iu;
	int i;

	for (i = 0; i < 8; i++) {
		build_tur(&iu);
		ask(ch, &iu, &r);
		if (!r.status)
			return;
		if (srpi_sense(&r) >> 16 != 6)
			break;
	}
	fail("TEST UNIT READY: status %02x, sense %06x", r.status, srpi_sense(&r));
}

/* ---- data ------------------------------------------------------------------------------------------ */

static u8 pattern(u32 i, u64 seed)
{
	return (seed * 7 + i + (i >> 8)) % 251;
}

void fill_pattern(u32 off, u32 len, u64 seed)
{
	u32 i;

	for (i = 0; i < len; i++)
		data[off + i] = pattern(i, seed);
}

void expect_pattern(u32 off, u32 len, u64 seed)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (data[off + i] != pattern(i, seed))
			fail("wrong data from byte %u on", i);
}

void lay_canary(void)
{
	memset(data, CANARY, DATA_SIZE);
}

void expect_canary(u32 off, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (data[off + i] != CANARY)
			fail("memory at offset %u was written", off + i);
}

void expect_same(u32 off, u32 other, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (data[off + i] != data[other + i])
			fail("wrong data from byte %u on", i);
}

void write_blocks(struct srpi_chan *ch, u32 lba, u32 nr, u32 off)
{
	struct srpi_iu iu;

	build_out(&iu, AS_CDB(CDB_WRITE(lba, nr)), off, nr * BLOCK);
	do_good(ch, &iu);
}

void read_blocks(struct srpi_chan *ch, u32 lba, u32 nr, u32 off)
{
	struct srpi_iu iu;

	build_in(&iu, AS_CDB(CDB_READ(lba, nr)), off, nr * BLOCK);
	do_good(ch, &iu);
}

void mark_blocks(struct srpi_chan *ch, u32 lba, u32 nr, u64 seed)
{
	fill_pattern(MARK_AT, nr * BLOCK, seed);
	write_blocks(ch, lba, nr, MARK_AT);
}

void expect_blocks(struct srpi_chan *ch, u32 lba, u32 nr, u64 seed)
{
	memset(data + MARK_AT, 0, nr * BLOCK);
	read_blocks(ch, lba, nr, MARK_AT);
	expect_pattern(MARK_AT, nr * BLOCK, seed);
}
