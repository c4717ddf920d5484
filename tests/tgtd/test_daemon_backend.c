// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Backends: each kind of I/O on memory and on a file, which is looked at behind the daemon's back; sizes and locks. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_tgt.h"

#define SIZE	(4u << 20)
#define PART	(64u << 10)

static char path[] = "/var/tmp/test_daemon_backend.XXXXXX";
static char error[CONFIG_ERROR_LEN];
static struct io_uring uring;
static uint8_t *buf;

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || close(fd))
		return -1;
	buf = aligned_alloc(4096, SIZE);
	return !buf || io_uring_queue_init(8, &uring, 0);
}

static int teardown(void **state)
{
	(void)state;
	io_uring_queue_exit(&uring);
	free(buf);
	return unlink(path);
}

static struct lun_config lun(enum backend_type type, uint64_t size)
{
	return (struct lun_config) {
		.type = type, .backend = "x", .path = type == BACKEND_MEMORY ? NULL : path, .size = size,
		.scsi.block_size = 512, .line = 9,
	};
}

static void empty_file(void)
{
	assert_int_equal(truncate(path, 0), 0);
}

/* What the thread does. Return: the result of the I/O. */
static int carry_out(struct backend *be, struct io io)
{
	struct io_uring_cqe *cqe;
	int res;

	io.be = be;
	if (be->ops->run) {
		be->ops->run(be, &io);
		return io.error;
	}
	do {
		be->ops->prep(be, &io, io_uring_get_sqe(&uring));
		assert_int_equal(io_uring_submit(&uring), 1);
		assert_int_equal(io_uring_wait_cqe(&uring, &cqe), 0);
		res = cqe->res;
		io_uring_cqe_seen(&uring, cqe);
	} while (!be->ops->complete(be, &io, res));
	return io.error;
}

static void expect(struct backend *be, uint64_t off, uint64_t len, uint8_t byte)
{
	uint64_t i;

	memset(buf, 0xee, len);
	assert_int_equal(carry_out(be, (struct io) { .op = SCSI_IO_READ, .off = off, .len = len, .buf = buf }), 0);
	for (i = 0; i < len; i++)
		assert_int_equal(buf[i], byte);
}

static void all_io(enum backend_type type)
{
	struct lun_config conf = lun(type, SIZE);
	struct backend *be;
	unsigned int way;
	uint64_t size;

	if (type == BACKEND_FILE)
		empty_file();
	assert_int_equal(backend_open(&conf, &be, &size, error), 0);
	assert_int_equal(size, SIZE);
	expect(be, 0, SIZE, 0);
	for (way = 0; way < 8; way++) {
		struct io io = { .off = 512, .len = SIZE - 1024, .fua = way & 1, .buf = buf };

		memset(buf, 0x5a, SIZE);
		io.op = SCSI_IO_WRITE;
		assert_int_equal(carry_out(be, io), 0);
		io.op = way & 2 ? SCSI_IO_ZERO : SCSI_IO_DISCARD;
		io.unmap = way & 4;
		io.off = PART + 512;
		io.len = PART * 3;
		assert_int_equal(carry_out(be, io), 0);
		assert_true(be->discard_zeros);
		expect(be, 0, 512, 0);
		expect(be, 512, PART, 0x5a);
		expect(be, PART + 512, PART * 3, 0);
		expect(be, PART * 4 + 512, PART, 0x5a);
		expect(be, SIZE - 512, 512, 0);
		assert_int_equal(carry_out(be, (struct io) { .op = SCSI_IO_FLUSH }), 0);
	}
	backend_close(be);
}

static void memory_io(void **state)
{
	(void)state;
	all_io(BACKEND_MEMORY);
}

static void file_io(void **state)
{
	(void)state;
	all_io(BACKEND_FILE);
}

/* Where neither holes nor ranges of zeros can be made, zeros are written. */
static void zeros_are_written(void **state)
{
	struct lun_config conf = lun(BACKEND_FILE, SIZE);
	struct io io = { .op = SCSI_IO_ZERO, .off = 512, .len = SIZE - 1024, .fua = true, .method = 2, .buf = buf };
	struct backend *be;
	uint64_t size;

	(void)state;
	empty_file();
	assert_int_equal(backend_open(&conf, &be, &size, error), 0);
	memset(buf, 0x5a, SIZE);
	assert_int_equal(carry_out(be, (struct io) { .op = SCSI_IO_WRITE, .len = SIZE, .buf = buf }), 0);
	assert_int_equal(carry_out(be, io), 0);
	expect(be, 0, 512, 0x5a);
	expect(be, 512, SIZE - 1024, 0);
	expect(be, SIZE - 512, 512, 0x5a);
	backend_close(be);
}

static void file_gets_shorter(void **state)
{
	struct lun_config conf = lun(BACKEND_FILE, SIZE);
	struct backend *be;
	uint64_t size;

	(void)state;
	empty_file();
	assert_int_equal(backend_open(&conf, &be, &size, error), 0);
	assert_int_equal(truncate(path, SIZE / 2), 0);
	assert_int_equal(carry_out(be, (struct io) { .op = SCSI_IO_READ, .len = SIZE, .buf = buf }), -EIO);
	backend_close(be);
}

static void sizes(void **state)
{
	struct lun_config conf = lun(BACKEND_FILE, 0);
	struct backend *be;
	uint64_t size;

	(void)state;
	empty_file();
	assert_int_equal(backend_open(&conf, &be, &size, error), -EINVAL);
	assert_non_null(strstr(error, "line 9"));
	assert_non_null(strstr(error, "it is empty"));
	assert_int_equal(truncate(path, 5000), 0);
	assert_int_equal(backend_open(&conf, &be, &size, error), 0);
	assert_int_equal(size, 4608);
	assert_int_equal(truncate(path, 10240), 0);
	assert_int_equal(backend_size(be, &conf, &size, error), 0);
	assert_int_equal(size, 10240);
	conf.size = 20480;
	assert_int_equal(backend_size(be, &conf, &size, error), 0);
	assert_int_equal(size, 20480);
	conf.size = 512;
	assert_int_equal(backend_size(be, &conf, &size, error), -EINVAL);
	assert_non_null(strstr(error, "data would be lost"));
	backend_close(be);
}

static void refused(void **state)
{
	struct lun_config conf = lun(BACKEND_BLOCK, 0);
	struct backend *be, *second;
	uint64_t size;
	int fd;

	(void)state;
	assert_int_equal(backend_open(&conf, &be, &size, error), -EINVAL);
	assert_non_null(strstr(error, "no block device"));
	conf = lun(BACKEND_FILE, 0);
	conf.path = "/var/tmp";
	assert_true(backend_open(&conf, &be, &size, error) < 0);
	conf.path = "/nonexistent/file";
	assert_int_equal(backend_open(&conf, &be, &size, error), -ENOENT);
	assert_non_null(strstr(error, "make it, or set a size"));
	conf = lun(BACKEND_FILE, SIZE);
	empty_file();
	assert_int_equal(backend_open(&conf, &be, &size, error), 0);
	assert_int_equal(backend_open(&conf, &second, &size, error), -EWOULDBLOCK);
	backend_close(be);
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(backend_open(&conf, &be, &size, error), -EWOULDBLOCK);
	assert_non_null(strstr(error, "has a lock on it"));
	close(fd);
	assert_int_equal(backend_open(&conf, &be, &size, error), 0);
	backend_close(be);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_io),
		cmocka_unit_test(file_io),
		cmocka_unit_test(zeros_are_written),
		cmocka_unit_test(file_gets_shorter),
		cmocka_unit_test(sizes),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
