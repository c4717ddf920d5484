// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Registered memory: what may be, what it is charged to, and what happens when it goes away too early. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"

#define PAGE	4096u
#define LEN	(64u << 10)

static void *map(size_t len, int flags, int fd)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);

	check(p != MAP_FAILED, "mmap: %s", strerror(errno));
	return p;
}

static void *map_anonymous(size_t len)
{
	return map(len, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* A number from a file of "name value" lines. */
static long number(const char *path, const char *name)
{
	const size_t len = strlen(name);
	FILE *file = fopen(path, "r");
	char line[256];
	long n = -1;

	check(file, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, len) && sscanf(line + len, " %ld", &n) == 1)
			break;
	fclose(file);
	check(n >= 0, "%s: no %s", path, name);
	return n;
}

/* Pages that somebody has pinned now. */
static long pinned(void)
{
	char c;
	int fd = open("/proc/sys/vm/stat_refresh", O_RDONLY);

	/* Each CPU keeps some to itself, until it is asked; one alone does not, and there is no such file. */
	if (fd >= 0) {
		check(read(fd, &c, 1) >= 0, "stat_refresh: %s", strerror(errno));
		close(fd);
	}
	return number("/proc/vmstat", "nr_foll_pin_acquired") - number("/proc/vmstat", "nr_foll_pin_released");
}

static long pins_before;

static bool pins_are_gone(void *arg)
{
	(void)arg;
	return pinned() <= pins_before;
}

static bool nothing_locked(void *arg)
{
	(void)arg;
	return !number("/proc/self/status", "VmLck:");
}

/* ---- what may be registered ------------------------------------------------------------------------------------- */

static void expect_refused(struct daemon *d, void *addr, __u64 len, int error, const char *what)
{
	__u32 id;
	int ret = reg_buf(d, addr, len, &id);

	check(ret == error, "%s: %s instead of %s", what, ret ? strerror(-ret) : "taken", strerror(-error));
}

static void bad_ranges(void)
{
	struct daemon *d = daemon_setup(&(struct options) { 0 });
	u8 *p = map_anonymous(4 * PAGE);

	expect_refused(d, p + 1, PAGE, -EINVAL, "unaligned address");
	expect_refused(d, p, PAGE + 1, -EINVAL, "unaligned length");
	expect_refused(d, p, 0, -EINVAL, "no length");
	expect_refused(d, p, -(__u64)PAGE, -EINVAL, "a range that wraps");
	expect_refused(d, p, 1ULL << 63, -EINVAL, "half of all addresses");
	munmap(p + 2 * PAGE, PAGE);
	expect_refused(d, p, 4 * PAGE, -EFAULT, "a hole");
	expect_refused(d, NULL, PAGE, -EFAULT, "no memory");
	check(!mprotect(p, PAGE, PROT_READ), "mprotect: %s", strerror(errno));
	expect_refused(d, p, PAGE, -EFAULT, "what cannot be written");
	expect_refused(d, d->head[0], PAGE, -EOPNOTSUPP, "the ring");
	check(number("/proc/self/status", "VmLck:") == 0, "something is charged");
	munmap(p, 2 * PAGE);
	munmap(p + 3 * PAGE, PAGE);
}

/* More than there can be: refused without an attempt to allocate for it. */
static void absurd_lengths(void)
{
	struct daemon *d = daemon_setup(&(struct options) { 0 });
	void *p = map_anonymous(PAGE);
	int shift, ret;
	__u32 id;

	for (shift = 31; shift < 47; shift++) {
		ret = reg_buf(d, p, 1ULL << shift, &id);
		check(ret == -EFAULT || ret == -ENOMEM || ret == -EINVAL, "2^%d bytes: %s", shift,
		      ret ? strerror(-ret) : "taken");
	}
	munmap(p, PAGE);
}

static void kinds(void)
{
	struct daemon *d = daemon_setup(&(struct options) { 0 });
	void *p = map(LEN, MAP_SHARED | MAP_ANONYMOUS, -1);
	int fd = syscall(SYS_memfd_create, "tgt", 0), ret;
	__u32 id, other;

	check(fd >= 0 && !ftruncate(fd, LEN), "memfd: %s", strerror(errno));
	ret = reg_buf(d, p, LEN, &id);
	check(!ret, "shared memory: %s", strerror(-ret));
	munmap(p, LEN);
	p = map(LEN, MAP_SHARED, fd);
	close(fd);
	ret = reg_buf(d, p, LEN, &other);
	munmap(p, LEN);
	check(!ret && other != id, "a memfd: %s", strerror(-ret));
	ret = unreg_buf(d, id);
	check(!ret, "unregister: %s", strerror(-ret));
	check(unreg_buf(d, id) == -ENOENT, "unregistered twice");
	check(unreg_buf(d, 0) == -ENOENT && unreg_buf(d, ~0u) == -ENOENT, "unregistered what is nobody's");
}

static void mapped_file(void)
{
	struct daemon *d = daemon_setup(&(struct options) { 0 });
	int fd, ret;
	__u32 id;
	void *p;

	if (!conf.file)
		skip("no --file");
	fd = open(conf.file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	check(fd >= 0 && !ftruncate(fd, LEN), "%s: %s", conf.file, strerror(errno));
	p = map(LEN, MAP_SHARED, fd);
	memset(p, 1, LEN);
	ret = reg_buf(d, p, LEN, &id);
	munmap(p, LEN);
	/* Newer kernels themselves pin no such page for long. */
	check(ret == -EOPNOTSUPP || ret == -EFAULT, "a mapped file: %s", ret ? strerror(-ret) : "taken");
	/* A private copy is memory like other. */
	p = map(LEN, MAP_PRIVATE, fd);
	close(fd);
	memset(p, 2, LEN);
	ret = reg_buf(d, p, LEN, &id);
	munmap(p, LEN);
	check(!ret, "a private mapping: %s", strerror(-ret));
}

/* ---- what it is charged to -------------------------------------------------------------------------------------- */

static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	check(!syscall(SYS_capset, &head, none), "capset: %s", strerror(errno));
}

static void __attribute__((noreturn)) use_up_limit(void)
{
	const struct rlimit limit = { 8 * PAGE, 8 * PAGE };
	struct daemon *d = daemon_setup(&(struct options) { 0 });
	void *p = map_anonymous(16 * PAGE);
	__u32 a, b;

	check(!setrlimit(RLIMIT_MEMLOCK, &limit), "setrlimit: %s", strerror(errno));
	drop_capabilities();
	expect_refused(d, p, 9 * PAGE, -ENOMEM, "more than RLIMIT_MEMLOCK");
	check(!reg_buf(d, p, 6 * PAGE, &a), "less than RLIMIT_MEMLOCK is refused");
	check(number("/proc/self/status", "VmLck:") == 6 * PAGE / 1024, "VmLck: %ld KiB",
	      number("/proc/self/status", "VmLck:"));
	expect_refused(d, p, 3 * PAGE, -ENOMEM, "more than is left");
	check(!reg_buf(d, p, 2 * PAGE, &b), "what is left is refused");
	check(!unreg_buf(d, a) && !unreg_buf(d, b), "unregister");
	wait_until(nothing_locked, NULL, "the charge to be taken back");
	check(!reg_buf(d, p, 8 * PAGE, &a), "the limit is not given back");
	_exit(0);
}

static void limit(void)
{
	pid_t pid = start_child();

	if (!pid)
		use_up_limit();
	check(!end_of_child(pid), "see above");
}

/* ---- memory that goes away -------------------------------------------------------------------------------------- */

/* A daemon's second buffer, private, and filled. */
static void *more_memory(struct daemon *d, __u32 *id)
{
	void *p = map_anonymous(LEN);
	int ret;

	pins_before = pinned();
	fill(p, LEN, 6);
	ret = reg_buf(d, p, LEN, id);
	check(!ret, "TGT_IOC_REG_BUF: %s", strerror(-ret));
	check(pinned() == pins_before + LEN / PAGE, "%ld pages are pinned", pinned() - pins_before);
	return p;
}

/* As long as the initiator posts no receive the command does not end. */
static void gone_while_data_moves(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login_opts(d, 1, &no_receives);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1, .len = LEN });
	struct tgt_answer ans;
	__u32 id;
	void *p = more_memory(d, &id);

	ans = read_data(d, &req, 0, LEN);
	ans.cmd_rsp.buf_id = id;
	must_answer(d, ans);
	check(!unreg_buf(d, id), "unregister");
	munmap(p, LEN);
	check(!pins_are_gone(NULL), "unpinned, though it is in use");
	check(!srpi_post_recvs(n->ch), "receives cannot be posted");
	expect_status(n, 1, GOOD);
	expect_filled(n->mem.addr, LEN, 6, "data-in");
	expect_done(d, &req, TGT_DONE_OK);
	wait_until(pins_are_gone, NULL, "pages to be unpinned");
	expect_idle(d, n);
}

/* The HCA writes to what nobody has mapped any more. */
static void gone_while_data_comes(bool unmap)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req;
	struct tgt_answer ans;
	__u32 id, i;
	void *p;

	fill(n->mem.addr, LEN, 8);
	for (i = 0; i < 20; i++) {
		req = submit(d, n, &(struct io) { .tag = 1, .len = LEN, .write = true });
		p = more_memory(d, &id);
		ans = write_data(d, &req, 0, LEN);
		ans.cmd_rsp.buf_id = id;
		must_answer(d, ans);
		check(!unmap || !unreg_buf(d, id), "unregister");
		if (unmap)
			munmap(p, LEN);
		else
			check(!madvise(p, LEN, MADV_DONTNEED), "madvise: %s", strerror(errno));
		expect_status(n, 1, GOOD);
		expect_done(d, &req, TGT_DONE_OK);
		if (!unmap) {
			check(!*(u8 *)p && !memcmp(p, (u8 *)p + 1, LEN - 1), "data in a page that is not registered");
			check(!unreg_buf(d, id), "unregister");
			munmap(p, LEN);
		}
		wait_until(pins_are_gone, NULL, "pages to be unpinned");
	}
	expect_idle(d, n);
}

static void unmapped_while_data_comes(void)
{
	gone_while_data_comes(true);
}

static void dropped_while_data_comes(void)
{
	gone_while_data_comes(false);
}

/* A child that has a copy of the memory does not see what comes, and its parent does. */
static void fork_in_between(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1, .len = LEN, .write = true });
	struct tgt_answer ans;
	int go[2];
	__u32 id;
	void *p = more_memory(d, &id);
	pid_t pid;

	check(!pipe(go), "pipe");
	pid = start_child();
	if (!pid) {
		char c;

		close(go[1]);
		check(!read(go[0], &c, 1), "read");
		expect_filled(p, LEN, 6, "the child's copy");
		_exit(0);
	}
	fill(n->mem.addr, LEN, 9);
	ans = write_data(d, &req, 0, LEN);
	ans.cmd_rsp.buf_id = id;
	must_answer(d, ans);
	expect_status(n, 1, GOOD);
	expect_filled(p, LEN, 9, "data-out");
	close(go[1]);
	close(go[0]);
	check(!end_of_child(pid), "see above");
	expect_done(d, &req, TGT_DONE_OK);
}

const struct test memory_tests[] = {
	{ "B-01 ranges that are refused", bad_ranges },
	{ "B-02 absurd lengths", absurd_lengths },
	{ "B-03 kinds of memory", kinds },
	{ "B-04 a mapped file", mapped_file },
	{ "B-05 RLIMIT_MEMLOCK", limit },
	{ "B-06 unregistered and unmapped while data moves", gone_while_data_moves },
	{ "B-07 unmapped while data comes", unmapped_while_data_comes },
	{ "B-08 dropped while data comes", dropped_while_data_comes },
	{ "B-09 fork", fork_in_between },
	{ }
};
