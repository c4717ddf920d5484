// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A new configuration while the daemon runs: what comes, goes, grows; and what is refused and changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_tgt.h"

#define DISK	"/var/tmp/test_daemon_reload.disk"

static char error[CONFIG_ERROR_LEN];

static int apply(const char *text)
{
	struct config *c = load(text);
	int ret = daemon_apply(&fake_d, c, error);

	config_free(c);
	return ret;
}

/* As "1122: 0 1; 3344: 0;" */
static const char *running(void)
{
	static char text[256];
	struct list *node, *lun;
	size_t n = 0;

	text[0] = 0;
	list_for_each(node, &fake_d.targets) {
		struct target *t = container_of(node, struct target, node);

		if (t->leaving)
			continue;
		n += snprintf(text + n, sizeof(text) - n, "%s%llx:", n ? " " : "", (unsigned long long)t->conf->id_ext);
		list_for_each(lun, &t->lus)
			n += snprintf(text + n, sizeof(text) - n, " %u",
				      container_of(lun, struct lu, node)->conf->lun);
		n += snprintf(text + n, sizeof(text) - n, ";");
	}
	return text;
}

static struct target *target(void)
{
	return container_of(fake_d.targets.next, struct target, node);
}

static struct lu *lu(void)
{
	return container_of(target()->lus.next, struct lu, node);
}

#define T(id, luns)	"{ id_ext = \"" id "\"; luns = ( " luns " ); }"
#define M(lun)		"{ lun = " lun "; backend = \"memory\"; size = \"1M\"; }"
#define F(lun, more)	"{ lun = " lun "; backend = \"file\"; path = \"" DISK "\"; " more " }"
#define CONF(targets)	"targets = ( " targets " );"

static int setup(void **state)
{
	(void)state;
	fake_d = (struct daemon) { .conf = load(CONF(T("1", M("0")))) };
	pthread_mutex_init(&fake_d.lock, NULL);
	list_init(&fake_d.targets);
	list_init(&fake_d.leaving);
	unlink(DISK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	daemon_free_targets(&fake_d);
	config_free(fake_d.conf);
	unlink(DISK);
	return 0;
}

static void come_and_go(void **state)
{
	(void)state;
	assert_int_equal(apply(CONF(T("1122", M("0")))), 0);
	assert_string_equal(running(), "1122: 0;");
	assert_int_equal(apply(CONF(T("1122", M("0") "," M("7")) "," T("3344", M("1")))), 0);
	assert_string_equal(running(), "1122: 0 7; 3344: 1;");
	assert_false(daemon_reap(&fake_d));
	assert_int_equal(apply(CONF(T("3344", M("1") "," M("2")))), 0);
	assert_string_equal(running(), "3344: 1 2;");
	assert_false(daemon_reap(&fake_d));
	assert_int_equal(apply(CONF(T("3344", M("2")))), 0);
	assert_string_equal(running(), "3344: 2;");
}

static void used_ones_stay(void **state)
{
	struct lu *used;

	(void)state;
	assert_int_equal(apply(CONF(T("1122", M("0") "," M("1")))), 0);
	used = lu();
	lu_get(used);
	assert_int_equal(apply(CONF(T("1122", M("1")))), 0);
	assert_string_equal(running(), "1122: 1;");
	assert_true(daemon_reap(&fake_d));
	assert_int_equal(used->size, 1 << 20);
	lu_put(used);
	assert_false(daemon_reap(&fake_d));
}

static void sizes_follow(void **state)
{
	(void)state;
	assert_int_equal(apply(CONF(T("1122", F("0", "size = \"1M\";")))), 0);
	assert_int_equal(lu()->size, 1 << 20);
	assert_int_equal(apply(CONF(T("1122", F("0", "size = \"2M\";")))), 0);
	assert_int_equal(lu()->size, 2 << 20);
	assert_int_equal(truncate(DISK, 3 << 20), 0);
	assert_int_equal(apply(CONF(T("1122", F("0", "")))), 0);
	assert_int_equal(lu()->size, 3 << 20);
	assert_int_equal(truncate(DISK, 1 << 20), 0);
	assert_int_equal(apply(CONF(T("1122", F("0", "")))), -EINVAL);
	assert_non_null(strstr(error, "has become shorter"));
	assert_int_equal(lu()->size, 3 << 20);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *says;
		int ret;
	} cases[] = {
		{ CONF(T("1122", "{ lun = 0; backend = \"memory\"; size = \"2M\"; }")), "as it is in memory", -EBUSY },
		{ CONF(T("1122", "{ lun = 0; backend = \"memory\"; size = \"1M\"; thin = true; }")), "only its size",
		  -EBUSY },
		{ CONF("{ id_ext = \"1122\"; ports = ( \"p\" ); }"), "its ports cannot change", -EBUSY },
		{ CONF(T("1122", M("0") "," F("1", ""))), "make it, or set a size", -ENOENT },
		{ CONF(T("1122", M("0") "," M("1")) "," T("5", F("1", ""))), "make it, or set a size", -ENOENT },
		{ CONF(T("5", M("1") "," M("2") "," F("3", ""))), "make it, or set a size", -ENOENT },
	};
	unsigned int i;

	(void)state;
	assert_int_equal(apply(CONF(T("1122", M("0")))), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(apply(cases[i].text), cases[i].ret);
		if (!strstr(error, cases[i].says))
			fail_msg("says %s, not %s", error, cases[i].says);
		assert_string_equal(running(), "1122: 0;");
	}
}

static void initiators_change(void **state)
{
	(void)state;
	assert_int_equal(apply(CONF("{ id_ext = \"1122\"; initiators = ( \"a\" ); }")), 0);
	assert_string_equal(fake_bound, "a");
	assert_int_equal(apply(CONF("{ id_ext = \"1122\"; initiators = ( \"a\", \"b\" ); }")), 0);
	assert_string_equal(fake_bound, "b");
	/* One that the kernel refuses: all is as before. */
	assert_int_equal(apply(CONF("{ id_ext = \"1122\"; initiators = ( \"nonsense\" ); }")), -EINVAL);
	assert_string_equal(fake_bound, "b");
	assert_int_equal(target()->conf->initiators.nr, 2);
	assert_int_equal(apply(CONF("{ id_ext = \"1122\"; }")), 0);
	assert_string_equal(fake_bound, "");
}

/* What is saved for a serial number is there again, and a damaged file is not overlooked. */
static void reservations(void **state)
{
	char dir[] = "/tmp/test_daemon_reload.XXXXXX", file[128];

	(void)state;
	assert_non_null(mkdtemp(dir));
	free(fake_d.conf->state_dir);
	fake_d.conf->state_dir = strdup(dir);
	assert_int_equal(apply(CONF(T("1122", F("0", "size = 4096; serial = \"a/b\";")))), 0);
	snprintf(file, sizeof(file), "%s/reservations-a%%2fb", dir);
	assert_int_equal(reservations_save(lu(), "damaged", 7), 0);
	assert_int_equal(access(file, R_OK), 0);
	assert_int_equal(apply(CONF(T("5", M("0")))), 0);
	assert_false(daemon_reap(&fake_d));
	assert_int_equal(apply(CONF(T("5", M("0")) "," T("1122", F("0", "size = 4096; serial = \"a/b\";")))), -EINVAL);
	assert_non_null(strstr(error, "is damaged"));
	assert_string_equal(running(), "5: 0;");
	assert_int_equal(apply(CONF(T("5", M("0") "," F("1", "size = 4096; serial = \"a/b\";")))), -EINVAL);
	assert_string_equal(running(), "5: 0;");
	assert_false(daemon_reap(&fake_d));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(apply(CONF(T("5", M("0") "," F("1", "size = 4096; serial = \"a/b\";")))), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(come_and_go),
		TEST(used_ones_stay),
		TEST(sizes_follow),
		TEST(refused),
		TEST(initiators_change),
		TEST(reservations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
