/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Inside of libtgt. */
#ifndef LIBTGT_PRIV_H
#define LIBTGT_PRIV_H

#include <pthread.h>

#include "libtgt.h"

/**
 * struct ring - our side of a ring pair
 * @ev_cons: events read; the one in shared memory is for the kernel
 * @ans_prod: answers written, likewise
 * @error: of the first answer without effect since tgt_submit() has told of one
 */
struct ring {
	struct tgt_ring		*head;
	struct tgt_event	*events;
	struct tgt_answer	*answers;
	size_t			size;
	uint32_t		ev_slots;
	uint32_t		ans_slots;
	uint32_t		ev_cons;
	uint32_t		ans_prod;
	int			eventfd;
	int			error;
};

struct buf {
	struct buf	*next;
	uint32_t	id;
	void		*addr;
	size_t		len;
};

/**
 * struct tgt - an open device
 * @lock: protects @bufs
 */
struct tgt {
	int		fd;
	uint32_t	nr_rings;
	struct ring	rings[TGT_MAX_RINGS];
	pthread_mutex_t	lock;
	struct buf	*bufs;
};

/* What tgt_error() says. Return: @error. */
__attribute__((format(printf, 2, 3))) int tgt_fail(int error, const char *fmt, ...);

/* The memory of all buffers goes; the device is closed. */
void tgt_unmap_all(struct tgt *tgt);

#endif /* LIBTGT_PRIV_H */
