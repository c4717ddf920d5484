// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Many requests at once, commands that are held, and memory that is taken back, for cases. */
#include <string.h>
#include <unistd.h>

#include "harness.h"

#define MAX_OWN		8

static struct srpi_mem own[MAX_OWN];

/* ---- many requests ---------------------------------------------------------------------------------- */

u32 task_send(struct tasks *t, struct srpi_chan *ch, const struct srpi_iu *iu)
{
	if (t->nr == MAX_TASKS)
		fail("out of tasks");
	t->task[t->nr].tag = srpi_iu_tag(iu);
	t->task[t->nr].over = false;
	t->left++;
	send_iu(ch, iu);
	return t->nr++;
}

void task_over(struct tasks *t, u32 nr)
{
	if (!t->task[nr].over)
		t->left--;
	t->task[nr].over = true;
}

static u32 note_answer(struct tasks *t, const struct srpi_rsp *r)
{
	u32 i;

	for (i = 0; i < t->nr && (t->task[i].over || t->task[i].tag != r->tag); i++)
		;
	if (i == t->nr)
		fail("an answer that is not due, status %02x, response code %d", r->status, r->code);
	task_over(t, i);
	return i;
}

static void no_answer(const struct tasks *t, const struct srpi_chan *ch, enum wait_result result)
{
	if (result == WAIT_CLOSED)
		fail("the channel was closed, %s, with %u of %u not answered", srpi_logout_str(srpi_stats(ch)->logout),
		     t->left, t->nr);
	fail("%u of %u are not answered", t->left, t->nr);
}

u32 task_answer(struct tasks *t, struct srpi_chan *ch, struct srpi_rsp *r)
{
	enum wait_result result = wait_rsp(ch, r, conf.timeout);

	if (result != WAIT_RSP)
		no_answer(t, ch, result);
	return note_answer(t, r);
}

void tasks_good(struct tasks *t, struct srpi_chan *ch)
{
	struct srpi_rsp r;

	while (t->left) {
		task_answer(t, ch, &r);
		expect_good(&r);
	}
}

u32 tasks_end(struct tasks *t, struct srpi_chan *ch, u8 status)
{
	const struct srpi_stats *stats = srpi_stats(ch);
	const long end = now_ms() + conf.timeout;
	enum wait_result result;
	struct srpi_rsp r;
	u32 nr = 0;

	while (stats->deltas < (s64)stats->requests) {
		result = wait_rsp(ch, &r, 20);
		if (result == WAIT_RSP) {
			note_answer(t, &r);
			nr += r.status == status;
		} else if (result == WAIT_CLOSED) {
			no_answer(t, ch, result);
		} else if (now_ms() > end) {
			fail("%llu requests, but only %lld credits have come", stats->requests, stats->deltas);
		}
	}
	while (t->left)
		task_over(t, --t->nr);
	expect_conserved(ch);
	return nr;
}

/* ---- commands that are held ------------------------------------------------------------------------- */

void settle_held(struct srpi_chan *ch)
{
	lun = conf.held_lun;
	settle(ch);
	lun = conf.lun;
	settle(ch);
}

void build_held_in(struct srpi_iu *iu, const struct srpi_mem *mem, u32 i)
{
	const u32 at = i % (DATA_SIZE / 4096);
	const struct srp_wire_desc desc = srpi_desc(mem, 4096 * at, 4096);

	lun = conf.held_lun;
	begin_cmd(iu, i % 2 ? AS_CDB(CDB_READ(8 * at, 8)) : AS_CDB(CDB_WRITE(8 * at, 8)), 0);
	srpi_direct(iu, i % 2 ? SRPI_IN : SRPI_OUT, desc);
	lun = conf.lun;
}

void build_held(struct srpi_iu *iu, u32 i)
{
	build_held_in(iu, &data_mem, i);
}

/* ---- any request ------------------------------------------------------------------------------------ */

static void build_transfer(struct srpi_iu *iu)
{
	const bool out = below(2);
	const u32 lba = below(512), nr = 1 + below(256), off = BLOCK * below(1024);

	/* Whose table has one entry for each block does not fit above. */
	if (below(4) == 0)
		build_table(iu, out ? AS_CDB(CDB_WRITE(lba, nr % 128 + 1)) : AS_CDB(CDB_READ(lba, nr % 128 + 1)),
			    out ? SRPI_OUT : SRPI_IN, off, nr % 128 + 1, BLOCK);
	else if (out)
		build_out(iu, AS_CDB(CDB_WRITE(lba, nr)), off, nr * BLOCK);
	else
		build_in(iu, AS_CDB(CDB_READ(lba, nr)), off, nr * BLOCK);
}

void build_any(struct srpi_iu *iu)
{
	switch (below(12)) {
	case 0:
		build_tur(iu);
		break;
	case 1:		/* no such command */
		begin_cmd(iu, (struct cdb){ { 0xff } }, 0);
		break;
	case 2:		/* beyond the end */
		build_in(iu, AS_CDB(CDB_READ(0xfffffff0u, 1)), 0, BLOCK);
		break;
	case 3:		/* data against the CDB */
		build_out(iu, AS_CDB(CDB_READ(0, 1)), 0, BLOCK);
		break;
	case 4:		/* a reserved task attribute */
		build_tur(iu);
		srpi_as_cmd(iu)->task_attr = 7;
		break;
	case 5:		/* no such LUN */
		build_tur(iu);
		srpi_as_cmd(iu)->lun[7] = 1;
		break;
	case 6:		/* too large a buffer */
		build_in(iu, AS_CDB(CDB_INQUIRY(36)), BLOCK * below(1024), 4096);
		break;
	case 7:
		build_tmf(iu, below(4) ? SRP_TMF_ABORT_TASK : below(256) | 0x80, LUN_IS(conf.lun), TASK);
		break;
	default:
		build_transfer(iu);
	}
}

/* ---- others ----------------------------------------------------------------------------------------- */

/* Two that come by one address may have one ACL, and then share reservations and unit attentions. */
struct srpi_chan *login_rival(struct srpi **way)
{
	struct srpi_target target = conf.second;
	struct srpi_chan *ch;
	struct srpi *s;

	if (!conf.has_second) {
		s = other_initiator(0x5a);
	} else {
		memcpy(target.i_port_id, srpi_target(ini)->i_port_id, sizeof(target.i_port_id));
		target.i_port_id[0] ^= 0x5a;
		s = open_way(&target);
	}
	if (way)
		*way = s;
	ch = login_by(s, NULL);
	settle(ch);
	return ch;
}

/* ---- memory that is taken back ----------------------------------------------------------------------- */

void free_own_mem(void)
{
	unsigned int i;

	for (i = 0; i < MAX_OWN; i++)
		srpi_mem_free(&own[i]);
}

struct srpi_mem *own_mem(struct srpi *s, u32 len, int access)
{
	struct srpi_mem *mem = own;
	int err;

	/* The last one is used again and again. */
	while (mem < own + MAX_OWN - 1 && mem->addr)
		mem++;
	srpi_mem_free(mem);
	err = srpi_mem_alloc(s, len, access, mem);
	if (err)
		fail("no memory: %s", strerror(-err));
	return mem;
}

void take_back(struct srpi_mem *mem)
{
	if (mem->mr && ibv_dereg_mr(mem->mr))
		fail("memory cannot be deregistered");
	mem->mr = NULL;
	memset(mem->addr, CANARY, mem->len);
}

int manage(struct srpi_chan *ch, const struct srpi_iu *cmd, struct srpi_mem *mem, u8 function, u32 us, bool *answered)
{
	struct srpi_iu tmf;
	const struct srpi_iu *both[] = { cmd, &tmf };
	struct srpi_rsp r;
	int code = -1;

	*answered = false;
	build_tmf(&tmf, function, LUN_IS(conf.lun), srpi_iu_tag(cmd));
	memcpy(tmf.b + 20, srpi_as_cmd((struct srpi_iu *)cmd)->lun, 8);
	if (us) {
		send_iu(ch, cmd);
		usleep(us);
		send_iu(ch, &tmf);
	} else if (srpi_send_list(ch, both, 2)) {
		fail("%s", srpi_error(ch));
	}
	/* A command that is not aborted goes on, and uses its memory, after the refusal. */
	while (code < 0 || (code != SRP_RSP_COMPLETE && !*answered)) {
		if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
			fail("the channel was closed, or the %s is not answered", code < 0 ? "function" : "command");
		if (r.tag == srpi_iu_tag(&tmf) && code < 0)
			code = r.code;
		else if (r.tag == srpi_iu_tag(cmd) && !*answered)
			*answered = true;
		else
			fail("an answer to something else");
	}
	take_back(mem);
	return code;
}
