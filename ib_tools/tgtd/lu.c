// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* See target.h: a logical unit, from its backend to what initiators see. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"

static int save_reservations(struct scsi_lu *scsi, const void *data, size_t len)
{
	return reservations_save(scsi_lu_priv(scsi), data, len);
}

static const struct scsi_lu_ops ops = {
	.save_reservations = save_reservations,
	.resume = task_resume,
};

/* A lock may be that of a daemon that has crashed; then its last I/O will be over soon. */
static int open_backend(struct daemon *d, struct lu *lu, char *error)
{
	bool said = false;
	int ret;

	for (;;) {
		ret = backend_open(lu->conf, &lu->be, &lu->size, error);
		if (ret != -EWOULDBLOCK || !d->waiting)
			return ret;
		if (!said)
			log_notice("%s: waiting for it", error);
		said = true;
		if (!d->waiting(d))
			return -EINTR;
	}
}

int lu_open(struct target *t, struct lun_config *conf, struct lu **result, char *error)
{
	struct lu *lu = calloc(1, sizeof(*lu));
	int ret;

	if (!lu)
		return backend_fail(conf, error, -ENOMEM, "no memory");
	lu->target = t;
	lu->conf = conf;
	ret = open_backend(t->d, lu, error);
	if (ret) {
		free(lu);
		return ret;
	}
	order_init(&lu->order);
	*result = lu;
	return 0;
}

static int cannot_add(const struct lu *lu, int code, char *error)
{
	return backend_fail(lu->conf, error, code, "cannot become LUN %u: %s", lu->conf->lun, strerror(-code));
}

/* With its reservations from the first moment on. */
int lu_add(struct lu *lu, char *error)
{
	struct scsi_lu_config c = lu->conf->scsi;
	int ret;

	c.size = lu->size;
	c.discard_zeros = lu->be->discard_zeros;
	c.opt_xfer = lu->be->opt_xfer;
	lu->scsi = scsi_lu_new(lu->target->scsi, lu->conf->lun, &c, &ops, lu);
	if (!lu->scsi)
		return cannot_add(lu, -errno, error);
	ret = reservations_load(lu, error);
	if (!ret) {
		ret = scsi_lu_publish(lu->scsi);
		if (!ret)
			return 0;
		cannot_add(lu, ret, error);
	}
	scsi_lu_free(lu->scsi);
	lu->scsi = NULL;
	return ret;
}

void lu_leave(struct lu *lu)
{
	scsi_target_remove(lu->target->scsi, lu->scsi);
}

void lu_free(struct lu *lu)
{
	backend_close(lu->be);
	order_destroy(&lu->order);
	if (lu->adopted)
		config_free_lun(lu->conf);
	free(lu);
}
