// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A thread sleeps through the ends of commands, unless something waits for them: others of the logical unit, functions,
 * who wants memory, the end of a session or of a logical unit.
 */
#include <time.h>
#include <unistd.h>

#include "fake_tgt.h"

#define TARGET_ID	0x1122
#define MIB		(1u << 20)
#define LUNS		"{ lun = 0; backend = \"memory\"; size = \"8M\"; }"
#define CONF(luns)	"daemon = { threads = 2; memory = 8; };\n" \
			"targets = ( { id_ext = \"1122\"; luns = ( " luns " ); } );\n"

static const uint8_t READ_8[16] = { 0x28, [8] = 8 }, READ_MIB[16] = { 0x28, [7] = MIB / 512 >> 8 };
static struct config *conf;
static char error[CONFIG_ERROR_LEN];

static void wait_until(bool (*is_so)(uint64_t arg), uint64_t arg, const char *what)
{
	time_t end = time(NULL) + 20;
	bool so;

	for (;;) {
		pthread_mutex_lock(&fake_lock);
		so = is_so(arg);
		pthread_mutex_unlock(&fake_lock);
		if (so)
			return;
		if (time(NULL) > end)
			fail_msg("%s does not happen", what);
		usleep(100);
	}
}

static bool responded(uint64_t id)
{
	return cmds[id].state == RESPONDED;
}

static bool sleeps(uint64_t ring)
{
	return fake_rings[ring].asleep && fake_rings[ring].cons == fake_rings[ring].prod;
}

static bool sleeps_sound(uint64_t ring)
{
	return sleeps(ring) && fake_rings[ring].sound;
}

static bool sleeps_lightly(uint64_t ring)
{
	return sleeps(ring) && !fake_rings[ring].sound;
}

static bool answered(uint64_t tmf)
{
	return tmfs[tmf].answered;
}

static uint64_t read_blocks(uint32_t ring, uint8_t attr, const uint8_t *cdb, uint32_t len)
{
	return send_attr(ring, ring + 1, 0, nr_cmds, attr, cdb, 0, len);
}

/* Its status is on its way, and its thread asleep. */
static uint64_t read_and_sleep(uint32_t ring, uint8_t attr, const uint8_t *cdb, uint32_t len)
{
	uint64_t id = read_blocks(ring, attr, cdb, len);

	wait_until(responded, id, "the status");
	wait_until(sleeps_sound, ring, "sound sleep");
	return id;
}

static void done(uint64_t id)
{
	pthread_mutex_lock(&fake_lock);
	fake_done_locked(id);
	pthread_mutex_unlock(&fake_lock);
}

static void nobody_waits(void **state)
{
	uint64_t id = read_and_sleep(0, TGT_ATTR_SIMPLE, READ_8, 4096);

	(void)state;
	pthread_mutex_lock(&fake_lock);
	fake_done_locked(id);
	assert_true(fake_rings[0].asleep && fake_rings[0].cons != fake_rings[0].prod);
	pthread_mutex_unlock(&fake_lock);
	/* The next request takes it along. */
	done(read_and_sleep(0, TGT_ATTR_SIMPLE, READ_8, 4096));
}

static void another_is_ordered(void **state)
{
	uint64_t simple = read_and_sleep(0, TGT_ATTR_SIMPLE, READ_8, 4096), ordered;

	(void)state;
	ordered = read_blocks(1, TGT_ATTR_ORDERED, READ_8, 4096);
	wait_until(sleeps_lightly, 0, "light sleep");
	done(simple);
	wait_until(responded, ordered, "the turn of the ORDERED command");
	wait_until(sleeps_sound, 0, "sound sleep");
	done(ordered);
}

static void a_function_waits(void **state)
{
	uint64_t id = read_and_sleep(0, TGT_ATTR_SIMPLE, READ_8, 4096), tmf = nr_tmfs;

	(void)state;
	send_tmf(1, 2, 0, TGT_CLEAR_TASK_SET, 0);
	wait_until(sleeps_lightly, 0, "light sleep");
	done(id);
	wait_until(answered, tmf, "the answer to the function");
	wait_until(sleeps_sound, 0, "sound sleep");
}

static void memory_is_short(void **state)
{
	uint64_t id[5];
	uint32_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		id[i] = read_and_sleep(0, TGT_ATTR_SIMPLE, READ_MIB, MIB);
	id[4] = read_blocks(0, TGT_ATTR_SIMPLE, READ_MIB, MIB);
	wait_until(sleeps_lightly, 0, "light sleep");
	done(id[0]);
	wait_until(responded, id[4], "room for the fifth");
	for (i = 1; i < 5; i++)
		done(id[i]);
}

static void session_ends(void **state)
{
	uint64_t id = read_and_sleep(0, TGT_ATTR_SIMPLE, READ_8, 4096);

	(void)state;
	host_down(0, 1);
	wait_until(sleeps_lightly, 0, "light sleep");
	done(id);
	wait_until(sleeps_sound, 0, "the end of the session");
	host_up(0, 1, TARGET_ID);
}

static void apply(const char *text)
{
	struct config *c = load(text);

	if (daemon_apply(&fake_d, c, error))
		fail_msg("%s", error);
	config_free(c);
}

static void lun_goes(void **state)
{
	uint64_t id = read_and_sleep(0, TGT_ATTR_SIMPLE, READ_8, 4096);
	time_t end = time(NULL) + 20;

	(void)state;
	apply(CONF(""));
	assert_true(daemon_reap(&fake_d));
	done(id);
	while (daemon_reap(&fake_d)) {
		assert_true(time(NULL) <= end);
		usleep(100);
	}
	apply(CONF(LUNS));
}

static int begin(void **state)
{
	(void)state;
	conf = load(CONF(LUNS));
	start_threads(conf, error);
	fake_hold = true;
	host_up(0, 1, TARGET_ID);
	host_up(1, 2, TARGET_ID);
	wait_until(sleeps_sound, 0, "sound sleep");
	wait_until(sleeps_sound, 1, "sound sleep");
	return 0;
}

static int end(void **state)
{
	(void)state;
	host_down(0, 1);
	host_down(1, 2);
	workers_quiesce(&fake_d);
	workers_quiesce(&fake_d);
	stop_threads();
	config_free(conf);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits),
		cmocka_unit_test(another_is_ordered),
		cmocka_unit_test(a_function_waits),
		cmocka_unit_test(memory_is_short),
		cmocka_unit_test(session_ends),
		cmocka_unit_test(lun_goes),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
