// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* See mad.h. */
#include <errno.h>
#include <infiniband/umad.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mad.h"

#define QP1_QKEY	0x80010000

static int umad_port = -1, agent = -1;
static struct mad_way way;
static bool has_way;
static u32 next_tid;

/* ---- bytes ------------------------------------------------------------------------------------------ */

void mad_set16(struct mad *m, u32 off, u16 v)
{
	const __be16 be = htobe16(v);

	memcpy(m->b + off, &be, sizeof(be));
}

void mad_set32(struct mad *m, u32 off, u32 v)
{
	const __be32 be = htobe32(v);

	memcpy(m->b + off, &be, sizeof(be));
}

u16 mad_get16(const struct mad *m, u32 off)
{
	return m->b[off] << 8 | m->b[off + 1];
}

u32 mad_get32(const struct mad *m, u32 off)
{
	return (u32)mad_get16(m, off) << 16 | mad_get16(m, off + 2);
}

u64 mad_get64(const struct mad *m, u32 off)
{
	return (u64)mad_get32(m, off) << 32 | mad_get32(m, off + 4);
}

void mad_init(struct mad *m, u8 mgmt_class, u8 method, u16 attr, u32 mod, u8 fill)
{
	memset(m, 0, sizeof(*m));
	memset(m->b + MAD_DATA, fill, MAD_LEN - MAD_DATA);
	m->b[0] = 1;
	m->b[1] = mgmt_class;
	m->b[2] = mgmt_class == CLASS_CM ? 2 : 1;
	m->b[3] = method;
	mad_set16(m, 16, attr);
	mad_set32(m, 20, mod);
}

/* ---- the way ---------------------------------------------------------------------------------------- */

/* By another initiator: no session of the case is touched. */
const struct mad_way *mad_way(void)
{
	struct ibv_qp_init_attr init;
	struct ibv_port_attr port;
	struct ibv_qp_attr attr;
	struct srpi_chan *ch;
	struct srpi *s;

	if (has_way)
		return &way;
	s = other_initiator(0x80);
	ch = login_by(s, NULL);
	if (ibv_query_qp(srpi_chan_qp(ch), &attr, IBV_QP_AV, &init) ||
	    ibv_query_port(srpi_verbs(ini), srpi_port(ini), &port) ||
	    ibv_query_gid(srpi_verbs(ini), srpi_port(ini), 0, &way.sgid))
		fail("the path to the target is not known: %s", strerror(errno));
	way.lid = attr.ah_attr.dlid;
	way.sl = attr.ah_attr.sl;
	way.slid = port.lid;
	memcpy(&way.gid, &((const struct sockaddr_ib *)&srpi_target(ini)->dst)->sib_addr, sizeof(way.gid));
	close_chan(ch);
	close_way(s);
	has_way = true;
	return &way;
}

static void open_port(u8 mgmt_class)
{
	if (umad_port >= 0)
		return;
	umad_init();
	umad_port = umad_open_port(ibv_get_device_name(srpi_verbs(ini)->device), srpi_port(ini));
	if (umad_port < 0)
		skip("no device for datagrams: is ib_umad loaded? (%s)", strerror(-umad_port));
	/* Methods are for who gets requests; answers find who has asked. */
	agent = umad_register(umad_port, mgmt_class, mgmt_class == CLASS_CM ? 2 : 1, 0, NULL);
	if (agent < 0)
		fail("no agent for the class %02x: %s", mgmt_class, strerror(-agent));
}

/* Between the cases nothing of this exists. */
#define WATCH	"/sys/kernel/tracing/instances/srp_conform"
#define RTU	"/events/ib_cma/icm_send_rtu/enable"
static bool watching;

void mad_close(void)
{
	if (agent >= 0)
		umad_unregister(umad_port, agent);
	if (umad_port >= 0)
		umad_close_port(umad_port);
	umad_port = -1;
	agent = -1;
	has_way = false;
	if (watching)
		rmdir(WATCH);
	watching = false;
}

/* ---- sending and receiving -------------------------------------------------------------------------- */

static void set_grh(void *umad)
{
	struct ib_mad_addr addr = { .grh_present = 1, .hop_limit = 1 };

	memcpy(addr.gid, &mad_way()->gid, sizeof(addr.gid));
	umad_set_grh(umad, &addr);
}

u32 mad_send(const struct mad *m, u32 ms)
{
	const bool sm = m->b[1] == CLASS_SM;
	const struct mad_way *w = mad_way();
	struct mad copy = *m;
	void *umad;
	int ret;

	open_port(m->b[1]);
	umad = umad_alloc(1, umad_size() + MAD_LEN);
	if (!umad)
		fail("out of memory");
	/* The upper half is the kernel's: it says whose answer it is. */
	mad_set32(&copy, 12, ++next_tid);
	memcpy(umad_get_mad(umad), copy.b, MAD_LEN);
	umad_set_addr(umad, w->lid, sm ? 0 : 1, w->sl, sm ? 0 : QP1_QKEY);
	umad_set_pkey(umad, m->pkey_index);
	if (m->grh)
		set_grh(umad);
	ret = umad_send(umad_port, agent, umad, MAD_LEN, ms, 0);
	umad_free(umad);
	if (ret)
		fail("a datagram cannot be sent: %s", strerror(-ret));
	return next_tid;
}

bool mad_recv(struct mad *m, u32 *tid)
{
	struct ib_user_mad *umad = umad_alloc(1, umad_size() + MAD_LEN);
	int ret, status, len = MAD_LEN;

	if (!umad)
		fail("out of memory");
	ret = umad_recv(umad_port, umad, &len, conf.timeout);
	status = umad_status(umad);
	memset(m, 0, sizeof(*m));
	memcpy(m->b, umad_get_mad(umad), MAD_LEN);
	m->grh = umad->addr.grh_present;
	m->lid = be16toh(umad->addr.lid);
	umad_free(umad);
	if (ret < 0)
		fail("nothing comes of a datagram: %s", strerror(-ret));
	if (tid)
		*tid = mad_get32(m, 12);
	/* What was sent comes back if it was not answered. */
	return !status;
}

bool mad_ask(const struct mad *m, struct mad *answer)
{
	const u16 attr = mad_get16(m, 16);
	const u32 mod = mad_get32(m, 20), tid = mad_send(m, conf.timeout > 4000 ? 4000 : conf.timeout / 2);
	const u8 mgmt_class = m->b[1];
	u32 got;

	if (!mad_recv(answer, &got))
		return false;
	if (got != tid)
		fail("the TransactionID of the answer ends with %08x instead of %08x", got, tid);
	if (answer->b[0] != 1 || answer->b[1] != mgmt_class || answer->b[3] != MAD_GET_RESP || mad_get16(answer, 16) != attr ||
	    mad_get32(answer, 20) != mod)
		fail("the answer is of version %u, class %02x, method %02x, attribute %04x, modifier %08x", answer->b[0],
		     answer->b[1], answer->b[3], mad_get16(answer, 16), mad_get32(answer, 20));
	return true;
}

/* ---- the connection manager ------------------------------------------------------------------------- */

long cm_counter(const char *name)
{
	char path[200], text[30] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/%u/%s", ibv_get_device_name(srpi_verbs(ini)->device),
		 srpi_port(ini), name);
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return atol(text);
}

void wait_counter(const char *name, long before)
{
	const long end = now_ms() + 15000;

	if (before < 0)
		skip("no %s in sysfs", name);
	while (cm_counter(name) == before) {
		if (now_ms() > end)
			fail("%s stays %ld", name, before);
		sleep_ms(50);
	}
}

void cm_watch(void)
{
	FILE *file;

	if (mkdir(WATCH, 0700) && errno != EEXIST)
		skip("the kernel's tracepoints tell the ids of a connection: %s", strerror(errno));
	watching = true;
	file = fopen(WATCH RTU, "w");
	if (!file)
		skip("no tracepoints of ib_cm");
	fputs("1", file);
	fclose(file);
}

struct cm_ids cm_ids(void)
{
	FILE *file = fopen(WATCH "/trace", "r");
	struct cm_ids ids = { 0 };
	char line[500], *at;

	while (file && fgets(line, sizeof(line), file)) {
		at = strstr(line, "local_id=");
		if (at)
			sscanf(at, "local_id=%u remote_id=%u", &ids.local, &ids.remote);
	}
	if (file)
		fclose(file);
	if (!ids.local || !ids.remote)
		fail("the ids of the connection are not in the trace");
	return ids;
}

void cm_message(struct mad *m, u16 attr, struct cm_ids ids)
{
	mad_init(m, CLASS_CM, 0x03, attr, 0, 0);
	mad_set32(m, MAD_DATA, ids.local);
	mad_set32(m, MAD_DATA + 4, ids.remote);
}
