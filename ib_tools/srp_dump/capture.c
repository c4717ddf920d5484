// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * SRP in captures: RoCEv2, and what a sniffer of InfiniBand has. Private data of CM messages, SENDs put together again,
 * and the requests for RDMA. Nothing is known of the connections but what the packets say, so SENDs of other protocols
 * show as bad IUs.
 */
#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "dump.h"

#define ROCE_PORT	4791
#define GSI_QPN		1
#define CLASS_CM	0x07
#define ICRC_LEN	4
#define PSN_MASK	0xffffff

/* What is left of a packet. */
struct rest {
	const u8	*p;
	u32		len;
};

/* The next @n bytes, or NULL. */
static const u8 *take(struct rest *r, u32 n)
{
	const u8 *p = r->p;

	if (n > r->len)
		return NULL;
	r->p += n;
	r->len -= n;
	return p;
}

static u32 be16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static u32 be24(const u8 *p)
{
	return p[0] << 16 | p[1] << 8 | p[2];
}

static u32 be32(const u8 *p)
{
	return (u32)be16(p) << 16 | be16(p + 2);
}

/* One direction of a connection. */
struct flow {
	struct flow	*next;
	u8		dst[16];
	u32		qpn;
	u32		psn;		/* of the last request */
	bool		open;		/* a message has begun */
	u32		len;
	u8		*buf;
};

#define FLOW_BUCKETS	256

static struct {
	struct flow	*flows[FLOW_BUCKETS];
	u64		frame;
	char		where[200];
	u8		dst[16];	/* of the packet */
} cap;

static struct flow *find_flow(u32 qpn, u32 psn)
{
	struct flow **bucket = &cap.flows[qpn % FLOW_BUCKETS], *f;

	for (f = *bucket; f; f = f->next)
		if (f->qpn == qpn && !memcmp(f->dst, cap.dst, sizeof(f->dst)))
			return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	memcpy(f->dst, cap.dst, sizeof(f->dst));
	f->qpn = qpn;
	f->psn = psn - 1;
	f->next = *bucket;
	*bucket = f;
	return f;
}

static void free_flows(void)
{
	struct flow *f, *next;
	int i;

	for (i = 0; i < FLOW_BUCKETS; i++) {
		for (f = cap.flows[i]; f; f = next) {
			next = f->next;
			free(f->buf);
			free(f);
		}
	}
}

/* ---- connection management ------------------------------------------------------------------------- */

/* A service id of RDMA/CM over IP with TCP's port space: 01 06 and the port. */
static bool is_rdma_cm(const u8 *service_id)
{
	return !be32(service_id) && be32(service_id + 4) >> 16 == 0x0106;
}

static void dump_req(const u8 *m)
{
	const u8 *service_id = m + 8, *pd = m + 140;

	if (is_rdma_cm(service_id)) {
		/* Behind the header that RDMA/CM has in the private data. */
		dump_iu(cap.where, pd + 36, sizeof(struct srp_wire_login_req_rdma), FROM_INITIATOR, FORM_LOGIN_RDMA);
		return;
	}
	dump_iu(cap.where, pd, sizeof(struct srp_wire_login_req), FROM_INITIATOR, FORM_LOGIN_IB);
}

/* Its private data is an IU of the target, which is as long as its type says. */
static void dump_private(const u8 *pd, u32 len)
{
	switch (pd[0]) {
	case SRP_OP_LOGIN_RSP:
		len = MIN(len, sizeof(struct srp_wire_login_rsp));
		break;
	case SRP_OP_LOGIN_REJ:
		len = MIN(len, sizeof(struct srp_wire_login_rej));
		break;
	case SRP_OP_T_LOGOUT:
		len = MIN(len, sizeof(struct srp_wire_t_logout));
		break;
	default:
		return;
	}
	dump_iu(cap.where, pd, len, FROM_TARGET, FORM_IU);
}

static void dump_cm(const u8 *mad, const char *name)
{
	const u8 *m = mad + 24;

	entry_begin(cap.where, name, 256);
	entry_field(24, 4, "local communication id", "0x%08x", be32(m));
	switch (be16(mad + 16)) {
	case 0x10:
		entry_field(32, 8, "service id", "%08x%08x%s", be32(m + 8), be32(m + 12),
			    is_rdma_cm(m + 8) ? " (RDMA/CM)" : "");
		entry_field(56, 3, "local QPN", "0x%06x", be24(m + 32));
		entry_field(59, 1, "responder resources", "%u", m[35]);
		break;
	case 0x12:
		entry_field(28, 4, "remote communication id", "0x%08x", be32(m + 4));
		entry_field(34, 2, "reason", "%u %s", be16(m + 10), srpi_cm_reject_str(be16(m + 10)));
		break;
	case 0x13:
		entry_field(28, 4, "remote communication id", "0x%08x", be32(m + 4));
		entry_field(36, 3, "local QPN", "0x%06x", be24(m + 12));
		entry_field(49, 1, "initiator depth", "%u", m[25]);
		break;
	default:
		entry_field(28, 4, "remote communication id", "0x%08x", be32(m + 4));
	}
	entry_end();
}

static void take_mad(struct rest *r)
{
	static const struct { u16 attr; const char *name; } kinds[] = {
		{ 0x10, "CM REQ" }, { 0x11, "CM MRA" }, { 0x12, "CM REJ" }, { 0x13, "CM REP" }, { 0x14, "CM RTU" },
		{ 0x15, "CM DREQ" }, { 0x16, "CM DREP" },
	};
	const u8 *mad = take(r, 256);
	unsigned int i;

	if (!mad || mad[1] != CLASS_CM)
		return;
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].attr == be16(mad + 16))
			dump_cm(mad, kinds[i].name);
	switch (be16(mad + 16)) {
	case 0x10:
		dump_req(mad + 24);
		break;
	case 0x12:
		dump_private(mad + 24 + 84, 148);
		break;
	case 0x13:
		dump_private(mad + 24 + 36, 196);
		break;
	case 0x15:
		dump_private(mad + 24 + 12, 220);
		break;
	}
}

/* ---- packets of a connection ----------------------------------------------------------------------- */

static void append(struct flow *f, const u8 *p, u32 len)
{
	if (len > DUMP_MAX_LEN - f->len) {
		f->open = false;
		return;
	}
	f->buf = realloc(f->buf, f->len + len + 1);
	if (!f->buf)
		abort();
	memcpy(f->buf + f->len, p, len);
	f->len += len;
}

/* @rc: the operation, without the service */
static void take_send(struct flow *f, u8 rc, bool gap, const struct rest *r)
{
	const bool first = rc == 0 || rc == 4 || rc == 5 || rc == 0x17;
	const bool last = rc != 0 && rc != 1;

	if (first) {
		f->open = true;
		f->len = 0;
	} else if (gap) {
		f->open = false;
	}
	if (!f->open)
		return;
	append(f, r->p, r->len);
	if (last && f->open) {
		dump_iu(cap.where, f->buf, f->len, conf.from, FORM_IU);
		f->open = false;
	}
}

static void dump_rdma(const u8 *reth, bool write)
{
	entry_begin(cap.where, write ? "RDMA WRITE" : "RDMA READ", be32(reth + 12));
	entry_field(12, 16, "remote memory", "address 0x%08x%08x key 0x%08x length %u", be32(reth), be32(reth + 4),
		    be32(reth + 8), be32(reth + 12));
	entry_end();
}

/* Behind the BTH of a request. */
static void take_request(u8 op, u32 qpn, u32 psn, struct rest *r)
{
	struct flow *f = find_flow(qpn, psn);
	const u32 ahead = (psn - f->psn) & PSN_MASK;
	const u8 *reth;

	/* A little behind is a retransmission, far behind another connection. */
	if (!ahead || ahead > PSN_MASK - 4096)
		return;
	f->psn = psn;
	switch (op) {
	case 0x00: case 0x01: case 0x02: case 0x04:
		take_send(f, op, ahead != 1, r);
		break;
	case 0x03: case 0x05: case 0x16: case 0x17:
		if (take(r, 4))		/* immediate data of the transport, or a key */
			take_send(f, op, ahead != 1, r);
		break;
	case 0x06: case 0x0a: case 0x0b: case 0x0c:
		reth = take(r, 16);
		if (reth)
			dump_rdma(reth, op != 0x0c);
		break;
	}
}

static void take_bth(struct rest r, const char *from, const char *to)
{
	const u8 *bth = take(&r, 12);
	u32 pad, qpn;
	size_t len;

	if (!bth)
		return;
	pad = (bth[1] >> 4 & 3) + ICRC_LEN;
	if (r.len < pad)
		return;
	r.len -= pad;
	qpn = be24(bth + 5);
	len = strlen(cap.where);
	snprintf(cap.where + len, sizeof(cap.where) - len, ", %s > %s QP 0x%06x", from, to, qpn);
	if (bth[0] == 0x64) {		/* UD SEND only */
		if (qpn == GSI_QPN && take(&r, 8))
			take_mad(&r);
	} else if (bth[0] <= 0x0c || bth[0] == 0x16 || bth[0] == 0x17) {
		take_request(bth[0], qpn, be24(bth + 9), &r);
	}
}

/* ---- the layers below ------------------------------------------------------------------------------ */

static void take_udp(struct rest r, int family, const u8 *src, const u8 *dst)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	const u8 *udp = take(&r, 8);

	if (!udp || be16(udp + 2) != ROCE_PORT || be16(udp + 4) < 8)
		return;
	r.len = MIN(r.len, be16(udp + 4) - 8);
	memset(cap.dst, 0, sizeof(cap.dst));
	memcpy(cap.dst, dst, family == AF_INET ? 4 : 16);
	inet_ntop(family, src, from, sizeof(from));
	inet_ntop(family, dst, to, sizeof(to));
	take_bth(r, from, to);
}

/* Fragments do not occur: RoCE sets DF. */
static void take_ip(struct rest r)
{
	const u8 *ip;
	u32 head;

	if (!r.len)
		return;
	if (r.p[0] >> 4 == 6) {
		ip = take(&r, 40);
		if (!ip || ip[6] != IPPROTO_UDP)
			return;
		r.len = MIN(r.len, be16(ip + 4));
		take_udp(r, AF_INET6, ip + 8, ip + 24);
		return;
	}
	head = (r.p[0] & 0xf) * 4;
	if (r.p[0] >> 4 != 4 || head < 20)
		return;
	ip = take(&r, head);
	if (!ip || ip[9] != IPPROTO_UDP || be16(ip + 6) & 0x3fff || be16(ip + 2) < head)
		return;
	/* Short frames are padded. */
	r.len = MIN(r.len, be16(ip + 2) - head);
	take_udp(r, AF_INET, ip + 12, ip + 16);
}

static void take_ethernet(struct rest r)
{
	const u8 *mac = take(&r, 12), *type;

	if (!mac)
		return;
	do {
		type = take(&r, 2);
		if (!type)
			return;
		/* A VLAN tag has two bytes more. */
	} while ((be16(type) == 0x8100 || be16(type) == 0x88a8) && take(&r, 2));
	if (be16(type) == 0x0800 || be16(type) == 0x86dd)
		take_ip(r);
}

/* From the LRH on; LNH says whether there is a GRH. */
static void take_infiniband(struct rest r)
{
	const u8 *lrh = take(&r, 8), *grh = NULL;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	if (!lrh || (lrh[1] & 3) < 2)
		return;
	snprintf(from, sizeof(from), "LID %u", be16(lrh + 6));
	snprintf(to, sizeof(to), "LID %u", be16(lrh + 2));
	memset(cap.dst, 0, sizeof(cap.dst));
	memcpy(cap.dst, lrh + 2, 2);
	if ((lrh[1] & 3) == 3) {
		grh = take(&r, 40);
		if (!grh)
			return;
		inet_ntop(AF_INET6, grh + 8, from, sizeof(from));
		inet_ntop(AF_INET6, grh + 24, to, sizeof(to));
	}
	/* The VCRC is not always captured; a BTH does not say how long it is, the LRH does. */
	if ((be16(lrh + 4) & 0x7ff) * 4 < 8u + (grh ? 40 : 0))
		return;
	r.len = MIN(r.len, (be16(lrh + 4) & 0x7ff) * 4 - 8 - (grh ? 40 : 0));
	take_bth(r, from, to);
}

/* What ibdump writes: a header of 16 bytes, with more behind it if bit 7 of the type is set. */
static void take_erf(struct rest r)
{
	const u8 *erf = take(&r, 16), *more;
	bool again;

	if (!erf || (erf[8] & 0x7f) != 21)
		return;
	again = erf[8] & 0x80;
	while (again) {
		more = take(&r, 8);
		if (!more)
			return;
		again = more[0] & 0x80;
	}
	take_infiniband(r);
}

static void take_layers(int link_type, struct rest r)
{
	switch (link_type) {
	case DLT_EN10MB:
		take_ethernet(r);
		break;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		take_ip(r);
		break;
	case DLT_LINUX_SLL:
		if (take(&r, 16))
			take_ip(r);
		break;
	case DLT_LINUX_SLL2:
		if (take(&r, 20))
			take_ip(r);
		break;
	case DLT_INFINIBAND:
		take_infiniband(r);
		break;
	case DLT_ERF:
		take_erf(r);
		break;
	}
}

/* A copy of that very length, so that a sanitizer sees whoever reads beyond it. */
static void take_frame(int link_type, const u8 *p, u32 len)
{
	u8 *copy = malloc(len + !len);

	if (!copy)
		abort();
	memcpy(copy, p, len);
	take_layers(link_type, (struct rest) { copy, len });
	free(copy);
}

static bool is_known(int link_type)
{
	static const int known[] = {
		DLT_EN10MB, DLT_RAW, DLT_IPV4, DLT_IPV6, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_INFINIBAND, DLT_ERF,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i] == link_type)
			return true;
	return false;
}

static void read_frames(pcap_t *pcap, const char *name)
{
	const int link_type = pcap_datalink(pcap);
	struct pcap_pkthdr *head;
	u64 begin = 0, us;
	const u8 *p;
	int ret;

	while ((ret = pcap_next_ex(pcap, &head, &p)) == 1) {
		us = head->ts.tv_sec * 1000000ULL + head->ts.tv_usec;
		if (!cap.frame++)
			begin = us;
		snprintf(cap.where, sizeof(cap.where), "frame %llu, %.6f s", cap.frame, (s64)(us - begin) / 1e6);
		take_frame(link_type, p, head->caplen);
	}
	if (ret == PCAP_ERROR)
		input_problem(name, "%s", pcap_geterr(pcap));
}

int read_capture(FILE *file, const char *name)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_fopen_offline(file, why);
	int ret = TOOL_OK;

	if (!pcap) {
		input_problem(name, "%s", why);
		fclose(file);
		return TOOL_USAGE;
	}
	if (is_known(pcap_datalink(pcap))) {
		read_frames(pcap, name);
	} else {
		input_problem(name, "captures with the link type %s are not understood",
			      pcap_datalink_val_to_name(pcap_datalink(pcap)));
		ret = TOOL_USAGE;
	}
	pcap_close(pcap);
	free_flows();
	return ret;
}
