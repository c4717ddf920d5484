// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A logical unit in a file or on a block device.
 *
 * I/O goes past the page cache (O_DIRECT) where the kernel can do that in blocks of the logical unit;
 * else, as on tmpfs, through it.
 *
 * There is one file descriptor, and a lock on it: requests that are still under way when a daemon dies
 * keep the file open, and so the lock. Who comes next and waits for it cannot be overtaken by an old write.
 *
 * Zeros are had by the first method that the file system or device knows: a hole, a range of zeros, or writing them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "list.h"

#define ZEROS_LEN	(256u << 10)

/* Of DISCARD and ZERO; on to the next if the kernel cannot. */
enum method {
	METHOD_HOLE,
	METHOD_RANGE,
	METHOD_WRITE,
	METHOD_SYNC,	/* after one of the others, if it must be durable */
};

struct file {
	struct backend	be;
	int		fd;
	bool		block;
};

static uint8_t zeros[ZEROS_LEN] __attribute__((aligned(4096)));

static void prep_rw(struct file *f, struct io *io, struct io_uring_sqe *sqe)
{
	uint8_t *buf = io->buf + io->done;
	uint64_t off = io->off + io->done;
	unsigned int len = io->len - io->done;

	if (io->op == SCSI_IO_READ) {
		if (io->fixed)
			io_uring_prep_read_fixed(sqe, f->fd, buf, len, off, 0);
		else
			io_uring_prep_read(sqe, f->fd, buf, len, off);
		return;
	}
	if (io->fixed)
		io_uring_prep_write_fixed(sqe, f->fd, buf, len, off, 0);
	else
		io_uring_prep_write(sqe, f->fd, buf, len, off);
	if (io->fua)
		sqe->rw_flags = RWF_DSYNC;
}

static void prep_zero(struct file *f, struct io *io, struct io_uring_sqe *sqe)
{
	uint64_t left = io->len - io->done;

	if (!io->done && io->method == METHOD_HOLE && io->op == SCSI_IO_ZERO && !io->unmap)
		io->method = METHOD_RANGE;
	switch (io->method) {
	case METHOD_HOLE:
		io_uring_prep_fallocate(sqe, f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, io->off, io->len);
		break;
	case METHOD_RANGE:
		io_uring_prep_fallocate(sqe, f->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, io->off, io->len);
		break;
	case METHOD_WRITE:
		io_uring_prep_write(sqe, f->fd, zeros, left < ZEROS_LEN ? left : ZEROS_LEN, io->off + io->done);
		break;
	case METHOD_SYNC:
		io_uring_prep_fsync(sqe, f->fd, IORING_FSYNC_DATASYNC);
		break;
	}
}

static void file_prep(struct backend *be, struct io *io, struct io_uring_sqe *sqe)
{
	struct file *f = container_of(be, struct file, be);

	switch (io->op) {
	case SCSI_IO_READ:
	case SCSI_IO_WRITE:
		prep_rw(f, io, sqe);
		break;
	case SCSI_IO_FLUSH:
		io_uring_prep_fsync(sqe, f->fd, IORING_FSYNC_DATASYNC);
		break;
	case SCSI_IO_DISCARD:
	case SCSI_IO_ZERO:
		prep_zero(f, io, sqe);
		break;
	}
}

/* Return: whether the I/O has ended, or the next request is due. */
static bool moved(struct io *io, int res)
{
	io->done += res;
	/* The file became shorter than the logical unit, or a write was refused without a reason. */
	if (!res)
		io->error = -EIO;
	return !res || io->done >= io->len;
}

static bool zeroed(struct file *f, struct io *io, int res)
{
	if (io->method < METHOD_WRITE && (res == -EOPNOTSUPP || res == -EINVAL)) {
		if (f->block && io->op == SCSI_IO_DISCARD)
			return true;
		io->method++;
		return false;
	}
	if (res < 0) {
		io->error = res;
		return true;
	}
	if (io->method == METHOD_SYNC || (io->method == METHOD_WRITE && !moved(io, res)))
		return io->method == METHOD_SYNC;
	if (io->error || !io->fua)
		return true;
	io->method = METHOD_SYNC;
	return false;
}

static bool file_complete(struct backend *be, struct io *io, int res)
{
	struct file *f = container_of(be, struct file, be);

	if (res == -EINTR || res == -EAGAIN)
		return false;
	if (io->op == SCSI_IO_DISCARD || io->op == SCSI_IO_ZERO)
		return zeroed(f, io, res);
	if (res < 0) {
		io->error = res;
		return true;
	}
	return io->op == SCSI_IO_FLUSH || moved(io, res);
}

static int file_size(struct backend *be, uint64_t *size)
{
	struct file *f = container_of(be, struct file, be);
	struct stat st;

	if (f->block)
		return ioctl(f->fd, BLKGETSIZE64, size) ? -errno : 0;
	if (fstat(f->fd, &st))
		return -errno;
	*size = st.st_size;
	return 0;
}

static int file_grow(struct backend *be, uint64_t size)
{
	struct file *f = container_of(be, struct file, be);

	if (f->block)
		return -EINVAL;
	return ftruncate(f->fd, size) ? -errno : 0;
}

static void file_close(struct backend *be)
{
	struct file *f = container_of(be, struct file, be);

	close(f->fd);
	free(f);
}

static const struct backend_ops file_ops = {
	.prep = file_prep,
	.complete = file_complete,
	.size = file_size,
	.grow = file_grow,
	.close = file_close,
};

/* ---- open --------------------------------------------------------------------------------------- */

static int open_path(const struct lun_config *conf, char *error)
{
	/* What is configured with a size may be made here. */
	int flags = O_CLOEXEC | (conf->scsi.read_only ? O_RDONLY : O_RDWR | (conf->size ? O_CREAT : 0));
	int fd = open(conf->path, flags, 0600);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
		return backend_fail(conf, error, -ENOENT, "%s: make it, or set a size", strerror(errno));
	case EROFS:
	case EACCES:
	case EPERM:
		return backend_fail(conf, error, -errno, "%s: let the daemon have it, or set read_only = true",
				    strerror(errno));
	default:
		return backend_fail(conf, error, -errno, "%s", strerror(errno));
	}
}

static int check_kind(const struct lun_config *conf, struct file *f, char *error)
{
	struct stat st;
	int block = 0;

	if (fstat(f->fd, &st))
		return backend_fail(conf, error, -errno, "%s", strerror(errno));
	f->block = S_ISBLK(st.st_mode);
	if (conf->type == BACKEND_BLOCK && !f->block)
		return backend_fail(conf, error, -EINVAL, "is no block device: set backend = \"file\"");
	if (conf->type == BACKEND_FILE && !S_ISREG(st.st_mode))
		return backend_fail(conf, error, -EINVAL, "is no regular file%s",
				    f->block ? ": set backend = \"block\"" : "");
	if (f->block && ioctl(f->fd, BLKSSZGET, &block))
		return backend_fail(conf, error, -errno, "%s", strerror(errno));
	if (f->block && (uint32_t)block > conf->scsi.block_size)
		return backend_fail(conf, error, -EINVAL, "has blocks of %d bytes: set block_size = %d", block, block);
	return 0;
}

static int lock(const struct lun_config *conf, int fd, char *error)
{
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	return backend_fail(conf, error, -errno, errno == EWOULDBLOCK ?
			    "another program has a lock on it, maybe I/O of an earlier srp_tgtd that is not over yet" :
			    "cannot be locked: %s", strerror(errno));
}

/* What O_DIRECT wants of offsets, or 0: unknown. */
static uint32_t direct_align(const struct file *f)
{
#ifdef STATX_DIOALIGN
	struct statx stx;

	if (!f->block && !statx(f->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) && stx.stx_mask & STATX_DIOALIGN)
		return stx.stx_dio_offset_align ? stx.stx_dio_offset_align : UINT32_MAX;
#endif
	return 0;
}

/* A trial of one block tells what a kernel without STATX_DIOALIGN does. */
static void set_direct(const struct lun_config *conf, struct file *f)
{
	int flags = fcntl(f->fd, F_GETFL);
	uint8_t block[8192], *aligned = (void *)(((uintptr_t)block + 4095) & ~(uintptr_t)4095);

	if (direct_align(f) > conf->scsi.block_size || fcntl(f->fd, F_SETFL, flags | O_DIRECT))
		return;
	if (pread(f->fd, aligned, conf->scsi.block_size == 512 ? 512 : 4096, conf->scsi.block_size) < 0)
		fcntl(f->fd, F_SETFL, flags);
}

int backend_file_open(const struct lun_config *conf, struct backend **be, char *error)
{
	struct file *f = calloc(1, sizeof(*f));
	int ret;

	if (!f)
		return backend_fail(conf, error, -ENOMEM, "no memory");
	f->be.ops = &file_ops;
	f->fd = ret = open_path(conf, error);
	if (f->fd >= 0) {
		ret = check_kind(conf, f, error);
		if (!ret)
			ret = lock(conf, f->fd, error);
		if (ret)
			close(f->fd);
	}
	if (ret) {
		free(f);
		return ret;
	}
	set_direct(conf, f);
	/* A device may take a discard as no more than advice. */
	f->be.discard_zeros = !f->block;
	*be = &f->be;
	return 0;
}
