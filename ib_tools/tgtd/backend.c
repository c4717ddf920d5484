// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* See backend.h: what all kinds have in common. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"

int backend_fail(const struct lun_config *conf, char *error, int code, const char *fmt, ...)
{
	va_list args;
	int n;

	n = snprintf(error, CONFIG_ERROR_LEN, "line %u, %.256s: ", conf->line, conf->path ? conf->path : conf->backend);
	va_start(args, fmt);
	vsnprintf(error + n, CONFIG_ERROR_LEN - n, fmt, args);
	va_end(args);
	return code;
}

int backend_size(struct backend *be, const struct lun_config *conf, uint64_t *size, char *error)
{
	int ret = be->ops->size(be, size);

	if (!ret && conf->size > *size && be->ops->grow) {
		ret = be->ops->grow(be, conf->size);
		*size = conf->size;
	}
	if (ret)
		return backend_fail(conf, error, ret, "%s", strerror(-ret));
	if (conf->size && conf->size < *size)
		return backend_fail(conf, error, -EINVAL, "it has %" PRIu64 " bytes, more than the size "
				    "that is configured: data would be lost; set size to that, or remove the setting",
				    *size);
	if (conf->size && conf->size > *size)
		return backend_fail(conf, error, -EINVAL, "it cannot grow to the size that is configured");
	*size -= *size % conf->scsi.block_size;
	if (!*size)
		return backend_fail(conf, error, -EINVAL, "it is empty: set a size");
	return 0;
}

int backend_open(const struct lun_config *conf, struct backend **be, uint64_t *size, char *error)
{
	int ret;

	ret = conf->type == BACKEND_MEMORY ? backend_memory_open(conf, be, error) : backend_file_open(conf, be, error);
	if (ret)
		return ret;
	ret = backend_size(*be, conf, size, error);
	if (ret)
		backend_close(*be);
	return ret;
}

void backend_close(struct backend *be)
{
	be->ops->close(be);
}
