// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * See libtgt.h. Opens /dev/tgt, makes the rings, binds targets.
 *
 * What goes through the rings is in ring.c, memory for data in buf.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libtgt_priv.h"

#define DEFAULT_SLOTS	1024

static __thread char error_text[256];

const char *tgt_error(void)
{
	return error_text;
}

int tgt_fail(int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error_text, sizeof(error_text), fmt, args);
	va_end(args);
	return error;
}

static int open_device(struct tgt *tgt, const char *path)
{
	tgt->fd = open(path, O_RDWR | O_CLOEXEC);
	if (tgt->fd >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return tgt_fail(-errno, "%s: %s: load the kernel module scsi_tgt", path, strerror(errno));
	case EACCES:
	case EPERM:
		return tgt_fail(-errno, "%s: %s: run as root, or as a user who may open it", path, strerror(errno));
	default:
		return tgt_fail(-errno, "%s: %s", path, strerror(errno));
	}
}

static int set_up(struct tgt *tgt, const struct tgt_options *opt, struct tgt_setup *setup)
{
	uint32_t slots = opt->slots ? opt->slots : DEFAULT_SLOTS;

	*setup = (struct tgt_setup) {
		.version = TGT_ABI_VERSION,
		.nr_rings = opt->nr_rings ? opt->nr_rings : 1,
		.ev_slots = slots,
		.ans_slots = slots,
		.timeout_ms = opt->timeout_ms,
		.recovery_ms = opt->recovery_ms,
	};
	if (setup->nr_rings > TGT_MAX_RINGS)
		return tgt_fail(-EINVAL, "%u rings: there can be 1 to %u", setup->nr_rings, TGT_MAX_RINGS);
	if (slots > TGT_MAX_SLOTS || slots & (slots - 1))
		return tgt_fail(-EINVAL, "%u slots: must be a power of two up to %u", slots, TGT_MAX_SLOTS);
	if (!ioctl(tgt->fd, TGT_IOC_SETUP, setup))
		return 0;
	if (errno == ENOTTY)
		return tgt_fail(-ENOTTY, "this is not /dev/tgt of the module scsi_tgt");
	if (errno == EINVAL)
		return tgt_fail(-EINVAL, "the module scsi_tgt refuses version %u of its interface, or the options: "
				"module and library must be of the same release", TGT_ABI_VERSION);
	return tgt_fail(-errno, "the rings cannot be made: %s", strerror(errno));
}

static int open_ring(struct tgt *tgt, uint32_t nr, const struct tgt_setup *setup)
{
	struct ring *r = &tgt->rings[nr];
	struct tgt_eventfd efd = { .ring = nr };
	void *addr;

	addr = mmap(NULL, setup->ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, tgt->fd, nr * setup->ring_size);
	if (addr == MAP_FAILED)
		return tgt_fail(-errno, "ring %u cannot be mapped: %s", nr, strerror(errno));
	madvise(addr, setup->ring_size, MADV_DONTFORK);
	r->size = setup->ring_size;
	r->head = addr;
	r->events = addr + setup->ev_off;
	r->answers = addr + setup->ans_off;
	r->ev_slots = setup->ev_slots;
	r->ans_slots = setup->ans_slots;
	r->ev_cons = r->head->ev_cons;
	r->ans_prod = r->head->ans_prod;

	r->eventfd = efd.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (efd.fd < 0 || ioctl(tgt->fd, TGT_IOC_EVENTFD, &efd))
		return tgt_fail(-errno, "eventfd of ring %u: %s", nr, strerror(errno));
	return 0;
}

int tgt_open(const struct tgt_options *opt, struct tgt **result)
{
	static const struct tgt_options defaults;
	struct tgt_setup setup;
	struct tgt *tgt;
	uint32_t i;
	int ret;

	if (!opt)
		opt = &defaults;
	tgt = calloc(1, sizeof(*tgt));
	if (!tgt)
		return tgt_fail(-ENOMEM, "no memory");
	pthread_mutex_init(&tgt->lock, NULL);
	ret = open_device(tgt, opt->device ? opt->device : "/dev/tgt");
	if (!ret)
		ret = set_up(tgt, opt, &setup);
	for (i = 0; !ret && i < setup.nr_rings; i++) {
		/* So that tgt_close() knows what is there. */
		tgt->rings[i].eventfd = -1;
		tgt->nr_rings = i + 1;
		ret = open_ring(tgt, i, &setup);
	}
	if (ret) {
		tgt_close(tgt);
		return ret;
	}
	*result = tgt;
	return 0;
}

/* The file first: as long as it is open the kernel uses what belongs to it. */
void tgt_close(struct tgt *tgt)
{
	uint32_t i;

	if (!tgt)
		return;
	for (i = 0; i < tgt->nr_rings; i++)
		if (tgt->rings[i].head)
			munmap(tgt->rings[i].head, tgt->rings[i].size);
	if (tgt->fd >= 0)
		close(tgt->fd);
	for (i = 0; i < tgt->nr_rings; i++)
		if (tgt->rings[i].eventfd >= 0)
			close(tgt->rings[i].eventfd);
	tgt_unmap_all(tgt);
	pthread_mutex_destroy(&tgt->lock);
	free(tgt);
}

/* ---- targets ------------------------------------------------------------------------------------ */

static int copy_initiators(char (*names)[TGT_NAME_LEN], const char *const *initiators, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (!initiators[i][0] || strlen(initiators[i]) >= TGT_NAME_LEN)
			return tgt_fail(-EINVAL, "initiator '%.80s': a name has 1 to %d characters", initiators[i],
					TGT_NAME_LEN - 1);
		strcpy(names[i], initiators[i]);
	}
	return 0;
}

static int bind_failed(int error, const char *port, uint64_t id_ext)
{
	const char *next = strerror(error);

	switch (error) {
	case EEXIST:
	case EBUSY:
	case EADDRINUSE:
		next = "another target, or another program, has it already";
		break;
	case ENODEV:
	case ENOENT:
	case ENOPROTOOPT:
		next = "nothing carries SRP: load the kernel module ib_srpt";
		break;
	case EINVAL:
		next = "the port must be a GUID or GID, and names of initiators as in an access control list";
		break;
	}
	return tgt_fail(-error, "target %016llx on %s%s: %s", (unsigned long long)id_ext, *port ? "port " : "all ports",
			port, next);
}

int tgt_bind(struct tgt *tgt, const char *port, uint64_t id_ext, const char *const *initiators, uint32_t nr,
	     uint32_t *target_id)
{
	struct tgt_bind bind = { .fabric = "srpt", .id_ext = id_ext, .nr_initiators = nr };
	char (*names)[TGT_NAME_LEN] = NULL;
	int ret = 0;

	if (port && strlen(port) >= sizeof(bind.port))
		return tgt_fail(-EINVAL, "port '%.80s': must have less than %zu characters", port, sizeof(bind.port));
	if (port)
		strcpy(bind.port, port);
	if (nr) {
		names = calloc(nr, sizeof(*names));
		if (!names)
			return tgt_fail(-ENOMEM, "no memory");
		ret = copy_initiators(names, initiators, nr);
	}
	bind.initiators = (uintptr_t)names;
	if (!ret && ioctl(tgt->fd, TGT_IOC_BIND, &bind))
		ret = bind_failed(errno, bind.port, id_ext);
	free(names);
	if (!ret)
		*target_id = bind.target_id;
	return ret;
}

int tgt_unbind(struct tgt *tgt, uint32_t target_id)
{
	__u32 id = target_id;

	if (ioctl(tgt->fd, TGT_IOC_UNBIND, &id))
		return tgt_fail(-errno, "target %u cannot be unbound: %s", target_id, strerror(errno));
	return 0;
}
