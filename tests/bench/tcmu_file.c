// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A file behind LIO's TCMU, for comparison: the same as srp_tgtd with a file, by the other way into user space.
 *
 *	tcmu_file UIO FILE	UIO: the device of a LUN that is configured already, as /dev/uio0
 *
 * So that nothing but the way differs, the SCSI engine is that of srp_tgtd, and I/O is by io_uring and O_DIRECT
 * too. It is not slower than TCMU has to be: reads and writes go straight to and from the data area that the kernel
 * shares, commands are answered in any order, all that have ended by one call, and nobody sleeps while there
 * is something in the ring.
 *
 * The place of an answer in the ring is that of the oldest entry, whoever it was for. So what is
 * needed of an entry is copied as soon as it is seen.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
/* The kernel's has the same members, and the same name. */
#define iovec ring_iovec
#include <linux/target_core_user.h>
#undef iovec

#include "scsi.h"

#define NR_CMDS		256
#define MAX_IOV		512	/* more than 1 MiB in single pages */
#define PAGE		4096u

/**
 * struct cmd - a command
 * @id: in the ring
 * @direct: READ or WRITE, from or to the data area
 * @len: bytes of @iov
 * @next: free ones
 */
struct cmd {
	struct scsi_task	task;
	uint16_t		id;
	bool			direct;
	size_t			len;
	unsigned int		nr_iov;
	struct iovec		iov[MAX_IOV];
	struct cmd		*next;
};

static struct tcmu_mailbox *mb;
static uint32_t seen;		/* entries up to here were looked at */
static int uio_fd, file_fd;
static struct io_uring uring;
static struct scsi_nexus *nexus;
static struct cmd *free_cmds;
static bool answered, armed;

static struct tcmu_cmd_entry *entry_at(uint32_t pos)
{
	return (void *)((char *)mb + mb->cmdr_off + pos);
}

static uint32_t next_pos(uint32_t pos)
{
	return (pos + tcmu_hdr_get_len(entry_at(pos)->hdr.len_op)) % mb->cmdr_size;
}

/* ---- answers ------------------------------------------------------------------------------------ */

static void copy(struct cmd *c, size_t len, bool in)
{
	uint8_t *p = c->task.buf;
	size_t n;

	for (unsigned int i = 0; len && i < c->nr_iov; i++, p += n, len -= n) {
		n = c->iov[i].iov_len < len ? c->iov[i].iov_len : len;
		if (in)
			memcpy(c->iov[i].iov_base, p, n);
		else
			memcpy(p, c->iov[i].iov_base, n);
	}
}

static void answer(struct cmd *c)
{
	struct scsi_task *t = &c->task;
	uint32_t pos = mb->cmd_tail;
	struct tcmu_cmd_entry *e;

	while (tcmu_hdr_get_op(entry_at(pos)->hdr.len_op) != TCMU_OP_CMD)
		pos = next_pos(pos);
	e = entry_at(pos);
	e->hdr.cmd_id = c->id;
	e->hdr.uflags = 0;
	e->rsp.scsi_status = t->status;
	memcpy(e->rsp.sense_buffer, t->sense, t->sense_len);
	if (!c->direct && t->in_len) {
		copy(c, t->in_len, true);
		e->hdr.uflags = TCMU_UFLAG_READ_LEN;
		e->rsp.read_len = t->in_len;
	}
	__atomic_store_n(&mb->cmd_tail, next_pos(pos), __ATOMIC_RELEASE);
	answered = true;
	scsi_task_end(t);
	free(t->buf);
	c->next = free_cmds;
	free_cmds = c;
}

static void notify(void)
{
	uint32_t one = 1;

	if (answered && write(uio_fd, &one, sizeof(one)) != sizeof(one))
		err(1, "write to the UIO device");
	answered = false;
}

/* ---- the walk of a command ---------------------------------------------------------------------- */

static bool is_read_write(const uint8_t *cdb)
{
	switch (cdb[0] & 0x1f) {
	case 0x08:	/* READ(6), (10), (12), (16) */
	case 0x0a:	/* WRITE */
		return cdb[0] >> 5 <= 1 || cdb[0] >> 5 >= 4;
	default:
		return false;
	}
}

/* What is rare is done on the spot. */
static int io_now(struct scsi_task *t)
{
	const struct scsi_io *io = &t->io;
	ssize_t ret = -1;

	if (io->op == SCSI_IO_FLUSH)
		return fdatasync(file_fd) ? -errno : 0;
	if (io->op == SCSI_IO_READ)
		ret = pread(file_fd, t->buf + io->buf_off, io->len, io->off);
	else if (io->op == SCSI_IO_WRITE)
		ret = pwrite(file_fd, t->buf + io->buf_off, io->len, io->off);
	return ret == (ssize_t)io->len ? 0 : -EIO;
}

static void io_later(struct cmd *c)
{
	const struct scsi_io *io = &c->task.io;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);

	if (!sqe)
		errx(1, "more requests than commands");
	if (io->op == SCSI_IO_READ)
		io_uring_prep_readv(sqe, file_fd, c->iov, c->nr_iov, io->off);
	else
		io_uring_prep_writev(sqe, file_fd, c->iov, c->nr_iov, io->off);
	if (io->op == SCSI_IO_WRITE && io->fua)
		sqe->rw_flags = RWF_DSYNC;
	io_uring_sqe_set_data(sqe, c);
}

static void go(struct cmd *c, enum scsi_step step)
{
	struct scsi_task *t = &c->task;

	for (;;) {
		if (!c->direct && !t->buf && t->need_len) {
			t->buf = aligned_alloc(PAGE, (t->need_len + PAGE - 1) / PAGE * PAGE);
			if (!t->buf)
				errx(1, "no memory");
		}
		switch (step) {
		case SCSI_FETCH:
			if (!c->direct)
				copy(c, t->fetch_len, false);
			step = scsi_data(t);
			break;
		case SCSI_FILL:
			step = scsi_fill(t);
			break;
		case SCSI_IO:
			if (c->direct) {
				io_later(c);
				return;
			}
			step = scsi_io_done(t, io_now(t));
			break;
		case SCSI_WAIT:
			errx(1, "a command waits for another, though each ends on the spot");
		case SCSI_RESPOND:
			answer(c);
			return;
		}
	}
}

static void begin(const struct tcmu_cmd_entry *e)
{
	struct cmd *c = free_cmds;

	free_cmds = c->next;
	memset(&c->task, 0, sizeof(c->task));
	c->id = e->hdr.cmd_id;
	c->nr_iov = e->req.iov_cnt;
	if (c->nr_iov > MAX_IOV)
		errx(1, "a command has %u pieces of data", c->nr_iov);
	c->len = 0;
	for (unsigned int i = 0; i < c->nr_iov; i++) {
		c->iov[i].iov_base = (char *)mb + (uintptr_t)e->req.iov[i].iov_base;
		c->iov[i].iov_len = e->req.iov[i].iov_len;
		c->len += c->iov[i].iov_len;
	}
	c->task.nexus = nexus;
	/* Whose length it is not known: a CDB takes no more. */
	c->task.cdb_len = 16;
	memcpy(c->task.cdb, (char *)mb + e->req.cdb_off, c->task.cdb_len);
	c->task.data_out_len = c->len;
	c->task.data_in_len = c->len;
	c->direct = is_read_write(c->task.cdb);
	go(c, scsi_begin(&c->task));
}

/* Return: whether there was one. */
static bool take_commands(void)
{
	struct tcmu_cmd_entry *e;
	bool any = false;

	while (free_cmds && seen != __atomic_load_n(&mb->cmd_head, __ATOMIC_ACQUIRE)) {
		e = entry_at(seen);
		/* Its length, before its place can be that of an answer. */
		seen = next_pos(seen);
		if (tcmu_hdr_get_op(e->hdr.len_op) == TCMU_OP_CMD)
			begin(e);
		any = true;
	}
	return any;
}

/* ---- the loop ----------------------------------------------------------------------------------- */

static void poll_uio(void)
{
	struct io_uring_sqe *sqe = armed ? NULL : io_uring_get_sqe(&uring);

	if (!sqe)
		return;
	io_uring_prep_poll_add(sqe, uio_fd, POLLIN);
	io_uring_sqe_set_data(sqe, NULL);
	armed = true;
}

static void completed(const struct io_uring_cqe *cqe)
{
	struct cmd *c = io_uring_cqe_get_data(cqe);
	uint32_t events;
	int error;

	if (!c) {
		armed = false;
		if (read(uio_fd, &events, sizeof(events)) != sizeof(events))
			err(1, "read from the UIO device");
		return;
	}
	error = cqe->res < 0 ? cqe->res : 0;
	/* It may have been cut short, which a file that has its size is not. */
	if (!error && (size_t)cqe->res != c->task.io.len)
		error = -EIO;
	go(c, scsi_io_done(&c->task, error));
}

static void loop(void)
{
	struct io_uring_cqe *cqe, seen_cqe;
	bool busy;
	int ret;

	for (;;) {
		busy = take_commands();
		if (!busy)
			poll_uio();
		ret = io_uring_submit_and_wait(&uring, !busy);
		if (ret < 0 && ret != -EINTR)
			errx(1, "io_uring: %s", strerror(-ret));
		while (!io_uring_peek_cqe(&uring, &cqe)) {
			seen_cqe = *cqe;
			io_uring_cqe_seen(&uring, cqe);
			completed(&seen_cqe);
		}
		notify();
	}
}

/* ---- start -------------------------------------------------------------------------------------- */

static void map_uio(const char *path)
{
	const char *name = strrchr(path, '/');
	char attr[128];
	size_t len;
	FILE *f;

	snprintf(attr, sizeof(attr), "/sys/class/uio/%s/maps/map0/size", name ? name + 1 : path);
	f = fopen(attr, "r");
	if (!f || fscanf(f, "%zx", &len) != 1)
		err(1, "%s", attr);
	fclose(f);
	uio_fd = open(path, O_RDWR | O_CLOEXEC);
	if (uio_fd < 0)
		err(1, "%s", path);
	mb = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, uio_fd, 0);
	if (mb == MAP_FAILED)
		err(1, "mmap of %s", path);
	if (mb->version != TCMU_MAILBOX_VERSION || !(mb->flags & TCMU_MAILBOX_FLAG_CAP_OOOC))
		errx(1, "%s: is not TCMU, or an old one", path);
	seen = mb->cmd_tail;
}

static void make_lun(const char *path)
{
	static const struct scsi_lu_ops ops;
	struct scsi_lu_config config = {
		.block_size = 512,
		.vendor = "TCMU",
		.product = "FILE",
		.serial = "1",
		.max_xfer = 16 << 20,
		.write_cache = true,
	};
	static const uint8_t port[16];
	struct scsi_target *target = scsi_target_new();
	struct stat st;

	file_fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (file_fd < 0 || fstat(file_fd, &st))
		err(1, "%s", path);
	config.size = st.st_size;
	if (!target || !scsi_target_add(target, 0, &config, &ops, NULL))
		err(1, "%s as a logical unit", path);
	nexus = scsi_nexus_new(target, port, port);
	if (!nexus)
		errx(1, "no memory");
}

int main(int argc, char **argv)
{
	struct cmd *cmds = calloc(NR_CMDS, sizeof(*cmds));
	int ret;

	if (argc != 3)
		errx(2, "usage: tcmu_file UIO FILE");
	if (!cmds)
		errx(1, "no memory");
	for (unsigned int i = 0; i < NR_CMDS; i++) {
		cmds[i].next = free_cmds;
		free_cmds = &cmds[i];
	}
	map_uio(argv[1]);
	make_lun(argv[2]);
	ret = io_uring_queue_init(2 * NR_CMDS, &uring, 0);
	if (ret)
		errx(1, "io_uring: %s", strerror(-ret));
	loop();
}
