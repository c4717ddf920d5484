// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What happened on a channel, and everything in words. */
#include <time.h>

#include "libsrp_priv.h"
#include "srp_proto.h"

u64 srpi_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

void srpi_log(struct srpi_log *log, enum srpi_log_kind kind, int what, int detail, u64 tag)
{
	log->entry[log->nr++ % SRPI_LOG_LEN] = (struct srpi_log_entry) {
		.ns = srpi_now_ns(), .tag = tag, .kind = kind, .what = what, .detail = detail,
	};
}

static void print_entry(const struct srpi_log_entry *e, u64 begin, FILE *file)
{
	fprintf(file, "%10.3f ms  ", (e->ns - begin) / 1e6);
	switch (e->kind) {
	case SRPI_LOG_SENT:
	case SRPI_LOG_RECEIVED:
		fprintf(file, "%s %s, %d bytes, tag %016llx\n", e->kind == SRPI_LOG_SENT ? "sent" : "received",
			srpi_opcode_str(e->what), e->detail, (u64)be64toh(e->tag));
		break;
	case SRPI_LOG_COMPLETION:
		fprintf(file, "%s of a %s\n", ibv_wc_status_str(e->what), e->detail ? "send" : "receive");
		break;
	case SRPI_LOG_CM:
		fprintf(file, "%s, status %d\n", rdma_event_str(e->what), e->detail);
		break;
	case SRPI_LOG_NONE:
		break;
	}
}

void srpi_print_log(const struct srpi_chan *ch, FILE *file)
{
	const struct srpi_log *log = &ch->log;
	u64 i = log->nr > SRPI_LOG_LEN ? log->nr - SRPI_LOG_LEN : 0, begin;

	begin = log->entry[i % SRPI_LOG_LEN].ns;
	for (; i < log->nr; i++)
		print_entry(&log->entry[i % SRPI_LOG_LEN], begin, file);
}

/* ---- in words -------------------------------------------------------------------------------------- */

struct word {
	int		value;
	const char	*text;
};

static const char *find_word(const struct word *words, size_t nr, int value, const char *other)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (words[i].value == value)
			return words[i].text;
	return other;
}

#define FIND(words, value, other) find_word(words, sizeof(words) / sizeof((words)[0]), value, other)

const char *srpi_opcode_str(u8 opcode)
{
	static const struct word words[] = {
		{ SRP_OP_LOGIN_REQ, "SRP_LOGIN_REQ" },
		{ SRP_OP_TSK_MGMT, "SRP_TSK_MGMT" },
		{ SRP_OP_CMD, "SRP_CMD" },
		{ SRP_OP_I_LOGOUT, "SRP_I_LOGOUT" },
		{ SRP_OP_CRED_RSP, "SRP_CRED_RSP" },
		{ SRP_OP_AER_RSP, "SRP_AER_RSP" },
		{ SRP_OP_T_LOGOUT, "SRP_T_LOGOUT" },
		{ SRP_OP_CRED_REQ, "SRP_CRED_REQ" },
		{ SRP_OP_AER_REQ, "SRP_AER_REQ" },
		{ SRP_OP_LOGIN_RSP, "SRP_LOGIN_RSP" },
		{ SRP_OP_RSP, "SRP_RSP" },
		{ SRP_OP_LOGIN_REJ, "SRP_LOGIN_REJ" },
	};

	return FIND(words, opcode, "unknown IU");
}

const char *srpi_reject_str(u32 reason)
{
	return reason ? srp_login_reject_str(reason) : "no SRP_LOGIN_REJ";
}

const char *srpi_cm_reject_str(int status)
{
	static const struct word words[] = {
		{ 1, "no QP available" },
		{ 3, "no resources available" },
		{ 4, "timeout" },
		{ 8, "nobody listens there (invalid service id)" },
		{ 9, "invalid transport service type" },
		{ 10, "stale connection" },
		{ 24, "port and CM redirection" },
		{ 28, "rejected by the target (consumer defined)" },
		{ 33, "unsupported connection request" },
	};

	return FIND(words, status, "see IBA table 120 for the reason");
}

const char *srpi_logout_str(int reason)
{
	static const struct word words[] = {
		{ -1, "no SRP_T_LOGOUT" },
		{ SRP_LOGOUT_NO_REASON, "no reason" },
		{ SRP_LOGOUT_INACTIVE, "inactive channel" },
		{ SRP_LOGOUT_BAD_IU_TYPE, "invalid IU type" },
		{ SRP_LOGOUT_UNSOLICITED, "response without an outstanding request" },
		{ SRP_LOGOUT_RELOGIN, "multi-channel action in a new login" },
		{ SRP_LOGOUT_OUT_FMT, "unsupported data-out buffer descriptor format" },
		{ SRP_LOGOUT_IN_FMT, "unsupported data-in buffer descriptor format" },
		{ SRP_LOGOUT_BAD_LEN, "invalid length for the IU type" },
	};

	return FIND(words, reason, "undefined reason");
}

const char *srpi_rsp_code_str(int code)
{
	static const struct word words[] = {
		{ -1, "no response code" },
		{ SRP_RSP_COMPLETE, "complete" },
		{ SRP_RSP_FIELDS_INVALID, "request fields invalid" },
		{ SRP_RSP_NOT_SUPPORTED, "task management function not supported" },
		{ SRP_RSP_FAILED, "task management function failed" },
	};

	return FIND(words, code, "reserved response code");
}

const char *srpi_tmf_str(u8 function)
{
	static const struct word words[] = {
		{ SRP_TMF_ABORT_TASK, "ABORT TASK" },
		{ SRP_TMF_ABORT_TASK_SET, "ABORT TASK SET" },
		{ SRP_TMF_CLEAR_TASK_SET, "CLEAR TASK SET" },
		{ SRP_TMF_LUN_RESET, "LOGICAL UNIT RESET" },
		{ SRP_TMF_CLEAR_ACA, "CLEAR ACA" },
	};

	return FIND(words, function, "unknown function");
}

const char *srpi_status_str(u8 status)
{
	static const struct word words[] = {
		{ 0x00, "GOOD" },
		{ 0x02, "CHECK CONDITION" },
		{ 0x04, "CONDITION MET" },
		{ 0x08, "BUSY" },
		{ 0x18, "RESERVATION CONFLICT" },
		{ 0x28, "TASK SET FULL" },
		{ 0x30, "ACA ACTIVE" },
		{ 0x40, "TASK ABORTED" },
	};

	return FIND(words, status, "reserved status");
}

const char *srpi_sense_key_str(u8 key)
{
	static const char *const keys[] = {
		"NO SENSE", "RECOVERED ERROR", "NOT READY", "MEDIUM ERROR", "HARDWARE ERROR", "ILLEGAL REQUEST",
		"UNIT ATTENTION", "DATA PROTECT", "BLANK CHECK", "VENDOR SPECIFIC", "COPY ABORTED", "ABORTED COMMAND",
		"reserved", "VOLUME OVERFLOW", "MISCOMPARE", "COMPLETED",
	};

	return keys[key & 0xf];
}
