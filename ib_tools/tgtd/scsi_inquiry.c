// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * INQUIRY: standard data and vital product data pages, SPC-4 and SBC-3.
 *
 * A page is a row of a table with the function that writes what is behind its
 * header. The names in page 83h depend on nothing but the configuration and the
 * port, so they are the same after a restart.
 */
#include <stdio.h>
#include "scsi_priv.h"

#define EVPD		0x01

/* Byte 0 of all of it. */
static uint8_t peripheral(const struct scsi_task *task)
{
	if (task->lu)
		return 0x00;
	/* a well known logical unit; or no device of any kind can be there */
	return scsi_is_wlun(task->lun) ? 0x1e : 0x7f;
}

static enum scsi_step standard_data(struct scsi_task *task, struct scsi_out *out)
{
	static const uint16_t versions[8] = { 0x00a0, 0x0460, 0x04c0, 0x0940 };	/* SAM-5, SPC-4, SBC-3, SRP */
	const struct scsi_lu_config *config = task->lu ? &task->lu->config : NULL;
	unsigned int i;

	if (task->cdb[2])
		return scsi_bad_cdb(task, 2, 7);
	scsi_put_be(out, peripheral(task), 1);
	scsi_put_be(out, config && config->removable ? 0x80 : 0, 1);
	/* SPC-4; HISUP, response data format 2; 96 bytes in all; implicit TPGS; MULTIP; CMDQUE */
	scsi_put(out, (const uint8_t []){ 0x06, 0x12, 91, 0x10, 0x10, 0x02 }, 6);
	scsi_put_text(out, config ? config->vendor : "", 8);
	scsi_put_text(out, config ? config->product : "", 16);
	scsi_put_text(out, "1.0", 4);
	scsi_put_zero(out, 22);
	for (i = 0; i < 8; i++)
		scsi_put_be(out, versions[i], 2);
	scsi_put_zero(out, 22);
	return SCSI_RESPOND;
}

/* ---- pages ------------------------------------------------------------------------ */

struct vpd_page {
	uint8_t	code;
	uint8_t	who;	/* who has it: bits of enum below */
	void	(*write)(struct scsi_task *task, struct scsi_out *out);
};

enum {
	HAS_LU		= 1,
	HAS_WLUN	= 2,
	HAS_NONE	= 4,
};

static uint8_t who_asks(const struct scsi_task *task)
{
	if (task->lu)
		return HAS_LU;
	return scsi_is_wlun(task->lun) ? HAS_WLUN : HAS_NONE;
}

static void serial_number(struct scsi_task *task, struct scsi_out *out)
{
	scsi_put(out, task->lu->config.serial, strlen(task->lu->config.serial));
}

/* T10 vendor identification, made unique by product and serial number; and locally assigned NAA. */
static void lu_names(const struct scsi_lu *lu, struct scsi_out *out)
{
	const char *serial = lu->config.serial;

	scsi_put(out, (const uint8_t []){ 0x02, 0x01, 0 }, 3);
	scsi_put_be(out, 24 + strlen(serial), 1);
	scsi_put_text(out, lu->config.vendor, 8);
	scsi_put_text(out, lu->config.product, 16);
	scsi_put(out, serial, strlen(serial));

	scsi_put(out, (const uint8_t []){ 0x01, 0x03, 0, 8 }, 4);
	scsi_put_be(out, 3ULL << 60 | scsi_hash(serial, strlen(serial)) >> 4, 8);
}

/* The port that the command came through: relative identifier, group, SCSI name string. */
static void port_names(const struct scsi_port *port, struct scsi_out *out)
{
	char name[40] = "eui.";
	unsigned int i;

	scsi_put(out, (const uint8_t []){ SCSI_PROTOCOL_SRP << 4 | 0x01, 0x94, 0, 4, 0, 0 }, 6);
	scsi_put_be(out, port->id, 2);
	scsi_put(out, (const uint8_t []){ SCSI_PROTOCOL_SRP << 4 | 0x01, 0x95, 0, 4, 0, 0 }, 6);
	scsi_put_be(out, SCSI_PORT_GROUP, 2);

	/* Ends with a zero, and is a multiple of four long. */
	for (i = 0; i < SCSI_PORT_LEN; i++)
		snprintf(name + 4 + 2 * i, 3, "%02X", port->name[i]);
	scsi_put(out, (const uint8_t []){ SCSI_PROTOCOL_SRP << 4 | 0x03, 0x98, 0, sizeof(name) }, 4);
	scsi_put(out, name, sizeof(name));
}

static void identification(struct scsi_task *task, struct scsi_out *out)
{
	if (task->lu)
		lu_names(task->lu, out);
	port_names(task->nexus->port, out);
}

static void block_limits(struct scsi_task *task, struct scsi_out *out)
{
	const struct scsi_lu_config *config = &task->lu->config;
	uint32_t bs = config->block_size;

	scsi_put_be(out, 0x01, 1);				/* WSNZ */
	scsi_put_be(out, scsi_max_caw(task->lu), 1);
	scsi_put_be(out, 4096 / bs, 2);				/* optimal transfer length granularity */
	scsi_put_be(out, config->max_xfer / bs, 4);
	scsi_put_be(out, config->opt_xfer / bs, 4);
	scsi_put_zero(out, 4);					/* there is no PRE-FETCH */
	scsi_put_be(out, config->thin ? SCSI_MAX_SAME : 0, 4);
	scsi_put_be(out, config->thin ? SCSI_MAX_UNMAP_DESC : 0, 4);
	scsi_put_be(out, config->thin ? 4096 / bs : 0, 4);	/* optimal unmap granularity */
	scsi_put_be(out, config->thin ? 1U << 31 : 0, 4);	/* UGAVALID, aligned to LBA 0 */
	scsi_put_be(out, SCSI_MAX_SAME, 8);
	scsi_put_zero(out, 20);
}

/* Where seeks cost time, if they do, is known on this side only: for the initiator nothing rotates. */
static void characteristics(struct scsi_task *task, struct scsi_out *out)
{
	(void)task;
	scsi_put_be(out, 0x0001, 2);
	scsi_put_zero(out, 58);
}

static void provisioning(struct scsi_task *task, struct scsi_out *out)
{
	const struct scsi_lu_config *config = &task->lu->config;
	uint8_t bits = config->thin ? 0xe0 : 0;			/* LBPU, LBPWS, LBPWS10 */

	if (config->thin && config->discard_zeros)
		bits |= 0x04;					/* LBPRZ */
	scsi_put_zero(out, 1);
	scsi_put_be(out, bits, 1);
	scsi_put_be(out, config->thin ? 2 : 0, 1);
	scsi_put_zero(out, 1);
}

static void supported_pages(struct scsi_task *task, struct scsi_out *out);

static const struct vpd_page pages[] = {
	{ 0x00, HAS_LU | HAS_WLUN | HAS_NONE, supported_pages },
	{ 0x80, HAS_LU, serial_number },
	{ 0x83, HAS_LU | HAS_WLUN, identification },
	{ 0xb0, HAS_LU, block_limits },
	{ 0xb1, HAS_LU, characteristics },
	{ 0xb2, HAS_LU, provisioning },
};

#define NR_PAGES	(sizeof(pages) / sizeof(pages[0]))

static void supported_pages(struct scsi_task *task, struct scsi_out *out)
{
	unsigned int i;

	for (i = 0; i < NR_PAGES; i++)
		if (pages[i].who & who_asks(task))
			scsi_put_be(out, pages[i].code, 1);
}

enum scsi_step scsi_inquiry(struct scsi_task *task, struct scsi_out *out)
{
	unsigned int i;

	if (!(task->cdb[1] & EVPD))
		return standard_data(task, out);
	for (i = 0; i < NR_PAGES; i++) {
		if (pages[i].code != task->cdb[2] || !(pages[i].who & who_asks(task)))
			continue;
		scsi_put_be(out, peripheral(task), 1);
		scsi_put_be(out, pages[i].code, 1);
		scsi_put_zero(out, 2);
		pages[i].write(task, out);
		scsi_set_be(out, 2, out->len - 4, 2);
		return SCSI_RESPOND;
	}
	return scsi_bad_cdb(task, 2, 7);
}
