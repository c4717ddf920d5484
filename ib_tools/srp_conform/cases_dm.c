// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of Device Management (DM): how initiators find the target. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "mad.h"

#define FILL		0xa5
#define SLOT(n)		((u32)(n) << 16)
#define RANGE(slot, first, last)	(SLOT(slot) | (last) << 8 | (first))

/* ---- what several use ------------------------------------------------------------------------------- */

static u16 status_of(const struct mad *m)
{
	return mad_get16(m, 4);
}

/* From @off of the data on. */
static void expect_zero(const struct mad *m, u32 off, const char *what)
{
	for (off += MAD_DM_DATA; off < MAD_LEN; off++)
		if (m->b[off])
			fail("%s: byte %u of the data is %02x", what, off - MAD_DM_DATA, m->b[off]);
}

/* Asks, with data that must not come back. Returns the status, or -1 for no answer. */
static int ask_dm(u8 method, u16 attr, u32 mod, struct mad *answer)
{
	struct mad m;

	mad_init(&m, CLASS_DM, method, attr, mod, FILL);
	if (!mad_ask(&m, answer)) {
		saw("no answer");
		return -1;
	}
	saw("status 0x%04x", status_of(answer));
	return status_of(answer);
}

static void get_dm(u16 attr, u32 mod, struct mad *answer)
{
	const int status = ask_dm(MAD_GET, attr, mod, answer);

	if (status)
		fail("attribute 0x%04x, modifier 0x%08x: status %d", attr, mod, status);
}

static u32 slot_state(const struct mad *info, u32 slot)
{
	const u8 byte = info->b[MAD_DM_DATA + 4 + (slot - 1) / 2];

	return slot % 2 ? byte >> 4 : byte & 0x0f;
}

static u32 nr_entries(void)
{
	struct mad m;

	get_dm(SRP_DM_IOC_PROFILE, 1, &m);
	return m.b[MAD_DM_DATA + offsetof(struct srp_wire_dm_ioc_profile, num_svc_entries)];
}

/* Is there an entry with the id_ext of our target? *@id: its service id */
static bool find_entry(u64 *id)
{
	char name[40] = "SRP.T10:";
	u32 i, nr = nr_entries();
	const u8 *entry;
	struct mad m;

	for (i = 0; i < 8; i++)
		sprintf(name + 8 + 2 * i, "%02x", srpi_target(ini)->t_port_id[i]);
	for (i = 0; i < nr; i++) {
		get_dm(SRP_DM_SVC_ENTRIES, RANGE(1, i, i), &m);
		entry = m.b + MAD_DM_DATA;
		*id = mad_get64(&m, MAD_DM_DATA + 40);
		/* Digits of either case. */
		if (!strncasecmp((const char *)entry, name, sizeof(name)))
			return true;
	}
	return false;
}

/* ---- DM-01 to DM-06: what is there -------------------------------------------------------------------- */

static void dm_01(void)
{
	struct mad m;

	sent("Get(ClassPortInfo)");
	get_dm(SRP_DM_CLASS_PORT_INFO, 0, &m);
	if (m.b[MAD_DM_DATA] != 1 || m.b[MAD_DM_DATA + 1] != 1)
		fail("versions %u and %u", m.b[MAD_DM_DATA], m.b[MAD_DM_DATA + 1]);
	if (m.b[MAD_DM_DATA + 4] || m.b[MAD_DM_DATA + 5] || m.b[MAD_DM_DATA + 6] || m.b[MAD_DM_DATA + 7] & 0xe0)
		fail("reserved bytes are not zero");
	expect_zero(&m, sizeof(struct srp_wire_dm_class_port_info), "behind the attribute");
}

static u16 change_id(u32 *state)
{
	struct mad m;

	get_dm(SRP_DM_IOU_INFO, 0, &m);
	*state = slot_state(&m, 1);
	return mad_get16(&m, MAD_DM_DATA);
}

static void dm_02(void)
{
	u32 slot, nr, state;
	struct mad m;
	u64 service;
	bool listed;
	u16 id, now;

	sent("Get(IOUnitInfo), before and while the port is disabled, and again");
	get_dm(SRP_DM_IOU_INFO, 0, &m);
	id = mad_get16(&m, MAD_DM_DATA);
	nr = m.b[MAD_DM_DATA + 2];
	saw("%u slots", nr);
	if (!nr || slot_state(&m, 1) != 1)
		fail("%u slots, the first is in state %u", nr, slot_state(&m, 1));
	for (slot = 2; slot <= 256; slot++)
		if (slot_state(&m, slot))
			fail("slot %u of %u is in state %u", slot, nr, slot_state(&m, slot));
	expect_zero(&m, sizeof(struct srp_wire_dm_iou_info), "behind the attribute");
	if (change_id(&state) != id)
		fail("ChangeID changes although nothing else does");
	hook("disable");
	now = change_id(&state);
	/* Of srp_tgtd the target stays, and lets nobody in. */
	listed = state == 1 && find_entry(&service);
	if (now == id && !listed)
		fail("ChangeID stays %u when the list of targets changes", id);
	id = now;
	hook("enable");
	if ((change_id(&state) == id && !listed) || state != 1)
		fail("ChangeID %u, the slot is in state %u", id, state);
}

static void dm_03(void)
{
	const struct srp_wire_dm_ioc_profile *p;
	struct mad m;

	sent("Get(IOControllerProfile) of slot 1");
	get_dm(SRP_DM_IOC_PROFILE, 1, &m);
	p = (const void *)(m.b + MAD_DM_DATA);
	if (memcmp(&p->guid, srpi_target(ini)->t_port_id + 8, 8))
		fail("GUID %016llx is not the ioc_guid", (u64)be64toh(p->guid));
	saw("vendor %06x, send size %u, id '%.64s'", be32toh(p->vendor_id) >> 8, be32toh(p->send_size),
	    (const char *)p->id_string);
	if (be32toh(p->vendor_id) & 0xff || be32toh(p->subsys_vendor_id) & 0xff)
		fail("VendorID is not in the upper 24 bits: %08x, %08x", be32toh(p->vendor_id), be32toh(p->subsys_vendor_id));
	if (be16toh(p->io_class) != 0x0100 || be16toh(p->io_subclass) != 0x609e || be16toh(p->protocol) != 0x0108 ||
	    be16toh(p->protocol_version) != 1)
		fail("I/O class %04x, subclass %04x, protocol %04x, version %04x", be16toh(p->io_class), be16toh(p->io_subclass),
		     be16toh(p->protocol), be16toh(p->protocol_version));
	if (!p->num_svc_entries)
		fail("no service entries");
	if (be32toh(p->send_size) < SRP_MIN_IU_LEN)
		fail("a send size of %u", be32toh(p->send_size));
	if (!p->id_string[0] || p->id_string[sizeof(p->id_string) - 1])
		fail("the id string is empty, or has no end");
	expect_zero(&m, sizeof(*p), "behind the attribute");
}

struct dm_row {
	const char	*what;
	u32		mod;
	int		status;
};

/* A refusal carries no data. */
static void profile_refused(const void *arg)
{
	const struct dm_row *r = arg;
	struct mad m;
	int status = ask_dm(MAD_GET, SRP_DM_IOC_PROFILE, r->mod, &m);

	if (status != r->status)
		fail("status %d instead of 0x%04x", status, r->status);
	expect_zero(&m, 0, "a refusal");
}

static void dm_04(void)
{
	static const struct dm_row rows[] = {
		{ "slot 0", 0, SRP_DM_BAD_FIELD }, { "slot 17", 17, SRP_DM_BAD_FIELD }, { "slot 255", 255, SRP_DM_BAD_FIELD },
		{ "slot 256", 256, SRP_DM_BAD_FIELD }, { "slot 257", 257, SRP_DM_BAD_FIELD },
		{ "slot 0x10001", 0x10001, SRP_DM_BAD_FIELD }, { "slot 0xffffffff", 0xffffffff, SRP_DM_BAD_FIELD },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(profile_refused, &rows[i], "%s", rows[i].what);
}

static void dm_05(void)
{
	struct dm_row r = { .status = SRP_DM_NO_IOC };
	struct mad m;
	u32 nr;

	get_dm(SRP_DM_IOU_INFO, 0, &m);
	nr = m.b[MAD_DM_DATA + 2];
	for (r.mod = 2; r.mod <= nr; r.mod++)
		row(profile_refused, &r, "slot %u", r.mod);
}

static void dm_06(void)
{
	const struct srpi_target *t = srpi_target(ini);
	u64 id = 0, sid = be64toh(((const struct sockaddr_ib *)&t->dst)->sib_sid);
	u32 nr = nr_entries();
	struct mad m;

	sent("Get(ServiceEntries) of all that the profile counts");
	if (!find_entry(&id))
		fail("none of %u entries is called SRP.T10: and the id_ext", nr);
	if (id != sid)
		fail("service id %016llx instead of %016llx", id, sid);
	get_dm(SRP_DM_SVC_ENTRIES, RANGE(1, 0, 0), &m);
	expect_zero(&m, sizeof(struct srp_wire_dm_svc_entry), "behind the one entry");
}

/* ---- DM-07 to DM-09: what is not ---------------------------------------------------------------------- */

static void entries_refused(const void *arg)
{
	const struct dm_row *r = arg;
	struct mad m;
	int status = ask_dm(MAD_GET, SRP_DM_SVC_ENTRIES, r->mod, &m);

	/* Which of the two is a matter of which is looked at first. */
	if (status != SRP_DM_BAD_FIELD && status != SRP_DM_NO_SVC_ENTRIES)
		fail("status %d instead of 0x%04x", status, r->status);
	expect_zero(&m, 0, "a refusal");
}

static void dm_07(void)
{
	const u32 nr = nr_entries();
	const struct dm_row rows[] = {
		{ "first > last", RANGE(1, 1, 0), SRP_DM_BAD_FIELD },
		{ "last > count - 1", RANGE(1, 0, nr < 4 ? nr : 3), nr < 4 ? SRP_DM_NO_SVC_ENTRIES : SRP_DM_OK },
		{ "beyond the last", RANGE(1, nr, nr), SRP_DM_NO_SVC_ENTRIES },
		{ "five at once", RANGE(1, 0, 4), SRP_DM_BAD_FIELD },
		{ "0 to 255", RANGE(1, 0, 255), SRP_DM_BAD_FIELD },
		{ "255 to 255", RANGE(1, 255, 255), SRP_DM_NO_SVC_ENTRIES },
		{ "slot 0", RANGE(0, 0, 0), SRP_DM_BAD_FIELD },
		{ "slot 2", RANGE(2, 0, 0), SRP_DM_NO_SVC_ENTRIES },
		{ "slot 17", RANGE(17, 0, 0), SRP_DM_BAD_FIELD },
		{ "slot 257", RANGE(257, 0, 0), SRP_DM_BAD_FIELD },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].status)
			row(entries_refused, &rows[i], "%s", rows[i].what);
}

struct method_row {
	const char	*what;
	u8		method;
	u16		attr;
};

/* What no class has as a request, the MAD layer of Linux answers to nobody. */
static void bad_method(const void *arg)
{
	const struct method_row *r = arg;
	struct mad m;
	int status = ask_dm(r->method, r->attr, 0, &m);

	if (status < 0 && r->method != MAD_GET && r->method != MAD_SET)
		return;
	if (status != SRP_DM_BAD_METHOD && status != SRP_DM_BAD_METHOD_ATTR)
		fail("status %d", status);
	expect_zero(&m, 0, "a refusal");
}

static void dm_08(void)
{
	static const struct method_row rows[] = {
		{ "Get of the attribute 0x0000", MAD_GET, 0 }, { "Get(Notice)", MAD_GET, 2 }, { "Get(0x0013)", MAD_GET, 0x13 },
		{ "Get(DiagnosticTimeout)", MAD_GET, 0x20 }, { "Get(0xffff)", MAD_GET, 0xffff },
		{ "Set(IOUnitInfo)", MAD_SET, SRP_DM_IOU_INFO }, { "Set(IOControllerProfile)", MAD_SET, SRP_DM_IOC_PROFILE },
		{ "Set(0xffff)", MAD_SET, 0xffff }, { "Trap", 5, 2 }, { "method 0x00", 0, SRP_DM_IOU_INFO },
		{ "method 0x7f", 0x7f, SRP_DM_IOU_INFO },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(bad_method, &rows[i], "%s", rows[i].what);
}

static void dm_09(void)
{
	struct mad m;

	sent("Set(ClassPortInfo)");
	if (ask_dm(MAD_SET, SRP_DM_CLASS_PORT_INFO, 0, &m) < 0)
		fail("no answer");
	get_dm(SRP_DM_CLASS_PORT_INFO, 0, &m);
	get_dm(SRP_DM_IOU_INFO, 0, &m);
}

/* ---- DM-10: many, and from anywhere ------------------------------------------------------------------- */

#define AT_ONCE	128

/* Returns how many were answered. */
static u32 burst(u32 nr)
{
	static const u16 attrs[] = { SRP_DM_CLASS_PORT_INFO, SRP_DM_IOU_INFO, SRP_DM_IOC_PROFILE, SRP_DM_SVC_ENTRIES, 0xffff };
	u32 i, good = 0;
	struct mad m;

	for (i = 0; i < nr; i++) {
		mad_init(&m, CLASS_DM, MAD_GET, attrs[i % ARRAY_SIZE(attrs)], i % 5 == 2 ? 1 : SLOT(1), FILL);
		mad_send(&m, 2000);
	}
	for (i = 0; i < nr; i++)
		good += mad_recv(&m, NULL);
	return good;
}

static void many(const void *arg)
{
	u32 i, nr = loops(8, 10000), answered = 0;
	struct mad m;

	(void)arg;
	for (i = 0; i < nr; i++)
		answered += burst(AT_ONCE);
	saw("%u%% answered", answered * 100 / (nr * AT_ONCE));
	/* UD may lose some; each has been answered or lost, and the next is answered. */
	if (!answered)
		fail("none of %u was answered", nr * AT_ONCE);
	get_dm(SRP_DM_IOU_INFO, 0, &m);
}

static void with_grh(const void *arg)
{
	struct mad m, answer;

	(void)arg;
	mad_init(&m, CLASS_DM, MAD_GET, SRP_DM_IOU_INFO, 0, FILL);
	m.grh = true;
	if (!mad_ask(&m, &answer))
		fail("no answer");
	if (status_of(&answer))
		fail("status 0x%04x", status_of(&answer));
	if (answer.lid != mad_way()->lid)
		fail("the answer is of LID %u", answer.lid);
	saw("%s GRH", answer.grh ? "with" : "without");
}

static u16 pkey_at(u16 index)
{
	__be16 pkey;

	return ibv_query_pkey(srpi_verbs(ini), srpi_port(ini), index, &pkey) ? 0 : be16toh(pkey);
}

/* In each partition: who is asked there must answer there. */
static void by_pkey(const void *arg)
{
	const u16 pkey = pkey_at(*(const u16 *)arg);
	const u16 usual = be16toh(((const struct sockaddr_ib *)&srpi_target(ini)->dst)->sib_pkey);
	struct mad m, answer;
	bool answered;

	mad_init(&m, CLASS_DM, MAD_GET, SRP_DM_IOU_INFO, 0, FILL);
	m.pkey_index = *(const u16 *)arg;
	answered = mad_ask(&m, &answer);
	if (answered && status_of(&answer))
		fail("status 0x%04x", status_of(&answer));
	/* The target may not be in others. */
	if (!answered && (!((pkey ^ usual) & 0x7fff) || !((pkey ^ conf.pkey) & 0x7fff)))
		fail("no answer");
	saw("%s in %04x", answered ? "answered" : "not answered", pkey);
}

static void dm_10(void)
{
	u16 i;

	row(many, NULL, "many times %u MADs at once", AT_ONCE);
	row(with_grh, NULL, "with a GRH");
	for (i = 0; i < 16; i++)
		if (pkey_at(i) & 0x7fff)
			row(by_pkey, &i, "P_Key %04x", pkey_at(i));
}

/* ---- DM-11, DM-12: who uses it ------------------------------------------------------------------------ */

/* The line of ibsrpdm for our target, if there is one. */
static bool ibsrpdm_line(char *line, size_t size, struct srpi_target *target)
{
	const struct srpi_target *t = srpi_target(ini);
	const struct sockaddr_ib *theirs = (const void *)&target->dst, *ours = (const void *)&t->dst;
	bool found = false;
	char command[300];
	const char *why;
	FILE *pipe;
	int code;

	snprintf(command, sizeof(command), "f=$(grep -lx '%s' /sys/class/infiniband_mad/umad*/ibdev | while read -r f; do "
		 "grep -qx %u \"${f%%/*}/port\" && echo \"${f%%/*}\"; done); ibsrpdm -c -d \"/dev/infiniband/${f##*/}\"",
		 ibv_get_device_name(srpi_verbs(ini)->device), srpi_port(ini));
	pipe = popen(command, "r");
	while (pipe && !found && fgets(line, size, pipe))
		found = !srpi_parse_target(line, target, &why) && theirs->sib_pkey == ours->sib_pkey &&
			!memcmp(target->t_port_id, t->t_port_id, sizeof(t->t_port_id));
	code = pipe ? pclose(pipe) : -1;
	if (WIFEXITED(code) && WEXITSTATUS(code) == 127)
		skip("no ibsrpdm here");
	if (found)
		line[strcspn(line, "\n")] = '\0';
	return found;
}

static void found_by_ibsrpdm(const void *arg)
{
	const struct sockaddr_ib *ours = (const void *)&srpi_target(ini)->dst, *theirs;
	struct srpi_target target;
	struct srpi_chan *ch;
	char line[600];

	(void)arg;
	if (!ibsrpdm_line(line, sizeof(line), &target))
		fail("the target is not listed");
	theirs = (const void *)&target.dst;
	if (memcmp(&theirs->sib_addr, &ours->sib_addr, 16) || theirs->sib_sid != ours->sib_sid)
		fail("another target: %s", line);
	saw("listed");
	target.src = srpi_target(ini)->src;
	memcpy(target.i_port_id, srpi_target(ini)->i_port_id, sizeof(target.i_port_id));
	ch = login_by(open_way(&target), NULL);
	settle(ch);
	close_chan(ch);
}

/* By a port that has no session of the kernel's: a target that is logged in to, as whoever, is left alone. */
static void logged_in_by_srp_daemon(const void *arg)
{
	struct srpi *s = second_port();
	char what[100];

	(void)arg;
	snprintf(what, sizeof(what), "srp-daemon %s %u", ibv_get_device_name(srpi_verbs(s)->device), srpi_port(s));
	hook(what);
	saw("logged in");
}

static void dm_11(void)
{
	row(found_by_ibsrpdm, NULL, "ibsrpdm -c; a login with what it prints");
	if (conf.has_second)
		row(logged_in_by_srp_daemon, NULL, "srp_daemon -e -o at the second port");
}

static void dm_12(void)
{
	struct login_pd pd = login_pd(0);
	struct mad m;
	u32 state;
	u64 id;

	sent("the port is disabled; Get(IOUnitInfo), Get(IOControllerProfile), a login; and enabled");
	mad_way();
	hook("disable");
	close_all();
	change_id(&state);
	if (state == 1 && find_entry(&id))
		saw("listed");
	else
		saw("not listed");
	if (state != 1 && ask_dm(MAD_GET, SRP_DM_IOC_PROFILE, 1, &m) != SRP_DM_NO_IOC)
		fail("the slot is empty, but there is a profile");
	expect_refused(&pd, REJ(0) | REJ(1) | REJ(3) | REJ(6));
	hook("enable");
	if (!find_entry(&id))
		fail("not listed when enabled again");
}

#define IB_HOOK	(NEEDS_IB | NEEDS_HOOK)

const struct conf_case dm_cases[] = {
	{ "DM-01", "ClassPortInfo", "versions 1/1, status 0", dm_01, NEEDS_IB },
	{ "DM-02", "IOUnitInfo", "slots as configured, the rest zero; ChangeID changes with the list of targets", dm_02, IB_HOOK },
	{ "DM-03", "IOControllerProfile", "as SRP defines it; VendorID in the upper 24 bits", dm_03, NEEDS_IB },
	{ "DM-04", "IOControllerProfile of an invalid slot", "0x001C", dm_04, NEEDS_IB },
	{ "DM-05", "IOControllerProfile of an absent slot", "0x0100", dm_05, NEEDS_IB },
	{ "DM-06", "ServiceEntries", "SRP.T10: and the id_ext; the service id", dm_06, NEEDS_IB },
	{ "DM-07", "ServiceEntries, bad range", "0x0200 or 0x001C", dm_07, NEEDS_IB },
	{ "DM-08", "unknown attribute or method", "0x000C or 0x0008, data zeroed, TransactionID kept; no answer to what is no request",
	  dm_08, NEEDS_IB },
	{ "DM-09", "Set of ClassPortInfo", "any status", dm_09, NEEDS_IB },
	{ "DM-10", "many MADs, with a GRH, in other partitions", "bounded memory, answers to the sender", dm_10, NEEDS_IB },
	{ "DM-11", "ibsrpdm, srp_daemon", "the target string is complete, the login works", dm_11, IB_HOOK },
	{ "DM-12", "a disabled port", "no more listed, or the login is rejected", dm_12, IB_HOOK },
	{ .id = NULL }
};
