// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * See target.h: how what runs becomes what is configured.
 *
 * All that may fail comes first, and is undone if something does: the comparison, the opening of backends,
 * then what initiators see of new things. What goes is taken away at the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"

__attribute__((format(printf, 3, 4)))
static int fail(char *error, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, CONFIG_ERROR_LEN, fmt, args);
	va_end(args);
	return code;
}

/* ---- nexuses ------------------------------------------------------------------------------------ */

static struct target *find_by_id_locked(struct daemon *d, uint32_t id)
{
	struct list *node;
	struct target *t;
	uint32_t i;

	list_for_each(node, &d->targets) {
		t = container_of(node, struct target, node);
		for (i = 0; i < t->bound; i++)
			if (t->ids[i] == id)
				return t;
	}
	return NULL;
}

struct nexus *nexus_new(struct daemon *d, const struct tgt_event *ev)
{
	struct nexus *nexus = calloc(1, sizeof(*nexus));

	if (!nexus)
		return NULL;
	nexus->host_no = ev->host_no;
	memcpy(nexus->i_port_id, ev->host_up.i_port_id, sizeof(nexus->i_port_id));
	pthread_mutex_lock(&d->lock);
	nexus->target = find_by_id_locked(d, ev->host_up.target_id);
	if (nexus->target)
		nexus->scsi = scsi_nexus_new(nexus->target->scsi, ev->host_up.i_port_id, ev->host_up.t_port_id);
	if (nexus->scsi)
		list_add_tail(&nexus->target_node, &nexus->target->nexuses);
	pthread_mutex_unlock(&d->lock);
	if (nexus->scsi)
		return nexus;
	free(nexus);
	return NULL;
}

void nexus_free(struct daemon *d, struct nexus *nexus)
{
	pthread_mutex_lock(&d->lock);
	scsi_nexus_free(nexus->scsi);
	list_del(&nexus->target_node);
	pthread_mutex_unlock(&d->lock);
	free(nexus);
}

/* ---- targets ------------------------------------------------------------------------------------ */

static void target_unbind(struct target *t)
{
	uint32_t i;

	for (i = 0; i < t->bound; i++)
		if (tgt_unbind(t->d->tgt, t->ids[i]))
			log_warning("%s", tgt_error());
}

/* Nobody is logged in. */
static void target_free(struct target *t)
{
	struct lu *lu;

	if (t->scsi)
		scsi_target_free(t->scsi);
	while (!list_empty(&t->lus)) {
		lu = container_of(t->lus.next, struct lu, node);
		list_del(&lu->node);
		lu_free(lu);
	}
	if (t->adopted)
		config_free_target(t->conf);
	free(t->ids);
	free(t);
}

static int target_fill(struct target *t, char *error)
{
	struct lu *lu;
	uint32_t i;
	int ret;

	for (i = 0; i < t->conf->nr_luns; i++) {
		ret = lu_open(t, t->conf->luns[i], &lu, error);
		if (ret)
			return ret;
		list_add_tail(&lu->node, &t->lus);
		ret = lu_add(lu, error);
		if (ret)
			return ret;
	}
	return 0;
}

static int target_new(struct daemon *d, struct target_config *conf, struct target **result, char *error)
{
	uint32_t nr = conf->ports.nr ? conf->ports.nr : 1;
	struct target *t = calloc(1, sizeof(*t));
	int ret;

	if (!t)
		return fail(error, -ENOMEM, "no memory");
	t->d = d;
	t->conf = conf;
	list_init(&t->lus);
	list_init(&t->nexuses);
	t->ids = calloc(nr, sizeof(t->ids[0]));
	t->scsi = scsi_target_new();
	ret = t->ids && t->scsi ? target_fill(t, error) : fail(error, -ENOMEM, "no memory");
	if (ret)
		target_free(t);
	else
		*result = t;
	return ret;
}

/* With the initiators of @c, which are others than before if it is bound already. */
static int target_bind(struct target *t, const struct target_config *c, char *error)
{
	uint32_t i, nr = c->ports.nr ? c->ports.nr : 1;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = tgt_bind(t->d->tgt, c->ports.nr ? c->ports.name[i] : NULL, c->id_ext,
			       (const char *const *)c->initiators.name, c->initiators.nr, &t->ids[i]);
		if (ret)
			return fail(error, ret, "line %u: %s", c->line, tgt_error());
		if (t->bound <= i)
			t->bound = i + 1;
	}
	return 0;
}

/* ---- comparison --------------------------------------------------------------------------------- */

static struct target_config *find_target(const struct config *conf, const struct target_config *old)
{
	uint32_t i;

	for (i = 0; i < conf->nr_targets; i++)
		if (conf->targets[i] && conf->targets[i]->id_ext == old->id_ext)
			return conf->targets[i];
	return NULL;
}

static struct lun_config *find_lun(const struct target_config *conf, const struct lun_config *old)
{
	uint32_t i;

	for (i = 0; i < conf->nr_luns; i++)
		if (conf->luns[i] && conf->luns[i]->lun == old->lun)
			return conf->luns[i];
	return NULL;
}

static struct target *find_running(struct daemon *d, uint64_t id_ext)
{
	struct list *node;
	struct target *t;

	list_for_each(node, &d->targets) {
		t = container_of(node, struct target, node);
		if (!t->leaving && t->conf->id_ext == id_ext)
			return t;
	}
	return NULL;
}

static struct lu *find_lu(struct target *t, uint32_t lun)
{
	struct list *node;

	list_for_each(node, &t->lus)
		if (container_of(node, struct lu, node)->conf->lun == lun)
			return container_of(node, struct lu, node);
	return NULL;
}

static int check_lun(struct lu *lu, const struct lun_config *now, char *error)
{
	int ret;

	if (!config_same_lun(lu->conf, now))
		return fail(error, -EBUSY, "line %u: LUN %u is in use, and only its size can change: remove it, "
			    "reload, then add it as it is to be", now->line, now->lun);
	if (now->type == BACKEND_MEMORY && now->size != lu->conf->size)
		return fail(error, -EBUSY, "line %u: the size of LUN %u cannot change, as it is in memory", now->line,
			    now->lun);
	ret = backend_size(lu->be, now, &lu->next_size, error);
	if (!ret && lu->next_size < lu->size)
		ret = backend_fail(now, error, -EINVAL, "has become shorter: data is lost, make it %" PRIu64
				   " bytes again", lu->size);
	return ret;
}

/* Whether all that stays can stay. */
static int check_running(struct daemon *d, const struct config *conf, char *error)
{
	struct list *node, *lun_node;
	struct target_config *c;
	struct lun_config *now;
	struct target *t;
	struct lu *lu;
	int ret;

	list_for_each(node, &d->targets) {
		t = container_of(node, struct target, node);
		c = t->leaving ? NULL : find_target(conf, t->conf);
		if (!c)
			continue;
		if (!config_same_ports(t->conf, c))
			return fail(error, -EBUSY, "line %u: the target is in use, and its ports cannot change: remove it, "
				    "reload, then add it as it is to be", c->line);
		list_for_each(lun_node, &t->lus) {
			lu = container_of(lun_node, struct lu, node);
			now = find_lun(c, lu->conf);
			ret = now ? check_lun(lu, now, error) : 0;
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* ---- what is new -------------------------------------------------------------------------------- */

/* What comes: whole targets, and logical units of those that there are. */
struct plan {
	struct list	targets;
	struct list	lus;
};

static int open_new_luns(struct target *t, struct target_config *c, struct plan *plan, char *error)
{
	struct lu *lu;
	uint32_t i;
	int ret;

	for (i = 0; i < c->nr_luns; i++) {
		if (find_lu(t, c->luns[i]->lun))
			continue;
		ret = lu_open(t, c->luns[i], &lu, error);
		if (ret)
			return ret;
		list_add_tail(&lu->node, &plan->lus);
	}
	return 0;
}

static int open_new(struct daemon *d, const struct config *conf, struct plan *plan, char *error)
{
	struct target *t;
	uint32_t i;
	int ret;

	for (i = 0; i < conf->nr_targets; i++) {
		t = find_running(d, conf->targets[i]->id_ext);
		if (t) {
			ret = open_new_luns(t, conf->targets[i], plan, error);
		} else {
			ret = target_new(d, conf->targets[i], &t, error);
			if (!ret)
				list_add_tail(&t->node, &plan->targets);
		}
		if (ret)
			return ret;
	}
	return 0;
}

/* The configuration of what stays, or takes a while to go, goes with it. */
static void adopt_lun(struct target_config *c, struct lu *lu)
{
	uint32_t i;

	for (i = 0; i < c->nr_luns; i++)
		if (c->luns[i] == lu->conf)
			c->luns[i] = NULL;
	lu->adopted = true;
}

static void adopt_target(struct config *conf, struct target *t)
{
	struct list *node;
	uint32_t i;

	list_for_each(node, &t->lus)
		adopt_lun(t->conf, container_of(node, struct lu, node));
	for (i = 0; i < conf->nr_targets; i++)
		if (conf->targets[i] == t->conf)
			conf->targets[i] = NULL;
	t->adopted = true;
}

/* Who has logged in meanwhile, has to go first. */
static void target_leave(struct target *t)
{
	target_unbind(t);
	t->leaving = true;
}

/* An initiator may log in before tgt_bind() returns: its HOST_UP waits for the lock. */
static int bind_new(struct daemon *d, struct config *conf, struct plan *plan, char *error)
{
	struct target *t;
	int ret;

	while (!list_empty(&plan->targets)) {
		t = container_of(plan->targets.next, struct target, node);
		list_del(&t->node);
		pthread_mutex_lock(&d->lock);
		list_add_tail(&t->node, &d->targets);
		ret = target_bind(t, t->conf, error);
		pthread_mutex_unlock(&d->lock);
		if (ret) {
			adopt_target(conf, t);
			target_leave(t);
			return ret;
		}
	}
	return 0;
}

static int add_new_luns(struct plan *plan, char *error)
{
	struct list *node;
	int ret;

	list_for_each(node, &plan->lus) {
		ret = lu_add(container_of(node, struct lu, node), error);
		if (ret)
			return ret;
	}
	return 0;
}

/* What stays, and its new configuration; or NULL. */
static struct target_config *new_config(const struct config *conf, const struct target *t)
{
	return t->leaving || !t->adopted ? NULL : find_target(conf, t->conf);
}

/* Sessions of who is no longer among them end. */
static int change_initiators(struct daemon *d, const struct config *conf, char *error)
{
	char ignored[CONFIG_ERROR_LEN];
	struct target_config *c;
	struct list *node;
	struct target *t;
	int ret = 0;

	list_for_each(node, &d->targets) {
		t = container_of(node, struct target, node);
		c = new_config(conf, t);
		if (c && !config_same_initiators(t->conf, c))
			ret = target_bind(t, c, error);
		if (ret)
			break;
	}
	if (!ret)
		return 0;
	list_for_each(node, &d->targets) {
		t = container_of(node, struct target, node);
		c = new_config(conf, t);
		if (c && !config_same_initiators(t->conf, c))
			target_bind(t, t->conf, ignored);
	}
	return ret;
}

/* Targets that are bound but not adopted are those of this time. */
static void undo(struct daemon *d, struct config *conf, struct plan *plan)
{
	struct list *node;
	struct target *t;
	struct lu *lu;

	while (!list_empty(&plan->lus)) {
		lu = container_of(plan->lus.next, struct lu, node);
		list_del(&lu->node);
		if (!lu->scsi) {
			lu_free(lu);
			continue;
		}
		adopt_lun(find_target(conf, lu->target->conf), lu);
		lu_leave(lu);
		list_add_tail(&lu->node, &d->leaving);
	}
	while (!list_empty(&plan->targets)) {
		t = container_of(plan->targets.next, struct target, node);
		list_del(&t->node);
		target_free(t);
	}
	list_for_each(node, &d->targets) {
		t = container_of(node, struct target, node);
		if (t->adopted)
			continue;
		adopt_target(conf, t);
		target_leave(t);
	}
}

/* ---- commit ------------------------------------------------------------------------------------- */

static void commit_luns(struct daemon *d, struct target *t, struct target_config *c)
{
	struct list *node, *after;
	struct lun_config *now;
	struct lu *lu;

	list_for_each_safe(node, after, &t->lus) {
		lu = container_of(node, struct lu, node);
		now = find_lun(c, lu->conf);
		if (!now) {
			log_notice("target %016" PRIx64 ": LUN %u goes", t->conf->id_ext, lu->conf->lun);
			list_del(&lu->node);
			lu_leave(lu);
			list_add_tail(&lu->node, &d->leaving);
			continue;
		}
		lu->conf->size = now->size;
		lu->conf->line = now->line;
		if (lu->next_size == lu->size)
			continue;
		lu->size = lu->next_size;
		scsi_lu_resize(lu->scsi, lu->size);
		log_notice("target %016" PRIx64 ": LUN %u has %" PRIu64 " bytes now", t->conf->id_ext, lu->conf->lun,
			   lu->size);
	}
}

static void commit(struct daemon *d, struct config *conf, struct plan *plan)
{
	struct target_config *c;
	struct names initiators;
	struct list *node;
	struct target *t;
	struct lu *lu;

	d->nr_served = conf->nr_targets;
	list_for_each(node, &d->targets) {
		t = container_of(node, struct target, node);
		if (t->leaving)
			continue;
		if (!t->adopted) {
			log_notice("target %016" PRIx64 " is served", t->conf->id_ext);
			adopt_target(conf, t);
			continue;
		}
		c = find_target(conf, t->conf);
		if (c) {
			commit_luns(d, t, c);
			initiators = t->conf->initiators;
			t->conf->initiators = c->initiators;
			c->initiators = initiators;
		} else {
			log_notice("target %016" PRIx64 " goes", t->conf->id_ext);
			target_leave(t);
		}
	}
	while (!list_empty(&plan->lus)) {
		lu = container_of(plan->lus.next, struct lu, node);
		list_del(&lu->node);
		adopt_lun(find_target(conf, lu->target->conf), lu);
		list_add_tail(&lu->node, &lu->target->lus);
		log_notice("target %016" PRIx64 ": LUN %u is new", lu->target->conf->id_ext, lu->conf->lun);
	}
}

int daemon_apply(struct daemon *d, struct config *conf, char *error)
{
	struct plan plan;
	int ret;

	list_init(&plan.targets);
	list_init(&plan.lus);
	ret = check_running(d, conf, error);
	if (!ret)
		ret = open_new(d, conf, &plan, error);
	if (!ret)
		ret = bind_new(d, conf, &plan, error);
	if (!ret)
		ret = add_new_luns(&plan, error);
	if (!ret)
		ret = change_initiators(d, conf, error);
	if (ret)
		undo(d, conf, &plan);
	else
		commit(d, conf, &plan);
	/* A thread may be about to count itself among the users of what leaves. */
	if (!list_empty(&d->leaving))
		workers_quiesce(d);
	return ret;
}

/* ---- the end ------------------------------------------------------------------------------------ */

static bool target_used(struct daemon *d, struct target *t)
{
	bool used;

	pthread_mutex_lock(&d->lock);
	used = !t->leaving || !list_empty(&t->nexuses);
	if (!used)
		list_del(&t->node);
	pthread_mutex_unlock(&d->lock);
	return used;
}

bool daemon_reap(struct daemon *d)
{
	struct list *node, *after;
	struct target *t;
	bool left = false;
	struct lu *lu;

	list_for_each_safe(node, after, &d->leaving) {
		lu = container_of(node, struct lu, node);
		if (lu_used(lu)) {
			left = true;
			continue;
		}
		list_del(&lu->node);
		scsi_lu_free(lu->scsi);
		lu_free(lu);
	}
	list_for_each_safe(node, after, &d->targets) {
		t = container_of(node, struct target, node);
		if (!target_used(d, t))
			target_free(t);
		else
			left |= t->leaving;
	}
	/* They may sleep through the ends of the last commands. */
	if (left)
		workers_wake(d);
	return left;
}

void daemon_free_targets(struct daemon *d)
{
	struct list *node;

	list_for_each(node, &d->targets)
		container_of(node, struct target, node)->leaving = true;
	daemon_reap(d);
}
