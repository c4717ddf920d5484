// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * PERSISTENT RESERVE OUT: SPC-4.
 *
 * A service action changes a copy of the state, and says which unit attention
 * those get who lose their registration, and those who keep it. Then all of it
 * becomes true at once, or nothing does.
 */
#include <stdlib.h>
#include "scsi_priv.h"

#define LIST_LEN	24
#define ID_OFF		8	/* of the initiator port in an SRP TransportID */

/* Byte 20 of the list */
#define APTPL		0x01
#define ALL_TG_PT	0x04
#define SPEC_I_PT	0x08

enum {
	REGISTER		= 0,
	RESERVE			= 1,
	RELEASE			= 2,
	CLEAR			= 3,
	PREEMPT			= 4,
	PREEMPT_AND_ABORT	= 5,
	REGISTER_AND_IGNORE	= 6,
};

/* One PERSISTENT RESERVE OUT. */
struct pr_out {
	struct scsi_task	*task;
	struct scsi_pr		pr;		/* the state to be */
	uint64_t		key;		/* RESERVATION KEY */
	uint64_t		sa_key;		/* SERVICE ACTION RESERVATION KEY */
	uint8_t			type;		/* of the CDB */
	uint8_t			bits;
	const uint8_t		*ids;		/* TransportIDs */
	uint32_t		nr_ids;
	const struct scsi_port	*ports;		/* those known when it began */
	bool			full;		/* no room for a registration */
	uint16_t		ua_lost;	/* for other nexuses; 0: none */
	uint16_t		ua_kept;
};

static struct scsi_reg *own_reg(const struct pr_out *o)
{
	return scsi_pr_find(&o->pr, o->task->nexus->i_port, o->task->nexus->port);
}

static enum scsi_step conflict(const struct pr_out *o)
{
	return scsi_status(o->task, SCSI_RESERVATION_CONFLICT);
}

static enum scsi_step no_resources(struct scsi_task *task)
{
	return scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_NO_REGISTRATION_RESOURCES);
}

/* Those that are registered are told if a reservation of these types is released. */
static uint16_t released_ua(uint8_t type)
{
	return type >= PR_WRITE_EXCLUSIVE_RO ? ASC_RESERVATIONS_RELEASED : 0;
}

/* ---- REGISTER, REGISTER AND IGNORE EXISTING KEY ---------------------------------------- */

/* For one pair of ports. false: full, or the key is not the one that is registered */
static bool register_one(struct pr_out *o, const uint8_t *i_port, const struct scsi_port *port, bool ignore)
{
	struct scsi_reg *reg = scsi_pr_find(&o->pr, i_port, port);
	uint8_t type = o->pr.type;

	if (!ignore && (reg ? reg->key : 0) != o->key)
		return false;
	if (!o->sa_key) {
		if (reg)
			scsi_pr_remove(&o->pr, reg);
		if (type && !o->pr.type)
			o->ua_kept = released_ua(type);
		return true;
	}
	o->full = !reg && o->pr.nr == SCSI_MAX_REGS;
	if (o->full)
		return false;
	if (!reg)
		reg = scsi_pr_add(&o->pr, i_port, port, o->sa_key);
	reg->key = o->sa_key;
	reg->all_tg_pt = o->bits & ALL_TG_PT;
	return true;
}

/*
 * For one initiator, at one port or all. At other ports than that of the command a
 * registration need not be there, e.g. if it was removed there.
 */
static bool register_ports(struct pr_out *o, const uint8_t *i_port, bool ignore)
{
	const struct scsi_nexus *nexus = o->task->nexus;
	const struct scsi_port *port;

	if (!register_one(o, i_port, nexus->port, ignore))
		return false;
	if (!(o->bits & ALL_TG_PT))
		return true;
	for (port = o->ports; port; port = port->next)
		if (port != nexus->port &&
		    !register_one(o, i_port, port, ignore || !scsi_pr_find(&o->pr, i_port, port)))
			return false;
	return true;
}

static enum scsi_step not_registered(const struct pr_out *o)
{
	return o->full ? no_resources(o->task) : conflict(o);
}

static enum scsi_step do_register(struct pr_out *o, bool ignore)
{
	struct scsi_task *task = o->task;
	uint32_t i;

	if ((o->bits & APTPL) && !task->lu->ops->save_reservations)
		return scsi_bad_list(task, 20, 0);
	/* It is for those who begin, not for a change of keys. */
	if ((o->bits & SPEC_I_PT) && (ignore || own_reg(o)))
		return scsi_bad_list(task, 20, 3);
	if (!register_ports(o, task->nexus->i_port, ignore))
		return not_registered(o);
	for (i = 0; i < o->nr_ids; i++)
		if (!register_ports(o, o->ids + i * SCSI_TRANSPORT_ID_LEN + ID_OFF, false))
			return not_registered(o);
	o->pr.aptpl = o->bits & APTPL;
	o->pr.generation++;
	return scsi_good(task, task->fetch_len);
}

/* ---- RESERVE, RELEASE, CLEAR ------------------------------------------------------------ */

static enum scsi_step do_reserve(struct pr_out *o, struct scsi_reg *reg)
{
	if (o->pr.type && (!scsi_pr_holds(&o->pr, reg) || o->pr.type != o->type))
		return conflict(o);
	o->pr.type = o->type;
	reg->holder = !scsi_pr_all_registrants(o->type);
	return scsi_good(o->task, o->task->fetch_len);
}

static enum scsi_step do_release(struct pr_out *o, struct scsi_reg *reg)
{
	if (!scsi_pr_holds(&o->pr, reg))
		return scsi_good(o->task, o->task->fetch_len);
	if (o->pr.type != o->type)
		return scsi_check(o->task, KEY_ILLEGAL_REQUEST, ASC_INVALID_RELEASE);
	o->ua_kept = released_ua(o->type);
	o->pr.type = 0;
	reg->holder = false;
	return scsi_good(o->task, o->task->fetch_len);
}

static enum scsi_step do_clear(struct pr_out *o)
{
	o->ua_lost = ASC_RESERVATIONS_PREEMPTED;
	o->pr.nr = 0;
	o->pr.type = 0;
	o->pr.generation++;
	return scsi_good(o->task, o->task->fetch_len);
}

/* ---- PREEMPT, PREEMPT AND ABORT ------------------------------------------------------------ */

/* key 0: all of them. self: whom to spare, or NULL. Return: how many */
static uint32_t remove_key(struct scsi_pr *pr, uint64_t key, const struct scsi_nexus *self)
{
	const struct scsi_reg *spare;
	uint32_t i, removed = 0;

	for (i = pr->nr; i-- > 0;) {
		spare = self ? scsi_pr_find(pr, self->i_port, self->port) : NULL;
		if (&pr->regs[i] == spare || (key && pr->regs[i].key != key))
			continue;
		scsi_pr_remove(pr, &pr->regs[i]);
		removed++;
	}
	return removed;
}

/* The reservation becomes one of this nexus, whoever had it. */
static void take_over(struct pr_out *o)
{
	uint8_t old = o->pr.type;
	uint32_t i;

	remove_key(&o->pr, o->sa_key, o->task->nexus);
	for (i = 0; i < o->pr.nr; i++)
		o->pr.regs[i].holder = false;
	o->pr.type = o->type;
	own_reg(o)->holder = !scsi_pr_all_registrants(o->type);
	if (old != o->type)
		o->ua_kept = ASC_RESERVATIONS_RELEASED;
}

static enum scsi_step do_preempt(struct pr_out *o)
{
	bool all = scsi_pr_all_registrants(o->pr.type);
	bool take = all && !o->sa_key;
	uint32_t i;

	/* 0 stands for all holders, if all are holders. */
	if (!o->sa_key && !all)
		return scsi_bad_list(o->task, 8, 8);
	for (i = 0; i < o->pr.nr; i++)
		take |= o->pr.type && o->pr.regs[i].holder && o->pr.regs[i].key == o->sa_key;
	o->ua_lost = ASC_REGISTRATIONS_PREEMPTED;
	if (take)
		take_over(o);
	else if (!remove_key(&o->pr, o->sa_key, NULL))
		return conflict(o);
	o->pr.generation++;
	return scsi_good(o->task, o->task->fetch_len);
}

/* ---- what they have in common ---------------------------------------------------------------- */

static enum scsi_step do_action(struct pr_out *o)
{
	uint8_t action = o->task->op->sa;
	struct scsi_reg *reg = own_reg(o);

	if (action == REGISTER || action == REGISTER_AND_IGNORE)
		return do_register(o, action == REGISTER_AND_IGNORE);
	if (!reg || reg->key != o->key)
		return conflict(o);
	if (action == RESERVE)
		return do_reserve(o, reg);
	if (action == RELEASE)
		return do_release(o, reg);
	if (action == CLEAR)
		return do_clear(o);
	return do_preempt(o);
}

/* [L] Tell the other nexuses what has become of them, before the new state takes the place of the old. */
static void tell_others(const struct pr_out *o)
{
	struct scsi_lu *lu = o->task->lu;
	struct scsi_nexus *nexus;

	for (nexus = lu->target->nexuses; nexus; nexus = nexus->next) {
		const struct scsi_reg *old = scsi_pr_find(&lu->pr, nexus->i_port, nexus->port);
		const struct scsi_reg *new = scsi_pr_find(&o->pr, nexus->i_port, nexus->port);
		uint16_t asc = new ? o->ua_kept : o->ua_lost;

		if (!old || nexus == o->task->nexus)
			continue;
		if (asc)
			scsi_ua_put(&nexus->itl[lu->lun], asc);
		if (!new && o->task->preempts)
			nexus->itl[lu->lun].preempted_by = o->task;
	}
}

/* [L] */
static enum scsi_step commit(struct pr_out *o)
{
	struct scsi_lu *lu = o->task->lu;

	if ((o->pr.aptpl || lu->pr.aptpl) && scsi_pr_save(lu, &o->pr)) {
		free(o->pr.regs);
		return scsi_check(o->task, KEY_HARDWARE_ERROR, ASC_INTERNAL_TARGET_FAILURE);
	}
	o->task->preempts = o->task->may_preempt;
	pthread_mutex_lock(&lu->target->lock);
	tell_others(o);
	pthread_mutex_unlock(&lu->target->lock);
	scsi_pr_set(lu, &o->pr);
	return SCSI_RESPOND;
}

/* How many registrations may come to those there are. */
static uint32_t registrations(const struct pr_out *o)
{
	uint8_t action = o->task->op->sa;

	if (action != REGISTER && action != REGISTER_AND_IGNORE)
		return 0;
	/* Ports are numbered from 1, the newest comes first. */
	return (1 + o->nr_ids) * (o->bits & ALL_TG_PT ? o->ports->id : 1);
}

static enum scsi_step carry_out(struct pr_out *o)
{
	struct scsi_lu *lu = o->task->lu;
	enum scsi_step step;

	pthread_mutex_lock(&lu->lock);
	/* A port that comes later waits for the lock in scsi_pr_new_port(). */
	o->ports = __atomic_load_n(&lu->target->ports, __ATOMIC_ACQUIRE);
	if (scsi_pr_copy(&o->pr, &lu->pr, registrations(o))) {
		pthread_mutex_unlock(&lu->lock);
		return no_resources(o->task);
	}
	step = do_action(o);
	if (o->task->status == SCSI_GOOD)
		step = commit(o);
	else
		free(o->pr.regs);
	pthread_mutex_unlock(&lu->lock);
	return step;
}

/* SPEC_I_PT: TransportIDs of SRP, as many as fill the list. false: the task has its status */
static bool parse_ids(struct pr_out *o, const uint8_t *list, uint32_t len)
{
	uint32_t i, ids_len;

	if (len < LIST_LEN + 4) {
		scsi_check(o->task, KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
		return false;
	}
	ids_len = scsi_get_be(list + LIST_LEN, 4);
	if (ids_len != len - LIST_LEN - 4 || ids_len % SCSI_TRANSPORT_ID_LEN) {
		scsi_check(o->task, KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
		return false;
	}
	o->ids = list + LIST_LEN + 4;
	o->nr_ids = ids_len / SCSI_TRANSPORT_ID_LEN;
	for (i = 0; i < o->nr_ids; i++) {
		if (o->ids[i * SCSI_TRANSPORT_ID_LEN] == SCSI_PROTOCOL_SRP)
			continue;
		scsi_bad_list(o->task, LIST_LEN + 4 + i * SCSI_TRANSPORT_ID_LEN, 8);
		return false;
	}
	return true;
}

enum scsi_step scsi_pr_out(struct scsi_task *task, const uint8_t *list, uint32_t len)
{
	struct pr_out o = { .task = task, .type = task->cdb[2] & 0x0f };
	uint8_t action = task->op->sa;

	/* The others have no scope and type. */
	if (action == RESERVE || action == RELEASE || action == PREEMPT || action == PREEMPT_AND_ABORT) {
		if (task->cdb[2] >> 4)
			return scsi_bad_cdb(task, 2, 7);
		if (!scsi_pr_type_valid(o.type))
			return scsi_bad_cdb(task, 2, 3);
	}
	if (len < LIST_LEN)
		return scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	o.key = scsi_get_be(list, 8);
	o.sa_key = scsi_get_be(list + 8, 8);
	if (action == REGISTER || action == REGISTER_AND_IGNORE)
		o.bits = list[20];
	if (!(o.bits & SPEC_I_PT) && len != LIST_LEN)
		return scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	if ((o.bits & SPEC_I_PT) && !parse_ids(&o, list, len))
		return SCSI_RESPOND;
	return carry_out(&o);
}

/* ---- the commands of those that were preempted ------------------------------------------------- */

bool scsi_preempted(const struct scsi_task *task, const struct scsi_nexus *victim)
{
	bool preempted;

	pthread_mutex_lock(&victim->target->lock);
	preempted = victim->itl[task->lu->lun].preempted_by == task;
	pthread_mutex_unlock(&victim->target->lock);
	return preempted;
}

/* Another task may have the same address later. */
void scsi_preempt_end(const struct scsi_task *task)
{
	struct scsi_target *target = task->nexus->target;
	struct scsi_nexus *nexus;

	pthread_mutex_lock(&target->lock);
	for (nexus = target->nexuses; nexus; nexus = nexus->next)
		if (nexus->itl[task->lu->lun].preempted_by == task)
			nexus->itl[task->lu->lun].preempted_by = NULL;
	pthread_mutex_unlock(&target->lock);
}
