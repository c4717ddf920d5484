// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What becomes of a configuration that was read: it is compared with another one, and freed. */
#include <stdlib.h>
#include <string.h>

#include "config.h"

static void free_names(struct names *names)
{
	uint32_t i;

	for (i = 0; i < names->nr; i++)
		free(names->name[i]);
	free(names->name);
}

void config_free_lun(struct lun_config *l)
{
	if (!l)
		return;
	free(l->path);
	free(l);
}

void config_free_target(struct target_config *t)
{
	uint32_t i;

	if (!t)
		return;
	for (i = 0; i < t->nr_luns; i++)
		config_free_lun(t->luns[i]);
	free(t->luns);
	free_names(&t->ports);
	free_names(&t->initiators);
	free(t->id_ext_text);
	free(t);
}

void config_free(struct config *c)
{
	uint32_t i;

	if (!c)
		return;
	for (i = 0; i < c->nr_targets; i++)
		config_free_target(c->targets[i]);
	free(c->targets);
	free(c->state_dir);
	free(c->socket);
	free(c);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool config_same_lun(const struct lun_config *a, const struct lun_config *b)
{
	const struct scsi_lu_config *x = &a->scsi, *y = &b->scsi;

	return a->lun == b->lun && a->type == b->type && same_text(a->path, b->path) &&
	       x->block_size == y->block_size && same_text(x->serial, y->serial) && same_text(x->vendor, y->vendor) &&
	       same_text(x->product, y->product) && x->read_only == y->read_only && x->removable == y->removable &&
	       x->thin == y->thin && x->write_cache == y->write_cache;
}

static bool same_names(const struct names *a, const struct names *b)
{
	uint32_t i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++)
		if (strcmp(a->name[i], b->name[i]))
			return false;
	return true;
}

bool config_same_ports(const struct target_config *a, const struct target_config *b)
{
	return same_names(&a->ports, &b->ports);
}

bool config_same_initiators(const struct target_config *a, const struct target_config *b)
{
	return same_names(&a->initiators, &b->initiators);
}
