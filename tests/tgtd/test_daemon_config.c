// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Configuration files, good ones and bad ones: what each error says, and of which line. */
#include <stdio.h>
#include <unistd.h>

#include "fake_tgt.h"

static char error[CONFIG_ERROR_LEN];

#define TARGET(luns)	"targets = (\n{ id_ext = \"0x1122\";\nluns = (\n" luns "\n) } );\n"
#define MEMORY		"{ lun = 0; backend = \"memory\"; size = \"1M\"; }"

static void defaults(void **state)
{
	struct config *c = load(TARGET(MEMORY));
	struct lun_config *l;

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->nr_targets, 1);
	assert_int_equal(c->targets[0]->id_ext, 0x1122);
	assert_int_equal(c->targets[0]->ports.nr, 0);
	assert_int_equal(c->targets[0]->nr_luns, 1);
	l = c->targets[0]->luns[0];
	assert_int_equal(l->size, 1 << 20);
	assert_int_equal(l->scsi.block_size, 512);
	assert_true(l->scsi.write_cache);
	assert_string_equal(l->scsi.serial, "0000000000001122-0");
	assert_string_equal(c->socket, "/run/srp_tgtd.sock");
	config_free(c);
}

static void everything(void **state)
{
	struct config *c = load(
		"daemon: { threads = 3, recovery_ms = 0, timeout_ms = 10000, memory = 96,\n"
		"state_dir = \"/a\", socket = \"/b\" }\n"
		"targets: ( { id_ext = \"FFEEDDCCBBAA9988\", ports = ( \"p1\", \"p2\" ), initiators = [ \"i1\" ],\n"
		"luns = ( { lun = 255, backend = \"file\", path = \"/x\", size = 4096, block_size = 4096,\n"
		"serial = \"s\", vendor = \"v\", product = \"p\", read_only = true, removable = true, thin = true,\n"
		"write_cache = false }, { lun = 1, backend = \"block\", path = \"/y\" } ) }, { id_ext = \"0\" } )\n");
	const struct lun_config *l;

	(void)state;
	assert_string_equal(error, "");
	assert_non_null(c);
	assert_int_equal(c->threads, 3);
	assert_int_equal(c->memory, 96);
	assert_int_equal(c->nr_targets, 2);
	assert_true(c->targets[0]->id_ext == 0xffeeddccbbaa9988);
	assert_int_equal(c->targets[0]->ports.nr, 2);
	assert_string_equal(c->targets[0]->ports.name[1], "p2");
	assert_int_equal(c->targets[0]->initiators.nr, 1);
	l = c->targets[0]->luns[0];
	assert_int_equal(l->type, BACKEND_FILE);
	assert_true(l->scsi.read_only && l->scsi.removable && l->scsi.thin && !l->scsi.write_cache);
	assert_true(config_same_lun(l, l));
	assert_false(config_same_lun(l, c->targets[0]->luns[1]));
	assert_false(config_same_ports(c->targets[0], c->targets[1]));
	assert_false(config_same_initiators(c->targets[0], c->targets[1]));
	config_free(c);
}

/* What is wrong, in which line (0: none), and what the message contains. */
static const struct {
	const char	*text;
	unsigned int	line;
	const char	*says;
} bad[] = {
	{ "", 0, "there are no targets" },
	{ "targets = (", 1, "syntax error" },
	{ "foo = 1;\n" TARGET(MEMORY), 1, "no setting 'foo'" },
	{ "daemon = 3;\n" TARGET(MEMORY), 1, "daemon = {" },
	{ "daemon = { threads = 0; };\n" TARGET(MEMORY), 1, "threads must be a number from 1 to 64" },
	{ "daemon = { threads = \"a\"; };\n" TARGET(MEMORY), 1, "threads must be" },
	{ "daemon = { threads = 8; memory = 16; };\n" TARGET(MEMORY), 0, "32 to 8192" },
	{ "daemon = { nonsense = 1; };\n" TARGET(MEMORY), 1, "there are threads" },
	{ "targets = { };", 1, "targets must be a list" },
	{ "targets = ( 1 );", 1, "targets must be a list" },
	{ "targets = ( { luns = (); } );", 1, "needs an id_ext" },
	{ "targets = ( { id_ext = \"0x\"; } );", 1, "needs an id_ext" },
	{ "targets = ( { id_ext = \"11223344556677889\"; } );", 1, "needs an id_ext" },
	{ "targets = ( { id_ext = 5; } );", 1, "id_ext must be a text" },
	{ "targets = ( { id_ext = \"1\"; },\n{ id_ext = \"0x01\"; } );", 2, "already in line 1" },
	{ "targets = ( { id_ext = \"1\"; ports = (); } );", 1, "leave it out for all" },
	{ "targets = ( { id_ext = \"1\"; ports = \"a\"; } );", 1, "must be a list of texts" },
	{ "targets = ( { id_ext = \"1\"; initiators = ( 1 ); } );", 1, "each must be a text" },
	{ TARGET("{ backend = \"memory\"; size = 512; }"), 4, "no number" },
	{ TARGET("{ lun = 1024; backend = \"memory\"; size = 512; }"), 4, "from 0 to 1023" },
	{ TARGET("{ lun = 0; }"), 4, "backend must be" },
	{ TARGET("{ lun = 0; backend = \"tape\"; }"), 4, "backend must be" },
	{ TARGET("{ lun = 0; backend = \"memory\"; }"), 4, "needs a size" },
	{ TARGET("{ lun = 0; backend = \"memory\"; size = 1; path = \"/x\"; }"), 4, "has no path" },
	{ TARGET("{ lun = 0; backend = \"memory\"; size = 513; }"), 4, "multiple of the block_size" },
	{ TARGET("{ lun = 0; backend = \"memory\"; size = \"1X\"; }"), 4, "or a text as" },
	{ TARGET("{ lun = 0; backend = \"memory\"; size = \"99999999T\"; }"), 4, "or a text as" },
	{ TARGET("{ lun = 0; backend = \"memory\"; size = 0; }"), 4, "must not be 0" },
	{ TARGET("{ lun = 0; backend = \"file\"; }"), 4, "needs a path" },
	{ TARGET("{ lun = 0; backend = \"file\"; path = \"x\"; }"), 4, "begins with /" },
	{ TARGET("{ lun = 0; backend = \"block\"; path = \"/x\"; size = \"1M\"; }"), 4, "own size" },
	{ TARGET("{ lun = 0; backend = \"block\"; path = \"/x\"; block_size = 1024; }"), 4, "512 or 4096" },
	{ TARGET("{ lun = 0; backend = \"block\"; path = \"/x\"; vendor = \"123456789\"; }"), 4, "up to 8" },
	{ TARGET("{ lun = 0; backend = \"block\"; path = \"/x\"; vendor = \"\\x01\"; }"), 4, "ASCII" },
	{ TARGET("{ lun = 0; backend = \"block\"; path = \"/x\"; thin = 1; }"), 4, "true or false" },
	{ TARGET("{ lun = 0; backend = \"block\"; path = \"/x\"; thick = true; }"), 4, "no setting 'thick'" },
	{ TARGET(MEMORY ",\n" MEMORY), 5, "LUN 0 is already in line 4" },
	{ TARGET("{ lun = 0; backend = \"file\"; path = \"/x\"; },\n"
		 "{ lun = 1; backend = \"file\"; path = \"/x\"; }"), 5, "already used in line 4" },
	{ TARGET("{ lun = 0; backend = \"file\"; path = \"/x\"; serial = \"s\"; },\n"
		 "{ lun = 1; backend = \"file\"; path = \"/y\"; serial = \"s\"; }"), 5, "serial s is already" },
};

static void bad_files(void **state)
{
	char place[32];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (try_load(bad[i].text, error))
			fail_msg("accepted: %s", bad[i].text);
		snprintf(place, sizeof(place), bad[i].line ? ":%u: " : ": ", bad[i].line);
		if (!strstr(error, bad[i].says) || !strstr(error, place))
			fail_msg("%s: says '%s', not '%s' of line %u", bad[i].text, error, bad[i].says, bad[i].line);
	}
}

static void no_file(void **state)
{
	(void)state;
	assert_null(config_load("/nonexistent/file", error));
	assert_non_null(strstr(error, "cannot be read: No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
