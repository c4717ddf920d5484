/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where the data of a logical unit is: memory, a file, or a block device.
 *
 * An I/O is a row of requests to io_uring: prep() fills one in, complete() takes its result and says
 * whether that was the last. A backend that does an I/O at once has run() instead.
 */
#ifndef TGTD_BACKEND_H
#define TGTD_BACKEND_H

#include <liburing.h>

#include "config.h"

struct backend;

/**
 * struct io - an I/O under way
 * @op: what to do, and the next five as in struct scsi_io
 * @buf: READ and WRITE: the data
 * @fixed: @buf is in the memory that io_uring knows as buffer 0
 * @stop: no further request: it is being aborted
 * @error: result: 0 or a negative errno
 * @done: bytes, of the backend
 * @method: how, of the backend
 */
struct io {
	struct backend	*be;
	enum scsi_io_op	op;
	uint64_t	off;
	uint64_t	len;
	bool		fua;
	bool		unmap;
	uint8_t		*buf;
	bool		fixed;
	bool		stop;
	int		error;
	uint64_t	done;
	unsigned int	method;
};

/**
 * struct backend_ops - what a kind of backend can do
 * @run: do all of it, and set io->error; or NULL
 * @prep: the next request; sets all but user_data
 * @complete: the request has ended with @res. Return: true: so has the I/O, with io->error
 * @size: bytes that there are now; a negative errno
 * @grow: make it longer; NULL: cannot be done
 * @close: no I/O is under way
 */
struct backend_ops {
	void	(*run)(struct backend *be, struct io *io);
	void	(*prep)(struct backend *be, struct io *io, struct io_uring_sqe *sqe);
	bool	(*complete)(struct backend *be, struct io *io, int res);
	int	(*size)(struct backend *be, uint64_t *size);
	int	(*grow)(struct backend *be, uint64_t size);
	void	(*close)(struct backend *be);
};

/**
 * struct backend - an open one; kinds embed it
 * @ops: of its kind
 * @discard_zeros: see struct scsi_lu_config
 * @opt_xfer: likewise
 */
struct backend {
	const struct backend_ops	*ops;
	bool				discard_zeros;
	uint32_t			opt_xfer;
};

/**
 * backend_open() - take hold of what a logical unit is made of
 * @conf: which
 * @be: result
 * @size: result: bytes, whole blocks
 * @error: CONFIG_ERROR_LEN bytes
 *
 * Return: 0; -EWOULDBLOCK: somebody else has a lock on it; or another negative errno. @error says more.
 */
int backend_open(const struct lun_config *conf, struct backend **be, uint64_t *size, char *error);
void backend_close(struct backend *be);

/**
 * backend_size() - how large it is by now
 * @be: the backend
 * @conf: has the size to grow to, if any
 * @size: result: bytes, whole blocks
 * @error: CONFIG_ERROR_LEN bytes
 */
int backend_size(struct backend *be, const struct lun_config *conf, uint64_t *size, char *error);

/* The kinds. Return: as backend_open(). */
int backend_memory_open(const struct lun_config *conf, struct backend **be, char *error);
int backend_file_open(const struct lun_config *conf, struct backend **be, char *error);

/* For the kinds. Return: @code. */
__attribute__((format(printf, 4, 5)))
int backend_fail(const struct lun_config *conf, char *error, int code, const char *fmt, ...);

#endif /* TGTD_BACKEND_H */
