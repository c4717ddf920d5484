// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Persistent reservations that outlive the daemon (APTPL): the image of them.
 *
 * Big-endian: a magic number with the version in it, the type of the reservation,
 * the number of registrations; each of them: initiator port, target port, key,
 * flags; and a checksum of all that. It comes from a disk, so nothing in it is
 * believed. PRGENERATION is not in it, it begins with 0 after power on.
 */
#include <errno.h>
#include <stdlib.h>
#include "scsi_priv.h"

#define MAGIC		0x53525054ad505201ULL
#define HEADER_LEN	16U
#define REG_LEN		48U
#define SUM_LEN		8U

/* Flags of a registration */
#define REG_HOLDER	0x01
#define REG_ALL_TG_PT	0x02

/* [L] 0 or a negative errno. Without APTPL what is stored is that there is nothing. */
int scsi_pr_save(struct scsi_lu *lu, const struct scsi_pr *pr)
{
	uint32_t nr = pr->aptpl ? pr->nr : 0;
	struct scsi_out out = { .cap = HEADER_LEN + nr * REG_LEN + SUM_LEN };
	uint32_t i;
	int ret;

	out.buf = malloc(out.cap);
	if (!out.buf)
		return -ENOMEM;
	scsi_put_be(&out, MAGIC, 8);
	scsi_put_be(&out, nr ? pr->type : 0, 4);
	scsi_put_be(&out, nr, 4);
	for (i = 0; i < nr; i++) {
		const struct scsi_reg *reg = &pr->regs[i];

		scsi_put(&out, reg->i_port, SCSI_PORT_LEN);
		scsi_put(&out, reg->port->name, SCSI_PORT_LEN);
		scsi_put_be(&out, reg->key, 8);
		scsi_put_be(&out, (reg->holder ? REG_HOLDER : 0) | (reg->all_tg_pt ? REG_ALL_TG_PT : 0), 8);
	}
	scsi_put_be(&out, scsi_hash(out.buf, out.len), 8);
	ret = lu->ops->save_reservations(lu, out.buf, out.len);
	free(out.buf);
	return ret;
}

/* One registration of the image. 0 or a negative errno */
static int load_reg(struct scsi_lu *lu, struct scsi_pr *pr, const uint8_t *p)
{
	uint64_t flags = scsi_get_be(p + 40, 8);
	uint64_t key = scsi_get_be(p + 32, 8);
	struct scsi_port *port;
	struct scsi_reg *reg;

	if (!key || (flags & ~(uint64_t)(REG_HOLDER | REG_ALL_TG_PT)))
		return -EINVAL;
	port = scsi_port_get(lu->target, p + SCSI_PORT_LEN);
	if (!port)
		return -ENOMEM;
	if (scsi_pr_find(pr, p, port))
		return -EINVAL;
	reg = scsi_pr_add(pr, p, port, key);
	reg->holder = flags & REG_HOLDER;
	reg->all_tg_pt = flags & REG_ALL_TG_PT;
	return 0;
}

/* The holders fit to the type: one, or for All Registrants and without a reservation none. */
static bool holders_valid(const struct scsi_pr *pr)
{
	uint32_t i, holders = 0;

	for (i = 0; i < pr->nr; i++)
		holders += pr->regs[i].holder;
	if (!pr->type)
		return !holders;
	if (!scsi_pr_type_valid(pr->type) || !pr->nr)
		return false;
	return holders == !scsi_pr_all_registrants(pr->type);
}

int scsi_lu_load_reservations(struct scsi_lu *lu, const void *data, size_t len)
{
	const uint8_t *p = data;
	struct scsi_pr none = { 0 };
	struct scsi_pr pr;
	uint32_t i, nr;
	int ret;

	if (len < HEADER_LEN + SUM_LEN || scsi_get_be(p, 8) != MAGIC)
		return -EINVAL;
	nr = scsi_get_be(p + 12, 4);
	if (nr > SCSI_MAX_REGS || len != HEADER_LEN + nr * REG_LEN + SUM_LEN || scsi_get_be(p + 8, 4) > UINT8_MAX ||
	    scsi_get_be(p + len - SUM_LEN, 8) != scsi_hash(p, len - SUM_LEN))
		return -EINVAL;
	ret = scsi_pr_copy(&pr, &none, nr);
	if (ret)
		return ret;
	pr.type = p[11];
	pr.aptpl = nr;
	for (i = 0; i < nr && !ret; i++)
		ret = load_reg(lu, &pr, p + HEADER_LEN + i * REG_LEN);
	if (!ret && !holders_valid(&pr))
		ret = -EINVAL;
	if (ret) {
		free(pr.regs);
		return ret;
	}
	pthread_mutex_lock(&lu->lock);
	scsi_pr_set(lu, &pr);
	pthread_mutex_unlock(&lu->lock);
	return 0;
}
