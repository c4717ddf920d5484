// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The initiators: libsrp, with failures that end the case. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define MAX_NEXUSES	16
#define BLOCK		512

const struct srpi_login_opts no_receives = { .recvs = -16 };

static struct nexus *nexuses[MAX_NEXUSES];

/* ---- sessions --------------------------------------------------------------------------------------------------- */

static struct srpi *open_way(__u64 id_ext, u8 who)
{
	struct srpi_target target;
	const char *why;
	char text[256];
	struct srpi *s;
	int err;

	snprintf(text, sizeof(text), "id_ext=%016llx,%s,initiator_ext=%x", (unsigned long long)id_ext, conf.target,
		 who);
	check(!srpi_parse_target(text, &target, &why), "%s: %s", text, why);
	s = srpi_open(&target, WAIT_MS, &err);
	check(s, "no way to the target: %s", strerror(-err));
	return s;
}

static struct nexus *new_nexus(u8 who)
{
	unsigned int i;

	for (i = 0; i < MAX_NEXUSES && nexuses[i]; i++)
		;
	check(i < MAX_NEXUSES, "too many initiators");
	nexuses[i] = calloc(1, sizeof(*nexuses[i]));
	check(nexuses[i], "no memory");
	nexuses[i]->who = who;
	return nexuses[i];
}

void logout(struct nexus *n)
{
	unsigned int i;

	for (i = 0; i < MAX_NEXUSES; i++)
		if (nexuses[i] == n)
			nexuses[i] = NULL;
	srpi_mem_free(&n->mem);
	srpi_close(n->s);
	free(n);
}

void close_nexuses(void)
{
	unsigned int i;

	for (i = 0; i < MAX_NEXUSES; i++)
		if (nexuses[i])
			logout(nexuses[i]);
}

struct nexus *login_only(__u64 id_ext, u8 who, const struct srpi_login_opts *opts)
{
	struct srpi_login_opts with_imm = opts ? *opts : (struct srpi_login_opts) { 0 };
	struct nexus *n = new_nexus(who);
	int ret;

	with_imm.flags |= SRP_LOGIN_IMM;

	n->s = open_way(id_ext, who);
	/* Not a multiple of 1 MiB: soft RoCE of 6.1 looks beyond its tables at the end of such a region. */
	ret = srpi_mem_alloc(n->s, MEM_SIZE + 8192, SRPI_ACCESS_DATA, &n->mem);
	check(!ret, "memory of an initiator: %s", strerror(-ret));
	ret = srpi_login(n->s, &with_imm, &n->ch);
	if (ret == -ECONNREFUSED) {
		logout(n);
		return NULL;
	}
	check(!ret, "login: %s", n->ch ? srpi_error(n->ch) : strerror(-ret));
	return n;
}

struct nexus *must_login(__u64 id_ext, u8 who, const struct srpi_login_opts *opts)
{
	struct nexus *n = login_only(id_ext, who, opts);

	check(n, "the login is refused");
	return n;
}

struct nexus *login_opts(struct daemon *d, u8 who, const struct srpi_login_opts *opts)
{
	struct nexus *n = must_login(ID_EXT, who, opts);
	struct tgt_event ev = expect(d, TGT_HOST_UP);

	check(!memcmp(ev.host_up.i_port_id, srpi_target(n->s)->i_port_id, 16), "HOST_UP: another initiator port");
	check(!memcmp(ev.host_up.t_port_id, srpi_target(n->s)->t_port_id, 16), "HOST_UP: another target port");
	check(d->pid || ev.host_up.target_id == d->target_id, "HOST_UP: another target");
	n->host_no = ev.host_no;
	return n;
}

struct nexus *login(struct daemon *d, u8 who)
{
	return login_opts(d, who, NULL);
}

/* ---- requests --------------------------------------------------------------------------------------------------- */

static size_t build_cdb(const struct io *io, u8 *cdb)
{
	u32 blocks = io->len / BLOCK;

	memset(cdb, 0, TGT_CDB_LEN);
	if (!io->len)
		return 6;
	cdb[0] = io->write ? 0x2a : 0x28;
	cdb[7] = blocks >> 8;
	cdb[8] = blocks;
	return 10;
}

static void send_iu(struct nexus *n, const struct srpi_iu *iu)
{
	int ret = srpi_send(n->ch, iu);

	check(!ret || n->careless, "a request cannot be sent: %s", strerror(-ret));
}

void send_io(struct nexus *n, const struct io *io)
{
	struct srp_wire_desc desc = srpi_desc(&n->mem, io->off, io->claim ? io->claim : io->len);
	u8 lun[8], cdb[TGT_CDB_LEN];
	size_t cdb_len = io->cdb_len;
	struct srpi_iu iu;

	if (!cdb_len)
		cdb_len = build_cdb(io, cdb);
	srpi_lun(lun, io->lun);
	srpi_cmd(&iu, io->tag, lun, io->cdb_len ? io->cdb : cdb, cdb_len);
	if (io->imm)
		srpi_immediate(&iu, SRPI_IMM_OFF, n->mem.addr + io->off, io->len);
	else if (io->len)
		srpi_direct(&iu, io->write ? SRPI_OUT : SRPI_IN, desc);
	send_iu(n, &iu);
}

void send_tmf(struct nexus *n, u64 tag, u8 function, u16 lun_nr, u64 task_tag)
{
	struct srpi_iu iu;
	u8 lun[8];

	srpi_lun(lun, lun_nr);
	srpi_tmf(&iu, tag, lun, function, task_tag);
	send_iu(n, &iu);
}

struct tgt_event expect_cmd(struct daemon *d, struct nexus *n, const struct io *io)
{
	struct tgt_event ev = expect(d, TGT_CMD_REQ);

	check(ev.host_no == n->host_no, "CMD_REQ of another nexus");
	check(ev.cmd_req.tag == io->tag, "CMD_REQ: tag %#llx instead of %#llx", (unsigned long long)ev.cmd_req.tag,
	      io->tag);
	return ev;
}

static bool is_in_progress(void *arg)
{
	char text[40];

	snprintf(text, sizeof(text), ": %u in progress\n", *(u32 *)arg);
	return shown(text);
}

void await_in_progress(u32 nr)
{
	wait_until(is_in_progress, &nr, "commands to arrive");
}

struct tgt_event submit(struct daemon *d, struct nexus *n, const struct io *io)
{
	send_io(n, io);
	return expect_cmd(d, n, io);
}

struct tgt_event submit_tmf(struct daemon *d, struct nexus *n, u64 tag, u8 function, u16 lun, u64 task_tag)
{
	struct tgt_event ev;

	send_tmf(n, tag, function, lun, task_tag);
	ev = expect(d, TGT_TSK_MGMT_REQ);
	check(ev.host_no == n->host_no, "TSK_MGMT_REQ of another nexus");
	return ev;
}

/* ---- responses -------------------------------------------------------------------------------------------------- */

struct srpi_rsp expect_rsp(struct nexus *n, u64 tag)
{
	struct srpi_rsp rsp;
	int ret = srpi_recv_rsp(n->ch, &rsp, WAIT_MS);

	check(!ret, "no response to tag %#llx: %s", tag, srpi_error(n->ch));
	check(rsp.tag == tag, "response to tag %#llx instead of %#llx", rsp.tag, tag);
	return rsp;
}

struct srpi_rsp expect_status(struct nexus *n, u64 tag, u8 status)
{
	struct srpi_rsp rsp = expect_rsp(n, tag);

	check(rsp.code < 0, "tag %#llx: response code %02x", tag, rsp.code);
	check(rsp.status == status, "tag %#llx: status %02xh instead of %02xh", tag, rsp.status, status);
	return rsp;
}

void expect_sense_key(struct nexus *n, u64 tag, u8 key)
{
	struct srpi_rsp rsp = expect_status(n, tag, CHECK_CONDITION);
	u32 sense = srpi_sense(&rsp);

	check(sense >> 16 == key, "tag %#llx: sense key %x instead of %x", tag, sense >> 16, key);
}

struct srpi_rsp expect_tmf(struct nexus *n, u64 tag, int code)
{
	struct srpi_rsp rsp = expect_rsp(n, tag);

	check(rsp.code == code, "function %#llx: response code %d instead of %d", tag, rsp.code, code);
	return rsp;
}

void expect_aborted(struct nexus *n, u32 nr)
{
	struct srpi_rsp rsp;
	u64 seen = 0;
	u32 i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = srpi_recv_rsp(n->ch, &rsp, WAIT_MS);
		check(!ret, "%u of %u responses: %s", i, nr, srpi_error(n->ch));
		check(rsp.status == CHECK_CONDITION && srpi_sense(&rsp) >> 16 == ABORTED_COMMAND,
		      "status %02xh, sense %06x", rsp.status, srpi_sense(&rsp));
		check(rsp.tag < nr && !(seen & 1u << rsp.tag), "a response twice");
		seen |= 1u << rsp.tag;
	}
}

void expect_idle(struct daemon *d, struct nexus *n)
{
	const struct io io = { .tag = srpi_next_tag() };
	struct tgt_event req = submit(d, n, &io);

	must_answer(d, good(&req));
	expect_status(n, io.tag, GOOD);
	expect_done(d, &req, TGT_DONE_OK);
	expect_nothing(d);
}

void expect_end(struct nexus *n)
{
	struct srpi_rx rx;
	int ret;

	do {
		ret = srpi_recv(n->ch, &rx, WAIT_MS);
	} while (!ret);
	check(ret == -ENOTCONN, "the session does not end");
}

/* ---- data ------------------------------------------------------------------------------------------------------- */

void fill(void *p, size_t len, u8 salt)
{
	size_t i;

	for (i = 0; i < len; i++)
		((u8 *)p)[i] = i * 7 + (i >> 8) + salt;
}

void expect_filled(const void *p, size_t len, u8 salt, const char *what)
{
	size_t i;

	for (i = 0; i < len; i++)
		check(((const u8 *)p)[i] == (u8)(i * 7 + (i >> 8) + salt), "%s: wrong from byte %zu on", what, i);
}
