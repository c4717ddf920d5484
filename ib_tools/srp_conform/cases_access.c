// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of access control (ACL). */
#include <infiniband/ib.h>
#include <netdb.h>
#include <string.h>

#include "conform.h"

#define WRITE_PROTECTED		0x072700
#define RESERVATION_CONFLICT	0x18

/* ---- ACL-01 to ACL-04: who gets in -------------------------------------------------------------------- */

/* From the address that is in no ACL; two bytes of the port id are changed. */
static struct srpi *stranger(u8 ext, u8 guid)
{
	struct srpi_target target = *srpi_target(ini);

	target.src = conf.stranger;
	target.i_port_id[0] ^= ext;
	target.i_port_id[15] ^= guid;
	return open_way(&target);
}

static void acl_hook(const char *verb, const char *name)
{
	char what[100];

	snprintf(what, sizeof(what), "%s %s", verb, name);
	hook(what);
}

static const char *port_id_name(const struct srpi *s)
{
	static char name[40];
	unsigned int i;

	strcpy(name, "0x");
	for (i = 0; i < SRPI_PORT_ID_LEN; i++)
		sprintf(name + 2 + 2 * i, "%02x", srpi_target(s)->i_port_id[i]);
	return name;
}

static const char *address_name(const struct srpi *s)
{
	const u8 *gid = (const void *)&((const struct sockaddr_ib *)&conf.stranger)->sib_addr;
	static char name[NI_MAXHOST];
	unsigned int i;

	(void)s;
	if (conf.stranger.ss_family == AF_IB) {
		strcpy(name, "0x");
		for (i = 0; i < 16; i++)
			sprintf(name + 2 + 2 * i, "%02x", gid[i]);
		return name;
	}
	if (getnameinfo((const void *)&conf.stranger, sizeof(conf.stranger), name, sizeof(name), NULL, 0, NI_NUMERICHOST))
		fail("no name of the address");
	return name;
}

/* Of the port. */
static const char *guid_name(const struct srpi *s)
{
	const u8 *guid = (const u8 *)&((const struct sockaddr_ib *)&conf.stranger)->sib_addr + 8;
	static char name[20];

	(void)s;
	snprintf(name, sizeof(name), "%02x%02x:%02x%02x:%02x%02x:%02x%02x", guid[0], guid[1], guid[2], guid[3], guid[4],
		 guid[5], guid[6], guid[7]);
	return name;
}

static void expect_stranger_refused(struct srpi *s)
{
	expect_refused_by(s, &(struct srpi_login_opts){ .tag = srpi_next_tag() }, REJ(6) | REJ(3));
}

static void acl_01(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	sent("a login from an address without ACL, with the port id of a session and with another one");
	expect_stranger_refused(stranger(0, 0));
	expect_stranger_refused(stranger(1, 0));
	tur(ch);
	expect_conserved(ch);
}

static void allowed_by(const void *arg)
{
	const char *(*const *name_of)(const struct srpi *) = arg;
	struct srpi *s = stranger(1, 0), *other = stranger(1, 1);
	const char *name = (*name_of)(s);
	struct srpi_chan *ch;

	expect_stranger_refused(s);
	acl_hook("allow", name);
	ch = login_by(s, NULL);
	saw("accepted");
	settle(ch);
	/* Another port id, the same address. */
	if (*name_of == port_id_name)
		expect_stranger_refused(other);
	else
		settle(login_by(other, NULL));
	close_all();
	acl_hook("forbid", name);
	expect_stranger_refused(s);
}

static void acl_02(void)
{
	static const char *(*const names[])(const struct srpi *) = { port_id_name, address_name, guid_name };

	row(allowed_by, &names[0], "an ACL by port id, logins before and after");
	row(allowed_by, &names[1], "an ACL by %s", address_name(NULL));
	if (conf.stranger.ss_family == AF_IB)
		row(allowed_by, &names[2], "an ACL by GUID, %s", guid_name(NULL));
}

static void acl_03(void)
{
	struct srpi_chan *a = login_settled(SRP_LOGIN_MC_SINGLE), *b = login_by(other_initiator(1), NULL);
	struct srpi *in = stranger(2, 0), *out = stranger(4, 0);

	sent("two extensions of one GUID: SINGLE each; then with an ACL for one of them");
	if (srpi_chan_login(b)->mc_result != SRP_MC_NO_CHANNEL)
		fail("multi-channel result %d", srpi_chan_login(b)->mc_result);
	settle(b);
	tur(a);
	acl_hook("allow", port_id_name(in));
	settle(login_by(in, NULL));
	expect_stranger_refused(out);
	tur(a);
	tur(b);
}

static void acl_04(void)
{
	struct srpi *s = stranger(1, 0);
	struct srpi_chan *ch, *ours = login_settled(SRP_LOGIN_MC_SINGLE);
	struct srpi_mem *mem = own_mem(s, 64 * 4096, SRPI_ACCESS_DATA);
	struct srpi_iu iu;
	u32 i;

	sent("a session with commands on their way, and its ACL is removed");
	acl_hook("allow", port_id_name(s));
	ch = login_by(s, NULL);
	settle(ch);
	for (i = 0; i < 64; i++) {
		begin_cmd(&iu, AS_CDB(CDB_READ(8 * i, 8)), 0);
		srpi_direct(&iu, SRPI_IN, srpi_desc(mem, 4096 * i, 4096));
		send_iu(ch, &iu);
	}
	acl_hook("forbid", port_id_name(s));
	expect_closed(ch, ANY_LOGOUT);
	take_back(mem);
	expect_stranger_refused(s);
	for (i = 0; i < mem->len; i++)
		if (mem->addr[i] != CANARY)
			fail("memory was written afterwards");
	tur(ours);
}

/* ---- ACL-05: read-only -------------------------------------------------------------------------------- */

enum offer { OFFER_OUT, OFFER_IN, OFFER_NONE };

struct write_row {
	const char	*what;
	struct cdb	cdb;
	enum offer	offer;
	u32		allowed;
};

#define ANY_ERROR	(CHECK | FIELD | BAD_CDB | BAD_OPCODE)

static void one_write(const void *arg)
{
	const struct write_row *w = arg;
	struct srpi_chan *ch = shared();
	struct srpi_iu iu;
	struct srpi_rsp r;

	lun = conf.read_only_lun;
	settle(ch);
	read_blocks(ch, 0, 8, 0);
	fill_pattern(16 * BLOCK, 8 * BLOCK, 3);
	begin_cmd(&iu, w->cdb, 0);
	if (w->offer != OFFER_NONE)
		srpi_direct(&iu, w->offer == OFFER_OUT ? SRPI_OUT : SRPI_IN, srpi_desc(&data_mem, 16 * BLOCK, 8 * BLOCK));
	if (provoke(ch, &iu, w->allowed, &r) == CHECK && w->offer == OFFER_OUT && w->allowed == CHECK)
		expect_sense(&r, WRITE_PROTECTED);
	read_blocks(ch, 0, 8, 8 * BLOCK);
	expect_same(0, 8 * BLOCK, 8 * BLOCK);
	expect_pattern(16 * BLOCK, 8 * BLOCK, 3);
	tur(ch);
	expect_conserved(ch);
	lun = conf.lun;
}

static void acl_05(void)
{
	static const struct write_row rows[] = {
		{ "WRITE(10)", CDB_WRITE(0, 8), OFFER_OUT, CHECK },
		{ "WRITE(6)", { { 0x0a, 0, 0, 0, 8 } }, OFFER_OUT, CHECK },
		{ "WRITE(16)", { { 0x8a, [13] = 8 } }, OFFER_OUT, CHECK },
		{ "WRITE AND VERIFY(10)", { { 0x2e, [8] = 8 } }, OFFER_OUT, ANY_ERROR },
		{ "WRITE SAME(16)", { { 0x93, [13] = 8 } }, OFFER_OUT, ANY_ERROR },
		{ "UNMAP", { { 0x42, [7] = 16 } }, OFFER_OUT, ANY_ERROR },
		{ "COMPARE AND WRITE", { { 0x89, [13] = 4 } }, OFFER_OUT, ANY_ERROR },
		{ "WRITE(10) with a data-in buffer", CDB_WRITE(0, 8), OFFER_IN, ANY_ERROR },
		{ "WRITE(10) without a buffer", CDB_WRITE(0, 8), OFFER_NONE, ANY_ERROR },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(one_write, &rows[i], "%s", rows[i].what);
}

/* ---- ACL-06, ACL-07 ------------------------------------------------------------------------------------ */

static void acl_06(void)
{
	struct srpi_login_opts opts = { .tag = srpi_next_tag() };
	struct srpi *s = second_port();
	struct srpi_chan *ch;

	sent("srp_bind_initiator 1: a session's port id is claimed from another address; after its end, too");
	hook("set srp_bind_initiator 1");
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	expect_refused_by(s, &opts, REJ(3));
	opts.flags = SRP_LOGIN_MC_MULTI;
	expect_refused_by(s, &opts, REJ(3));
	tur(ch);
	/* Who it belongs to may take it over. */
	settle(login(SRP_LOGIN_MC_SINGLE));
	expect_closed(ch, SRP_LOGOUT_RELOGIN);
	close_all();
	settle(login_by(s, NULL));
	hook("set srp_bind_initiator 0");
	ch = login(SRP_LOGIN_MC_SINGLE);
	if (srpi_chan_login(ch)->mc_result != SRP_MC_TERMINATED)
		fail("multi-channel result %d", srpi_chan_login(ch)->mc_result);
}

#define KEY	0x61636c37ULL
#define STATUS_LEN	1024

/* READ FULL STATUS: eight bytes, then descriptors of 24 bytes and a TransportID. */
static void check_full_status(const u8 *status, const u8 *port_id)
{
	const u32 end = 8 + (status[4] << 24 | status[5] << 16 | status[6] << 8 | status[7]);
	const u64 key = htobe64(KEY);
	u32 at, id_len;
	const u8 *id;

	if (end > STATUS_LEN)
		fail("READ FULL STATUS: %u bytes", end);
	for (at = 8; at + 24 <= end; at += 24 + id_len) {
		id_len = status[at + 20] << 24 | status[at + 21] << 16 | status[at + 22] << 8 | status[at + 23];
		id = status + at + 24;
		if (memcmp(status + at, &key, sizeof(key)))
			continue;
		if (id_len != 24 || id[0] != 4)
			fail("a TransportID of %u bytes, protocol %02x", id_len, id[0]);
		if (memcmp(id + 8, port_id, SRPI_PORT_ID_LEN))
			fail("the TransportID has another port id: %02x%02x%02x%02x...", id[8], id[9], id[10], id[11]);
		return;
	}
	fail("the registration is not listed: %u bytes", end);
}

static void transport_id(struct srpi *s)
{
	struct srpi_mem *mem = own_mem(s, 2 * STATUS_LEN, SRPI_ACCESS_DATA);
	struct srpi_chan *ch = login_by(s, NULL);
	struct srpi_iu iu;
	struct srpi_rsp r;

	settle(ch);
	pr_out(ch, mem, 6, 0, 0, KEY);		/* REGISTER AND IGNORE EXISTING KEY */
	begin_cmd(&iu, AS_CDB({ { 0x5e, 3, [7] = STATUS_LEN >> 8 } }), 0);
	srpi_direct(&iu, SRPI_IN, srpi_desc(mem, STATUS_LEN, STATUS_LEN));
	ask(ch, &iu, &r);
	pr_out(ch, mem, 3, 0, KEY, 0);		/* CLEAR */
	if (r.status)
		fail("READ FULL STATUS: status %02x, sense %06x", r.status, srpi_sense(&r));
	check_full_status(mem->addr + STATUS_LEN, srpi_target(s)->i_port_id);
	close_chan(ch);
}

static void id_by_acl(const void *arg)
{
	const char *(*const *name_of)(const struct srpi *) = arg;
	struct srpi *s = stranger(1, 0);

	/* The ACL stays if this fails, and must not be found by the next row. */
	acl_hook("forbid", port_id_name(s));
	acl_hook("allow", (*name_of)(s));
	transport_id(s);
}

static void acl_07(void)
{
	static const char *(*const name)(const struct srpi *) = port_id_name;

	row(id_by_acl, &name, "READ FULL STATUS with an ACL by port id");
}

const struct conf_case access_cases[] = {
	{ "ACL-01", "an initiator without ACL", "REJ 0x10006 or 0x10003; the existing session goes on", acl_01, NEEDS_STRANGER },
	{ "ACL-02", "ACLs by port id and by the peer's address; with IB/CM by GID and by GUID",
	  "who is meant gets in, nobody else", acl_02, NEEDS_STRANGER | NEEDS_HOOK },
	{ "ACL-03", "one GUID, two extensions", "two nexuses; an ACL of 16 bytes is for one", acl_03, NEEDS_STRANGER | NEEDS_HOOK },
	{ "ACL-04", "an ACL is removed under its session", "closed; no RDMA afterwards; others go on", acl_04,
	  NEEDS_STRANGER | NEEDS_HOOK },
	{ "ACL-05", "a read-only LUN", "07/27/00 for WRITE, an error for anything else that writes; nothing is written", acl_05,
	  NEEDS_READONLY },
	{ "ACL-06", "a port id is bound to its address by policy", "REJ 0x10003; the session goes on", acl_06,
	  NEEDS_SECOND | NEEDS_HOOK },
	{ "ACL-07", "TransportID of persistent reservations", "24 bytes, protocol 4, the port id", acl_07,
	  NEEDS_STRANGER | NEEDS_HOOK },
	{ "ACL-07b", "the same with ACLs by address", "24 bytes, protocol 4, the port id", NULL, 0,
	  "LIO makes the TransportID of the name of the ACL, which must be the port id for that" },
	{ .id = NULL }
};
