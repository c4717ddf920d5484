// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Persistent reservations: the registrations, what they are in the way of, and
 * PERSISTENT RESERVE IN: SPC-4.
 *
 * A registration is for a pair of an initiator port and a target port, and lives
 * on when their nexus is gone. The state is a value: who changes it makes a copy,
 * changes that, saves it if it has to be saved, and only then puts it into the
 * logical unit.
 */
#include <errno.h>
#include <stdlib.h>
#include "scsi_priv.h"

bool scsi_pr_type_valid(uint8_t type)
{
	return type == PR_WRITE_EXCLUSIVE || type == PR_EXCLUSIVE_ACCESS ||
	       (type >= PR_WRITE_EXCLUSIVE_RO && type <= PR_EXCLUSIVE_ACCESS_AR);
}

struct scsi_reg *scsi_pr_find(const struct scsi_pr *pr, const uint8_t *i_port, const struct scsi_port *port)
{
	uint32_t i;

	for (i = 0; i < pr->nr; i++)
		if (pr->regs[i].port == port && !memcmp(pr->regs[i].i_port, i_port, SCSI_PORT_LEN))
			return &pr->regs[i];
	return NULL;
}

bool scsi_pr_holds(const struct scsi_pr *pr, const struct scsi_reg *reg)
{
	return pr->type && (scsi_pr_all_registrants(pr->type) || reg->holder);
}

/* A copy with room for more registrations, up to SCSI_MAX_REGS. 0 or -ENOMEM */
int scsi_pr_copy(struct scsi_pr *to, const struct scsi_pr *from, uint32_t more)
{
	*to = *from;
	/* One more, so that the size is not 0. */
	to->regs = calloc(scsi_min(from->nr + more, SCSI_MAX_REGS) + 1, sizeof(*to->regs));
	if (!to->regs)
		return -ENOMEM;
	if (from->nr)
		memcpy(to->regs, from->regs, from->nr * sizeof(*to->regs));
	return 0;
}

/* scsi_pr_copy() has made room; fewer than SCSI_MAX_REGS are there. */
struct scsi_reg *scsi_pr_add(struct scsi_pr *pr, const uint8_t *i_port, const struct scsi_port *port, uint64_t key)
{
	struct scsi_reg *reg = &pr->regs[pr->nr++];

	*reg = (struct scsi_reg){ .port = port, .key = key };
	memcpy(reg->i_port, i_port, SCSI_PORT_LEN);
	return reg;
}

/* A reservation goes with its holder, or with the last one of all. */
void scsi_pr_remove(struct scsi_pr *pr, struct scsi_reg *reg)
{
	if (reg->holder || pr->nr == 1)
		pr->type = 0;
	pr->nr--;
	memmove(reg, reg + 1, (pr->regs + pr->nr - reg) * sizeof(*reg));
}

/* [L] The state is this one from now on. */
void scsi_pr_set(struct scsi_lu *lu, const struct scsi_pr *pr)
{
	free(lu->pr.regs);
	lu->pr = *pr;
	scsi_lu_set_flags(lu, LU_RESERVED, pr->type ? LU_RESERVED : 0);
}

/* Initiators that registered for all ports register for one that has just become known. 0 or -ENOMEM */
int scsi_pr_new_port(struct scsi_lu *lu, const struct scsi_port *port)
{
	struct scsi_pr pr;
	uint32_t i, nr;
	int ret = 0;

	pthread_mutex_lock(&lu->lock);
	nr = lu->pr.nr;
	for (i = 0; i < nr && !lu->pr.regs[i].all_tg_pt; i++)
		;
	if (i == nr)
		goto out;
	ret = scsi_pr_copy(&pr, &lu->pr, nr);
	if (ret)
		goto out;
	for (i = 0; i < nr && pr.nr < SCSI_MAX_REGS; i++) {
		const struct scsi_reg *reg = &pr.regs[i];

		if (reg->all_tg_pt && !scsi_pr_find(&pr, reg->i_port, port))
			scsi_pr_add(&pr, reg->i_port, port, reg->key)->all_tg_pt = true;
	}
	scsi_pr_set(lu, &pr);
out:
	pthread_mutex_unlock(&lu->lock);
	return ret;
}

/* ---- conflicts ----------------------------------------------------------------------- */

/* What the CDB comes to. */
static enum scsi_pr_class class_of(const struct scsi_task *task)
{
	switch (task->op->pr) {
	case PR_START:
		return (task->cdb[4] & 0xf1) == 0x01 ? PR_ALLOWED : PR_WRITES;
	case PR_PREVENT:
		return task->cdb[4] & 0x01 ? PR_WRITES : PR_ALLOWED;
	default:
		return task->op->pr;
	}
}

static bool write_exclusive(uint8_t type)
{
	return type == PR_WRITE_EXCLUSIVE || type == PR_WRITE_EXCLUSIVE_RO || type == PR_WRITE_EXCLUSIVE_AR;
}

bool scsi_pr_conflict(struct scsi_task *task)
{
	enum scsi_pr_class class = class_of(task);
	struct scsi_lu *lu = task->lu;
	const struct scsi_reg *reg;
	bool conflict = false;

	if (class == PR_ALLOWED)
		return false;
	pthread_mutex_lock(&lu->lock);
	if (lu->pr.type) {
		reg = scsi_pr_find(&lu->pr, task->nexus->i_port, task->nexus->port);
		/* The holder may do everything; so may who is registered, but for the plain types. */
		conflict = !reg || (!reg->holder && lu->pr.type < PR_WRITE_EXCLUSIVE_RO);
		if (class == PR_READS && write_exclusive(lu->pr.type))
			conflict = false;
	}
	pthread_mutex_unlock(&lu->lock);
	return conflict;
}

/* ---- PERSISTENT RESERVE IN -------------------------------------------------------------- */

enum {
	READ_KEYS		= 0,
	READ_RESERVATION	= 1,
	REPORT_CAPABILITIES	= 2,
	READ_FULL_STATUS	= 3,
};

static void read_keys(const struct scsi_pr *pr, struct scsi_out *out)
{
	uint32_t i;

	for (i = 0; i < pr->nr; i++)
		scsi_put_be(out, pr->regs[i].key, 8);
}

static void read_reservation(const struct scsi_pr *pr, struct scsi_out *out)
{
	uint64_t key = 0;
	uint32_t i;

	if (!pr->type)
		return;
	/* There is not one key if all are holders. */
	for (i = 0; i < pr->nr; i++)
		if (pr->regs[i].holder)
			key = pr->regs[i].key;
	scsi_put_be(out, key, 8);
	scsi_put_zero(out, 5);
	scsi_put_be(out, pr->type, 1);
	scsi_put_zero(out, 2);
}

static void read_full_status(const struct scsi_pr *pr, struct scsi_out *out)
{
	const struct scsi_reg *reg;

	for (reg = pr->regs; reg < pr->regs + pr->nr; reg++) {
		bool holds = scsi_pr_holds(pr, reg);

		scsi_put_be(out, reg->key, 8);
		scsi_put_zero(out, 4);
		/* R_HOLDER; never ALL_TG_PT, each port has a descriptor of its own */
		scsi_put_be(out, holds, 1);
		scsi_put_be(out, holds ? pr->type : 0, 1);
		scsi_put_zero(out, 4);
		scsi_put_be(out, reg->port->id, 2);
		scsi_put_be(out, SCSI_TRANSPORT_ID_LEN, 4);
		scsi_put_be(out, SCSI_PROTOCOL_SRP, 1);
		scsi_put_zero(out, 7);
		scsi_put(out, reg->i_port, SCSI_PORT_LEN);
	}
}

static void report_capabilities(const struct scsi_lu *lu, struct scsi_out *out)
{
	bool aptpl = lu->ops->save_reservations;

	scsi_put_be(out, 8, 2);
	/* SIP_C, ATP_C, PTPL_C */
	scsi_put_be(out, 0x0c | aptpl, 1);
	/* TMV, PTPL_A */
	scsi_put_be(out, 0x80 | lu->pr.aptpl, 1);
	/* all six types */
	scsi_put_be(out, 0xea01, 2);
	scsi_put_zero(out, 2);
}

enum scsi_step scsi_pr_in(struct scsi_task *task, struct scsi_out *out)
{
	struct scsi_lu *lu = task->lu;

	pthread_mutex_lock(&lu->lock);
	if (task->op->sa == REPORT_CAPABILITIES) {
		report_capabilities(lu, out);
	} else {
		scsi_put_be(out, lu->pr.generation, 4);
		scsi_put_zero(out, 4);
		if (task->op->sa == READ_KEYS)
			read_keys(&lu->pr, out);
		else if (task->op->sa == READ_RESERVATION)
			read_reservation(&lu->pr, out);
		else
			read_full_status(&lu->pr, out);
		scsi_set_be(out, 4, out->len - 8, 4);
	}
	pthread_mutex_unlock(&lu->lock);
	return SCSI_RESPOND;
}
