// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* See tool.h. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <infiniband/ib.h>
#include <math.h>
#include <netdb.h>
#include <scsi/sg_lib.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "tool.h"

struct tool_conf tool = { .timeout = 10000, .iu_len = SRPI_IU_LEN };
struct json_object *tool_json;

const char *argp_program_version = "ib_srpt tools " SRP_TOOLS_VERSION;

/* ---- options --------------------------------------------------------------------------------------- */

u64 tool_number(const char *text, u64 min, u64 max, struct argp_state *state)
{
	static const char units[] = "kmg";
	const char *unit;
	char *end;
	u64 n;

	errno = 0;
	n = strtoull(text, &end, 0);
	unit = *end ? strchr(units, tolower(*end)) : NULL;
	if (unit) {
		unsigned int shift = 10 * (unit - units + 1);

		if (n > max >> shift)
			errno = ERANGE;
		n <<= shift;
		end++;
	}
	if (errno || *end || !isdigit(text[0]) || n < min || n > max)
		argp_error(state, "'%s' is no number from %llu to %llu", text, min, max);
	return n;
}

double tool_seconds(const char *text, struct argp_state *state)
{
	char *end;
	double seconds = strtod(text, &end);

	if (*end || end == text || !(seconds >= 0 && seconds <= 1e6))
		argp_error(state, "'%s' is no number of seconds", text);
	return seconds;
}

enum { OPT_IU_LEN = 0x100, OPT_IB_PORT };

static const struct argp_option options[] = {
	{ "ib-dev", 'd', "DEV", 0, "RDMA device to use, default: where the route to the target goes", 0 },
	{ "ib-port", OPT_IB_PORT, "N", 0, "port of that device, default: the first that is active and on the target's subnet", 0 },
	{ "lun", 'l', "N", 0, "LUN, default 0", 0 },
	{ "initiator-ext", 'E', "HEX", 0, "first 16 digits of the initiator port id, default: this program's name", 0 },
	{ "iu-len", OPT_IU_LEN, "BYTES", 0, "longest IU to ask for at login, default 8260", 0 },
	{ "timeout", 'W', "SECONDS", 0, "to wait for an answer, default 10", 0 },
	{ "json", 'j', NULL, 0, "results in JSON instead of text", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static bool has_ext;
static unsigned int ib_port;

static void set_ext(u64 ext)
{
	ext = htobe64(ext);
	memcpy(tool.target.i_port_id, &ext, sizeof(ext));
	has_ext = true;
}

static void describe_address(const struct srpi_target *t)
{
	const struct sockaddr_ib *ib = (const void *)&t->dst;
	char host[INET6_ADDRSTRLEN] = "", port[NI_MAXSERV] = "";

	if (t->dst.ss_family == AF_IB) {
		inet_ntop(AF_INET6, &ib->sib_addr, host, sizeof(host));
		snprintf(tool.where, sizeof(tool.where), "%s service %016llx", host, (u64)be64toh(ib->sib_sid));
		return;
	}
	getnameinfo((const void *)&t->dst, sizeof(t->dst), host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(tool.where, sizeof(tool.where), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* The options may have come before it. */
static void set_target(const char *text, struct argp_state *state)
{
	struct srpi_target given = tool.target;
	const char *why;

	if (tool.where[0])
		argp_error(state, "only one TARGET");
	if (srpi_parse_target(text, &tool.target, &why))
		argp_error(state, "target '%s': %s", text, why);
	describe_address(&tool.target);
	memcpy(tool.target.device, given.device, sizeof(given.device));
	memcpy(tool.target.i_port_id, given.i_port_id, 8);
	if (strstr(text, "initiator_ext=") && !has_ext)
		fprintf(stderr,
			"%s: initiator_ext of the target is not used, as the login would end that initiator's session; "
			"--initiator-ext does that\n",
			tool.name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'd':
		snprintf(tool.target.device, sizeof(tool.target.device), "%s", arg);
		break;
	case OPT_IB_PORT:
		ib_port = tool_number(arg, 1, 255, state);
		break;
	case 'l':
		tool.lun = tool_number(arg, 0, 0x3fff, state);
		break;
	case 'E':
		if (!*arg || strspn(arg, "0123456789abcdefABCDEF") != strlen(arg) || strlen(arg) > 16)
			argp_error(state, "'%s' is not up to 16 hexadecimal digits", arg);
		set_ext(strtoull(arg, NULL, 16));
		break;
	case OPT_IU_LEN:
		tool.iu_len = tool_number(arg, 1, SRPI_MAX_IU, state);
		break;
	case 'W':
		tool.timeout = MAX(1, tool_seconds(arg, state) * 1000);
		break;
	case 'j':
		tool.json = true;
		break;
	case ARGP_KEY_INIT:
		tool_json = json_object_new_object();
		break;
	case ARGP_KEY_ARG:
		set_target(arg, state);
		break;
	case ARGP_KEY_END:
		if (!tool.where[0])
			argp_error(state, "which target? id_ext=...,ioc_guid=...,dest=ADDR:PORT");
		if (ib_port && !tool.target.device[0])
			argp_error(state, "--ib-port is for --ib-dev");
		if (!has_ext)
			memcpy(tool.target.i_port_id, tool.name, 8);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp target_argp = { options, parse, NULL, NULL, NULL, NULL, NULL };
const struct argp_child tool_children[] = { { &target_argp, 0, "Target:", 1 }, { NULL, 0, NULL, 0 } };

/* ---- errors, results ------------------------------------------------------------------------------- */

int tool_error(enum tool_exit code, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", tool.name, text);
	if (tool_json && !json_object_object_get(tool_json, "error"))
		tool_add_text(tool_json, "error", text);
	return code;
}

int tool_end(int code)
{
	if (tool.json) {
		tool_add_int(tool_json, "exit_code", code);
		puts(json_object_to_json_string_ext(tool_json,
						    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	json_object_put(tool_json);
	return code;
}

void tool_add_int(struct json_object *o, const char *key, s64 v)
{
	json_object_object_add(o, key, json_object_new_int64(v));
}

void tool_add_double(struct json_object *o, const char *key, double v)
{
	char text[40];

	snprintf(text, sizeof(text), "%.3f", v);
	json_object_object_add(o, key, json_object_new_double_s(v, text));
}

void tool_add_text(struct json_object *o, const char *key, const char *v)
{
	json_object_object_add(o, key, json_object_new_string(v));
}

const char *tool_hex(char *text, const void *bytes, size_t len)
{
	size_t i;

	text[0] = '\0';
	for (i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", ((const u8 *)bytes)[i]);
	return text;
}

/* ---- the way to a target --------------------------------------------------------------------------- */

/* Can this GID of the device be the source of a connection to @dst? */
static bool gid_fits(struct ibv_context *verbs, const struct ibv_gid_entry *e, const struct sockaddr_storage *dst)
{
	const struct sockaddr_ib *ib = (const void *)dst;
	const struct in6_addr *a = (const void *)&e->gid;
	struct ibv_port_attr port;

	if (ib_port && e->port_num != ib_port)
		return false;
	switch (dst->ss_family) {
	case AF_INET:
		return IN6_IS_ADDR_V4MAPPED(a);
	case AF_INET6:
		return !IN6_IS_ADDR_V4MAPPED(a) && !IN6_IS_ADDR_LINKLOCAL(a);
	}
	/* The first half is the subnet. */
	return !e->gid_index && !memcmp(a, &ib->sib_addr, 8) && !ibv_query_port(verbs, e->port_num, &port) &&
	       port.state == IBV_PORT_ACTIVE;
}

static void set_source(struct srpi_target *t, const union ibv_gid *gid)
{
	struct sockaddr_in *in = (void *)&t->src;
	struct sockaddr_in6 *in6 = (void *)&t->src;
	struct sockaddr_ib *ib = (void *)&t->src;

	t->src.ss_family = t->dst.ss_family;
	switch (t->dst.ss_family) {
	case AF_INET:
		memcpy(&in->sin_addr, gid->raw + 12, 4);
		break;
	case AF_INET6:
		memcpy(&in6->sin6_addr, gid->raw, 16);
		break;
	default:
		memcpy(&ib->sib_addr, gid->raw, 16);
		ib->sib_pkey = ((const struct sockaddr_ib *)&t->dst)->sib_pkey;
	}
}

/* The route may go over another device: come from an address that this one has. */
static void use_device(struct srpi_target *t)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *verbs = NULL;
	struct ibv_gid_entry gids[256];
	ssize_t i, nr;

	for (i = 0; list && list[i] && !verbs; i++)
		if (!strcmp(ibv_get_device_name(list[i]), t->device))
			verbs = ibv_open_device(list[i]);
	ibv_free_device_list(list);
	if (!verbs)
		return;
	nr = ibv_query_gid_table(verbs, gids, ARRAY_SIZE(gids), 0);
	for (i = 0; i < nr && !t->src.ss_family; i++)
		if (gid_fits(verbs, &gids[i], &t->dst))
			set_source(t, &gids[i].gid);
	ibv_close_device(verbs);
}

static const char *device_names(void)
{
	static char text[256];
	struct ibv_device **list = ibv_get_device_list(NULL);
	size_t len = 0;
	int i;

	for (i = 0; list && list[i] && len < sizeof(text); i++)
		len += snprintf(text + len, sizeof(text) - len, " %s", ibv_get_device_name(list[i]));
	ibv_free_device_list(list);
	return text;
}

static int no_way(int err)
{
	const char *dev = tool.target.device;
	const bool ib = tool.target.dst.ss_family == AF_IB;

	if (err == -ENODEV && dev[0] && device_names()[0])
		return tool_error(TOOL_UNREACHABLE, "no RDMA device '%s'; there are:%s", dev, device_names());
	if (err == -ENODEV || err == -ENOENT)
		return tool_error(TOOL_UNREACHABLE,
				  "no RDMA device can be used: is its driver loaded (ibv_devices), are ib_uverbs and "
				  "rdma_ucm (modprobe -a ib_uverbs rdma_ucm)?");
	if (err == -EPERM || err == -EACCES || err == -ENOMEM)
		return tool_error(TOOL_UNREACHABLE,
				  "%s: may this user lock memory (ulimit -l) and open /dev/infiniband/*?",
				  strerror(-err));
	if (err != -EADDRNOTAVAIL && err != -ETIMEDOUT && err != -EHOSTUNREACH && err != -ENETUNREACH)
		return tool_error(TOOL_UNREACHABLE, "no way to %s: %s", tool.where, strerror(-err));
	if (ib)
		return tool_error(TOOL_UNREACHABLE,
				  "no way to %s%s%s: is the port active (ibstat), is there a subnet manager (sminfo), "
				  "are dgid and pkey right (ibsrpdm -c)?",
				  tool.where, dev[0] ? " over " : "", dev);
	if (dev[0])
		return tool_error(TOOL_UNREACHABLE,
				  "no way to %s over %s: is the address right, and %s on that network (rdma link, "
				  "ip route)? src=ADDR in TARGET chooses the local address",
				  tool.where, dev, dev);
	return tool_error(TOOL_UNREACHABLE,
			  "no way to %s: is the address right, does it answer a ping, is the interface that the route "
			  "goes by (ip route get) one of an RDMA device (rdma link)?",
			  tool.where);
}

static struct srpi *tool_open(int *code)
{
	struct srpi *s;
	int err;

	if (tool.target.device[0] && !tool.target.src.ss_family)
		use_device(&tool.target);
	s = srpi_open(&tool.target, tool.timeout, &err);
	if (s)
		tool.target = *srpi_target(s);	/* with the port id filled in */
	else
		*code = no_way(err);
	return s;
}

volatile sig_atomic_t tool_stopped;

static void stop(int sig)
{
	(void)sig;
	tool_stopped = 1;
}

int tool_main(const char *name, const struct argp *argp, int argc, char **argv, int (*run)(struct srpi *s))
{
	struct sigaction action = { .sa_handler = stop };
	struct srpi *s;
	int ret;

	tool.name = name;
	setvbuf(stdout, NULL, _IOLBF, 0);
	argp_err_exit_status = TOOL_USAGE;
	if (argp_parse(argp, argc, argv, 0, NULL, NULL))
		return TOOL_USAGE;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	s = tool_open(&ret);
	if (s)
		ret = run(s);
	srpi_close(s);
	return tool_end(ret);
}

/* What follows from the reason of an SRP_LOGIN_REJ. */
static const char *reject_advice(u32 reason)
{
	static char text[512];
	char id[33], port[33];

	tool_hex(id, tool.target.i_port_id, SRPI_PORT_ID_LEN);
	tool_hex(port, tool.target.t_port_id, SRPI_PORT_ID_LEN);
	switch (reason) {
	case SRP_REJ_NO_RESOURCES:
		return "The target port is not configured or disabled, or memory is short there, or commands of the "
		       "last session have not ended: the target's kernel log says which.";
	case SRP_REJ_IU_TOO_LARGE:
		snprintf(text, sizeof(text),
			 "It takes no IUs of %u bytes: try a lower --iu-len, or raise srp_max_req_size there.",
			 tool.iu_len);
		return text;
	case SRP_REJ_NO_NEXUS:
		snprintf(text, sizeof(text),
			 "There is no target port %s: id_ext and ioc_guid must both be what "
			 "/sys/module/ib_srpt/parameters/srpt_service_guid of the target says, without 0x. If they "
			 "are, a session of this initiator port id may be open from another address "
			 "(srp_bind_initiator).",
			 port);
		return text;
	case SRP_REJ_DESC_FMT:
		return "It lacks a memory descriptor format, which no target that Linux can use does.";
	case SRP_REJ_NO_MULTI:
		return "It allows one channel for a session (srp_max_channels).";
	case SRP_REJ_CHANNEL_LIMIT:
		snprintf(text, sizeof(text),
			 "Most likely no ACL lets this initiator in; or there are too many channels. Its port id is\n"
			 "    %s\nOn the target: targetcli /srpt/PORT/acls create ib.%s\n"
			 "--initiator-ext chooses the first 16 digits.",
			 id, id);
		return text;
	}
	return "The target's kernel log may say why.";
}

static int rejected(const struct srpi_chan *ch)
{
	const struct srpi_login_rsp *l = srpi_chan_login(ch);
	static const char ib[] = "the port enabled, the service_id right (ibsrpdm -c)";
	static const char rdma[] = "the port that of /sys/kernel/config/target/srpt/discovery_auth/rdma_cm_port";
	struct json_object *o = json_object_new_object();
	char id[33];

	tool_add_int(o, "reason", l->reason);
	tool_add_int(o, "cm_reason", l->cm_status);
	tool_add_text(o, "initiator_port_id", tool_hex(id, tool.target.i_port_id, SRPI_PORT_ID_LEN));
	json_object_object_add(tool_json, "reject", o);
	if (l->reason)
		return tool_error(TOOL_REJECTED, "%s rejected the login. SRP_LOGIN_REJ: %#010x, %s. CM: %d, %s.\n%s",
				  tool.where, l->reason, srpi_reject_str(l->reason), l->cm_status,
				  srpi_cm_reject_str(l->cm_status), reject_advice(l->reason));
	/* iWARP has an errno and no reason. */
	if (l->cm_status == 8 || l->cm_status == -ECONNREFUSED)
		return tool_error(TOOL_UNREACHABLE,
				  "nobody listens on %s (CM reason %d): is ib_srpt loaded there, is %s?", tool.where,
				  l->cm_status, tool.target.dst.ss_family == AF_IB ? ib : rdma);
	return tool_error(l->cm_status == 28 ? TOOL_REJECTED : TOOL_UNREACHABLE,
			  "%s rejected the connection, without an SRP_LOGIN_REJ; CM reason %d (%s)", tool.where,
			  l->cm_status, srpi_cm_reject_str(l->cm_status));
}

int tool_login(struct srpi *s, const struct srpi_login_opts *opts, struct srpi_chan **ch)
{
	int err = srpi_login(s, opts, ch);

	if (!err)
		return 0;
	if (!*ch)
		return no_way(err);
	switch (err) {
	case -ECONNREFUSED:
		return rejected(*ch);
	case -EPROTO:
		return tool_error(TOOL_PROTOCOL, "%s is no SRP target, or broke the protocol: %s", tool.where,
				  srpi_error(*ch));
	case -ETIMEDOUT:
	case -EHOSTUNREACH:
		return tool_error(TOOL_UNREACHABLE,
				  "%s: %s. Is the host up (ping, rping), and the fabric good (ibstat, sminfo; on RoCE: "
				  "MTU, VLAN, firewall for UDP port 4791)?",
				  tool.where, srpi_error(*ch));
	}
	return tool_error(TOOL_UNREACHABLE, "%s: %s", tool.where,
			  srpi_error(*ch)[0] ? srpi_error(*ch) : strerror(-err));
}

int tool_lost(const struct srpi_chan *ch, int err)
{
	const struct srpi_stats *stats = srpi_stats(ch);

	if (err == -EPROTO)
		return tool_error(TOOL_PROTOCOL, "the target broke the protocol: %s", srpi_error(ch));
	if (stats->logout >= 0)
		return tool_error(TOOL_UNREACHABLE,
				  "the target has ended the session, SRP_T_LOGOUT: %s; its kernel log says more",
				  srpi_logout_str(stats->logout));
	if (stats->closed || stats->failed)
		return tool_error(TOOL_UNREACHABLE, "the connection has ended%s%s: the target's kernel log may say why",
				  stats->failed ? ", " : "", stats->failed ? ibv_wc_status_str(stats->failed) : "");
	if (err == -ETIMEDOUT)
		return tool_error(TOOL_FAILED,
				  "no answer for %g s: does the disk behind the LUN answer (the target's kernel log)?",
				  tool.timeout / 1000.0);
	return tool_error(TOOL_FAILED, "%s", srpi_error(ch)[0] ? srpi_error(ch) : strerror(-err));
}

const char *tool_port(const struct srpi_chan *ch)
{
	const struct rdma_cm_id *id = srpi_chan_cm_id(ch);
	static char text[SRPI_DEV_NAME_LEN + 4];

	snprintf(text, sizeof(text), "%s/%u", ibv_get_device_name(id->verbs->device), id->port_num);
	return text;
}

const char *tool_granted(const struct srpi_chan *ch)
{
	const struct srpi_login_rsp *l = srpi_chan_login(ch);
	static char text[256];

	snprintf(text, sizeof(text),
		 "request limit %d; IUs of up to %u bytes to the target, %u from it; %s%s%sdescriptors; "
		 "%s immediate data",
		 l->limit, l->max_it_iu_len, l->max_ti_iu_len, l->formats & SRP_LOGIN_FMT_DIRECT ? "direct " : "",
		 l->formats == SRP_LOGIN_FMT_SUPPORTED ? "and " : "",
		 l->formats & SRP_LOGIN_FMT_INDIRECT ? "indirect " : "", l->imm ? "with" : "no");
	return text;
}

void tool_add_login(struct json_object *o, const struct srpi_chan *ch)
{
	const struct srpi_login_rsp *l = srpi_chan_login(ch);
	char id[33];

	tool_add_text(o, "target", tool.where);
	tool_add_text(o, "port", tool_port(ch));
	tool_add_text(o, "initiator_port_id", tool_hex(id, tool.target.i_port_id, SRPI_PORT_ID_LEN));
	tool_add_int(o, "lun", tool.lun);
	tool_add_int(o, "request_limit", l->limit);
	tool_add_int(o, "max_it_iu_len", l->max_it_iu_len);
	tool_add_int(o, "max_ti_iu_len", l->max_ti_iu_len);
	json_object_object_add(o, "direct", json_object_new_boolean(l->formats & SRP_LOGIN_FMT_DIRECT));
	json_object_object_add(o, "indirect", json_object_new_boolean(l->formats & SRP_LOGIN_FMT_INDIRECT));
	json_object_object_add(o, "immediate", json_object_new_boolean(l->imm));
}

/* ---- commands -------------------------------------------------------------------------------------- */

#define LEFT_OVER	(SRP_RSP_DOOVER | SRP_RSP_DOUNDER | SRP_RSP_DIOVER | SRP_RSP_DIUNDER)

bool tool_good(const struct srpi_rsp *rsp)
{
	return !rsp->status && rsp->code <= 0 && !(rsp->flags & LEFT_OVER);
}

const char *tool_sense_str(u8 key, u8 asc, u8 ascq)
{
	static const char prefix[] = "Additional sense: ";
	static char text[200];
	char what[120];
	const char *p;

	p = sg_get_asc_ascq_str(asc, ascq, sizeof(what), what);
	if (!strncmp(p, prefix, sizeof(prefix) - 1))
		p += sizeof(prefix) - 1;
	snprintf(text, sizeof(text), "%s, %s (%02x/%02x/%02x)", srpi_sense_key_str(key), p, key, asc, ascq);
	return text;
}

const char *tool_rsp_str(const struct srpi_rsp *rsp)
{
	static char text[300];
	const u32 sense = srpi_sense(rsp);

	if (rsp->code > 0)
		snprintf(text, sizeof(text), "RSP_CODE %d, %s", rsp->code, srpi_rsp_code_str(rsp->code));
	else if (rsp->status && rsp->sense_len)
		snprintf(text, sizeof(text), "%s: %s", srpi_status_str(rsp->status),
			 tool_sense_str(sense >> 16, sense >> 8, sense));
	else if (rsp->status || !(rsp->flags & LEFT_OVER))
		snprintf(text, sizeof(text), "%s", srpi_status_str(rsp->status));
	else
		snprintf(text, sizeof(text), "GOOD, but a residual of %u bytes out, %u bytes in", rsp->out_res,
			 rsp->in_res);
	return text;
}

int tool_command(struct srpi_chan *ch, const void *cdb, size_t cdb_len, const struct srpi_mem *mem, u32 len,
		 struct srpi_rsp *rsp)
{
	struct srpi_iu iu;
	u8 lun[8];
	int ret, tries = 8;

	srpi_lun(lun, tool.lun);
	do {
		srpi_cmd(&iu, srpi_next_tag(), lun, cdb, cdb_len);
		if (len)
			srpi_direct(&iu, SRPI_IN, srpi_desc(mem, 0, len));
		ret = srpi_ask(ch, &iu, rsp, tool.timeout);
	} while (!ret && rsp->status && srpi_sense(rsp) >> 16 == 0x6 && --tries);
	return ret;
}

/* Bytes @off.. of the data, without the blanks at the end; what cannot be printed is a question mark. */
static void take_text(char *text, size_t size, const u8 *data, size_t off, size_t len)
{
	size_t i, end = 0;

	for (i = 0; i < len && i < size - 1 && data[off + i]; i++) {
		text[i] = isprint(data[off + i]) ? data[off + i] : '?';
		if (text[i] != ' ')
			end = i + 1;
	}
	text[end] = '\0';
}

static const char *skip_blanks(char *text)
{
	return memmove(text, text + strspn(text, " "), strlen(text + strspn(text, " ")) + 1);
}

/* The first NAA, EUI-64 or name of the logical unit itself. */
static void take_designator(struct tool_disk *disk, const u8 *page, u32 len)
{
	u32 end = MIN(len, 4u + (page[2] << 8 | page[3])), pos = 4;
	char hex[2 * 255 + 1];

	for (; pos + 4 <= end && pos + 4 + page[pos + 3] <= end; pos += 4 + page[pos + 3]) {
		const u8 *d = page + pos;

		if (d[1] & 0x30)
			continue;
		switch (d[1] & 0x0f) {
		case 0x2:
		case 0x3:
			snprintf(disk->designator, sizeof(disk->designator), "%s.%s",
				 (d[1] & 0x0f) == 0x3 ? "naa" : "eui", tool_hex(hex, d + 4, d[3]));
			return;
		case 0x8:
			take_text(disk->designator, sizeof(disk->designator), page, pos + 4, d[3]);
			return;
		}
	}
}

/* Pages that a LUN does not have are no error. */
static int vpd(struct srpi_chan *ch, const struct srpi_mem *mem, u8 page, bool *got)
{
	const u8 cdb[6] = { 0x12, 1, page, 0, 252 };
	struct srpi_rsp rsp;
	int ret;

	memset(mem->addr, 0, 252);
	ret = tool_command(ch, cdb, sizeof(cdb), mem, 252, &rsp);
	*got = !ret && !rsp.status && mem->addr[1] == page;
	return ret;
}

int tool_identify(struct srpi_chan *ch, const struct srpi_mem *mem, struct tool_disk *disk, const char **why)
{
	static const u8 inquiry[6] = { 0x12, 0, 0, 0, 36 };
	const u8 *data = mem->addr;
	struct srpi_rsp rsp;
	bool got;
	int ret;

	*why = NULL;
	ret = tool_command(ch, inquiry, sizeof(inquiry), mem, 36, &rsp);
	if (ret)
		return ret;
	if (rsp.status) {
		*why = tool_rsp_str(&rsp);
		return 0;
	}
	take_text(disk->vendor, sizeof(disk->vendor), data, 8, 8);
	take_text(disk->product, sizeof(disk->product), data, 16, 16);
	take_text(disk->revision, sizeof(disk->revision), data, 32, 4);
	if (data[0] >> 5)
		*why = "there is no such LUN (peripheral qualifier)";
	ret = vpd(ch, mem, 0x80, &got);
	if (!ret && got) {
		take_text(disk->serial, sizeof(disk->serial), data, 4, data[3]);
		skip_blanks(disk->serial);
	}
	if (!ret)
		ret = vpd(ch, mem, 0x83, &got);
	if (!ret && got)
		take_designator(disk, data, 252);
	if (!ret)
		ret = vpd(ch, mem, 0xb0, &got);
	if (!ret && got)
		memcpy(&disk->max_blocks, data + 8, 4);
	disk->max_blocks = be32toh(disk->max_blocks);
	return ret;
}

int tool_capacity(struct srpi_chan *ch, const struct srpi_mem *mem, struct tool_disk *disk, const char **why)
{
	static const u8 cdb10[10] = { 0x25 }, cdb16[16] = { 0x9e, 0x10, [13] = 32 };
	const __be32 *short_answer = (const void *)mem->addr;
	const __be64 *long_answer = (const void *)mem->addr;
	struct srpi_rsp rsp;
	int ret;

	*why = NULL;
	ret = tool_command(ch, cdb10, sizeof(cdb10), mem, 8, &rsp);
	if (ret)
		return ret;
	if (rsp.status) {
		*why = tool_rsp_str(&rsp);
		return 0;
	}
	disk->blocks = be32toh(short_answer[0]) + 1ULL;
	disk->block_size = be32toh(short_answer[1]);
	if (disk->blocks <= 0xffffffff)
		return 0;
	ret = tool_command(ch, cdb16, sizeof(cdb16), mem, 32, &rsp);
	if (ret || rsp.status)
		return ret;
	disk->blocks = be64toh(long_answer[0]) + 1;
	disk->block_size = be32toh(short_answer[2]);
	return 0;
}

void tool_add_disk(struct json_object *o, const struct tool_disk *disk)
{
	tool_add_text(o, "vendor", disk->vendor);
	tool_add_text(o, "product", disk->product);
	tool_add_text(o, "revision", disk->revision);
	tool_add_text(o, "serial", disk->serial);
	tool_add_text(o, "designator", disk->designator);
	if (disk->blocks) {
		tool_add_int(o, "blocks", disk->blocks);
		tool_add_int(o, "block_size", disk->block_size);
	}
}

void tool_rw_cdb(u8 *cdb, u8 cdb_len, bool write, u64 lba, u32 blocks)
{
	memset(cdb, 0, cdb_len);
	if (cdb_len == 10) {
		__be32 be_lba = htobe32(lba);

		cdb[0] = write ? 0x2a : 0x28;
		memcpy(cdb + 2, &be_lba, 4);
		cdb[7] = blocks >> 8;
		cdb[8] = blocks;
	} else {
		__be64 be_lba = htobe64(lba);
		__be32 be_blocks = htobe32(blocks);

		cdb[0] = write ? 0x8a : 0x88;
		memcpy(cdb + 2, &be_lba, 8);
		memcpy(cdb + 10, &be_blocks, 4);
	}
}

/* ---- times ----------------------------------------------------------------------------------------- */

/* Below 2^(BITS+1) a bucket is one number; from there on it doubles with the number. */
static unsigned int bucket_of(u64 ns)
{
	const int bits = ns ? 64 - __builtin_clzll(ns) : 0;
	const unsigned int shift = MAX(0, bits - TOOL_HIST_BITS - 1);

	return (shift << TOOL_HIST_BITS) + (ns >> shift);
}

static double bucket_middle(unsigned int i)
{
	const unsigned int full = 1 << TOOL_HIST_BITS;
	const unsigned int shift = i < 2 * full ? 0 : (i >> TOOL_HIST_BITS) - 1;

	return ldexp(i - (shift << TOOL_HIST_BITS), shift) + (ldexp(1, shift) - 1) / 2;
}

void tool_hist_add(struct tool_hist *h, u64 ns)
{
	const double d = ns - h->mean;

	h->bucket[bucket_of(ns)]++;
	h->min = h->nr ? MIN(h->min, ns) : ns;
	h->max = MAX(h->max, ns);
	h->nr++;
	h->mean += d / h->nr;
	h->m2 += d * (ns - h->mean);
}

double tool_hist_stdev(const struct tool_hist *h)
{
	return h->nr ? sqrt(h->m2 / h->nr) : 0;
}

double tool_hist_percentile(const struct tool_hist *h, double p)
{
	const double rank = h->nr * p / 100;
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < ARRAY_SIZE(h->bucket); i++) {
		sum += h->bucket[i];
		if (sum && sum >= rank)
			return MIN(MAX(bucket_middle(i), (double)h->min), (double)h->max);
	}
	return 0;
}
