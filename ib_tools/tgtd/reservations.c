// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Persistent reservations that are to survive (APTPL): a file per logical unit in the state directory,
 * named by the serial number. It is replaced as a whole: what a power failure leaves is the old one or
 * the new one.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "target.h"

#define MAX_LEN	(1u << 20)

/* A serial number may have any printable character; a file name not. */
static void file_name(const struct lu *lu, const char *suffix, char *name, size_t len)
{
	const char *c = lu->conf->scsi.serial;
	size_t n;

	n = snprintf(name, len, "reservations-");
	for (; *c; c++)
		n += snprintf(name + n, len - n, isalnum((unsigned char)*c) || *c == '-' ? "%c" : "%%%02x", *c);
	snprintf(name + n, len - n, "%s", suffix);
}

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= n;
		}
	}
	return fsync(fd) ? -errno : 0;
}

static int replace(int dir, const struct lu *lu, const void *data, size_t len)
{
	char name[NAME_MAX], temp[NAME_MAX];
	int fd, ret;

	file_name(lu, "", name, sizeof(name));
	file_name(lu, ".new", temp, sizeof(temp));
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, data, len);
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && renameat(dir, temp, dir, name))
		ret = -errno;
	if (!ret && fsync(dir))
		ret = -errno;
	return ret;
}

int reservations_save(const struct lu *lu, const void *data, size_t len)
{
	const char *path = lu->target->d->conf->state_dir;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = dir < 0 ? -errno : replace(dir, lu, data, len);

	if (dir >= 0)
		close(dir);
	if (ret)
		log_error("%s: the persistent reservations of LUN %u cannot be saved: %s", path, lu->conf->lun,
			  strerror(-ret));
	return ret;
}

static int read_all(const char *path, char *data, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	ssize_t n;

	*len = 0;
	if (fd < 0)
		return -errno;
	while (*len < MAX_LEN) {
		n = read(fd, data + *len, MAX_LEN - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ret = -errno;
		if (n <= 0)
			break;
		*len += n;
	}
	close(fd);
	return ret;
}

int reservations_load(const struct lu *lu, char *error)
{
	char name[NAME_MAX], path[PATH_MAX], *data;
	size_t len;
	int ret;

	file_name(lu, "", name, sizeof(name));
	snprintf(path, sizeof(path), "%s/%s", lu->target->d->conf->state_dir, name);
	data = malloc(MAX_LEN);
	if (!data)
		return backend_fail(lu->conf, error, -ENOMEM, "no memory");
	ret = read_all(path, data, &len);
	if (ret == -ENOENT)
		ret = 0;
	else if (ret)
		backend_fail(lu->conf, error, ret, "%s: %s", path, strerror(-ret));
	else
		ret = scsi_lu_load_reservations(lu->scsi, data, len);
	if (ret == -ENOMEM)
		backend_fail(lu->conf, error, ret, "no memory");
	else if (ret == -EINVAL)
		backend_fail(lu->conf, error, ret, "%s is damaged: without it, whom the disk is reserved for is not "
			     "known. Remove the file if nobody needs the reservation", path);
	free(data);
	return ret;
}
