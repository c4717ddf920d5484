// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Targets, their logical units, ports and nexuses, and the unit attentions that
 * each nexus has in each logical unit.
 *
 * A nexus has a place for every LUN, so that a unit attention never needs memory.
 */
#include <errno.h>
#include <stdlib.h>
#include "scsi_priv.h"

struct scsi_target *scsi_target_new(void)
{
	struct scsi_target *target = calloc(1, sizeof(*target));

	if (target)
		pthread_mutex_init(&target->lock, NULL);
	return target;
}

void scsi_target_free(struct scsi_target *target)
{
	unsigned int i;

	for (i = 0; i < SCSI_MAX_LUNS; i++)
		if (target->lus[i])
			scsi_lu_free(target->lus[i]);
	while (target->ports) {
		struct scsi_port *port = target->ports;

		target->ports = port->next;
		free(port);
	}
	pthread_mutex_destroy(&target->lock);
	free(target);
}

/* ---- unit attentions ------------------------------------------------------------- */

/* [T] Each at most once; POWER ON takes the place of all older ones, and of those there is no room for. */
void scsi_ua_put(struct scsi_itl *itl, uint16_t asc)
{
	unsigned int i;

	for (i = 0; i < itl->nr_ua; i++)
		if (itl->ua[i] == asc)
			return;
	if (asc == ASC_POWER_ON_OR_RESET || itl->nr_ua == SCSI_MAX_UA) {
		itl->ua[0] = ASC_POWER_ON_OR_RESET;
		__atomic_store_n(&itl->nr_ua, 1, __ATOMIC_RELEASE);
		return;
	}
	itl->ua[itl->nr_ua] = asc;
	__atomic_store_n(&itl->nr_ua, itl->nr_ua + 1, __ATOMIC_RELEASE);
}

/* [T] */
static void ua_remove(struct scsi_itl *itl, unsigned int i)
{
	memmove(itl->ua + i, itl->ua + i + 1, (itl->nr_ua - i - 1) * sizeof(itl->ua[0]));
	__atomic_store_n(&itl->nr_ua, itl->nr_ua - 1, __ATOMIC_RELEASE);
}

void scsi_ua_add(struct scsi_nexus *nexus, uint32_t lun, uint16_t asc)
{
	pthread_mutex_lock(&nexus->target->lock);
	scsi_ua_put(&nexus->itl[lun], asc);
	pthread_mutex_unlock(&nexus->target->lock);
}

/* For every nexus but self, which may be NULL. */
void scsi_ua_others(struct scsi_lu *lu, const struct scsi_nexus *self, uint16_t asc)
{
	struct scsi_nexus *nexus;

	pthread_mutex_lock(&lu->target->lock);
	for (nexus = lu->target->nexuses; nexus; nexus = nexus->next)
		if (nexus != self)
			scsi_ua_put(&nexus->itl[lu->lun], asc);
	pthread_mutex_unlock(&lu->target->lock);
}

/* The oldest one, which is reported now; 0: there is none. */
uint16_t scsi_ua_take(struct scsi_nexus *nexus, uint32_t lun)
{
	struct scsi_itl *itl = &nexus->itl[lun];
	uint16_t asc = 0;

	pthread_mutex_lock(&nexus->target->lock);
	if (itl->nr_ua) {
		asc = itl->ua[0];
		ua_remove(itl, 0);
	}
	pthread_mutex_unlock(&nexus->target->lock);
	return asc;
}

/* In all logical units. */
void scsi_ua_drop(struct scsi_nexus *nexus, uint16_t asc)
{
	unsigned int lun, i;

	pthread_mutex_lock(&nexus->target->lock);
	for (lun = 0; lun < SCSI_MAX_LUNS; lun++)
		for (i = nexus->itl[lun].nr_ua; i-- > 0;)
			if (nexus->itl[lun].ua[i] == asc)
				ua_remove(&nexus->itl[lun], i);
	pthread_mutex_unlock(&nexus->target->lock);
}

/* [T] The list of logical units is another one, except = the one that came or went. */
static void luns_changed(struct scsi_target *target, uint32_t except)
{
	struct scsi_nexus *nexus;
	unsigned int lun;

	for (nexus = target->nexuses; nexus; nexus = nexus->next)
		for (lun = 0; lun < SCSI_MAX_LUNS; lun++)
			if (target->lus[lun] && lun != except)
				scsi_ua_put(&nexus->itl[lun], ASC_REPORTED_LUNS_CHANGED);
}

/* ---- logical units ------------------------------------------------------------------ */

/* What VPD pages and mode pages say, and what nobody has to check later. */
static bool config_valid(const struct scsi_lu_config *config)
{
	uint32_t bs = config->block_size;

	return (bs == 512 || bs == 4096) && config->size >= bs && config->size % bs == 0 &&
	       config->size <= INT64_MAX && config->max_xfer >= SCSI_SCRATCH_LEN &&
	       config->max_xfer <= TGT_MAX_TRANSFER && config->max_xfer % bs == 0 && config->opt_xfer % bs == 0 &&
	       memchr(config->vendor, 0, sizeof(config->vendor)) &&
	       memchr(config->product, 0, sizeof(config->product)) &&
	       memchr(config->serial, 0, sizeof(config->serial));
}

uint32_t scsi_lu_default_mode(const struct scsi_lu *lu)
{
	return LU_TAS | (lu->config.write_cache ? LU_WCE : 0);
}

struct scsi_lu *scsi_lu_new(struct scsi_target *target, uint32_t lun, const struct scsi_lu_config *config,
			    const struct scsi_lu_ops *ops, void *priv)
{
	struct scsi_lu *lu;

	if (lun >= SCSI_MAX_LUNS || !config_valid(config)) {
		errno = EINVAL;
		return NULL;
	}
	lu = calloc(1, sizeof(*lu));
	if (!lu)
		return NULL;
	lu->target = target;
	lu->lun = lun;
	lu->config = *config;
	lu->blocks = config->size / config->block_size;
	lu->flags = scsi_lu_default_mode(lu);
	lu->ops = ops;
	lu->priv = priv;
	pthread_mutex_init(&lu->lock, NULL);
	return lu;
}

/* [T] 0, -EEXIST, or -EAGAIN: there are other ports than those given */
static int publish(struct scsi_lu *lu, const struct scsi_port *ports)
{
	struct scsi_target *target = lu->target;
	struct scsi_nexus *nexus;

	if (target->ports != ports)
		return -EAGAIN;
	if (target->lus[lu->lun])
		return -EEXIST;
	for (nexus = target->nexuses; nexus; nexus = nexus->next) {
		nexus->itl[lu->lun].prevents = false;
		scsi_ua_put(&nexus->itl[lu->lun], ASC_POWER_ON_OR_RESET);
	}
	luns_changed(target, lu->lun);
	__atomic_store_n(&target->lus[lu->lun], lu, __ATOMIC_RELEASE);
	return 0;
}

/* Saved reservations do not know of new ports. One that comes after the lock was let go finds the logical unit. */
int scsi_lu_publish(struct scsi_lu *lu)
{
	const struct scsi_port *ports, *port;
	int ret;

	do {
		ports = __atomic_load_n(&lu->target->ports, __ATOMIC_ACQUIRE);
		for (port = ports; port; port = port->next) {
			ret = scsi_pr_new_port(lu, port);
			if (ret)
				return ret;
		}
		pthread_mutex_lock(&lu->target->lock);
		ret = publish(lu, ports);
		pthread_mutex_unlock(&lu->target->lock);
	} while (ret == -EAGAIN);
	return ret;
}

struct scsi_lu *scsi_target_add(struct scsi_target *target, uint32_t lun, const struct scsi_lu_config *config,
				const struct scsi_lu_ops *ops, void *priv)
{
	struct scsi_lu *lu = scsi_lu_new(target, lun, config, ops, priv);
	int ret;

	if (!lu)
		return NULL;
	ret = scsi_lu_publish(lu);
	if (!ret)
		return lu;
	scsi_lu_free(lu);
	errno = -ret;
	return NULL;
}

void scsi_target_remove(struct scsi_target *target, struct scsi_lu *lu)
{
	pthread_mutex_lock(&target->lock);
	__atomic_store_n(&target->lus[lu->lun], NULL, __ATOMIC_RELEASE);
	luns_changed(target, lu->lun);
	pthread_mutex_unlock(&target->lock);
}

void scsi_lu_free(struct scsi_lu *lu)
{
	free(lu->pr.regs);
	pthread_mutex_destroy(&lu->lock);
	free(lu);
}

void *scsi_lu_priv(const struct scsi_lu *lu)
{
	return lu->priv;
}

const struct scsi_lu_config *scsi_lu_config(const struct scsi_lu *lu)
{
	return &lu->config;
}

bool scsi_is_wlun(const uint8_t *lun)
{
	static const uint8_t report_luns[8] = { 0xc1, 0x01 };

	return !memcmp(lun, report_luns, 8);
}

struct scsi_lu *scsi_lu_find(struct scsi_target *target, const uint8_t *lun)
{
	uint32_t nr;

	if (scsi_get_be(lun + 2, 6))
		return NULL;
	/* Peripheral device addressing of bus 0, or flat space addressing. */
	if (lun[0] == 0)
		nr = lun[1];
	else if ((lun[0] & 0xc0) == 0x40)
		nr = (lun[0] & 0x3f) << 8 | lun[1];
	else
		return NULL;
	return nr < SCSI_MAX_LUNS ? __atomic_load_n(&target->lus[nr], __ATOMIC_ACQUIRE) : NULL;
}

void scsi_lu_resize(struct scsi_lu *lu, uint64_t size)
{
	uint64_t blocks = size / lu->config.block_size;

	if (__atomic_exchange_n(&lu->blocks, blocks, __ATOMIC_ACQ_REL) != blocks)
		scsi_ua_others(lu, NULL, ASC_CAPACITY_CHANGED);
}

bool scsi_lu_tas(const struct scsi_lu *lu)
{
	return scsi_lu_flags(lu) & LU_TAS;
}

/* [L] Those of mask become flags. */
void scsi_lu_set_flags(struct scsi_lu *lu, uint32_t mask, uint32_t flags)
{
	__atomic_store_n(&lu->flags, (lu->flags & ~mask) | flags, __ATOMIC_RELEASE);
}

void scsi_lu_reset(struct scsi_lu *lu)
{
	struct scsi_nexus *nexus;

	pthread_mutex_lock(&lu->lock);
	scsi_lu_set_flags(lu, LU_MODE, scsi_lu_default_mode(lu));
	pthread_mutex_lock(&lu->target->lock);
	for (nexus = lu->target->nexuses; nexus; nexus = nexus->next) {
		nexus->itl[lu->lun].prevents = false;
		scsi_ua_put(&nexus->itl[lu->lun], ASC_BUS_DEVICE_RESET);
	}
	pthread_mutex_unlock(&lu->target->lock);
	pthread_mutex_unlock(&lu->lock);
}

void scsi_commands_cleared(struct scsi_lu *lu, struct scsi_nexus *nexus)
{
	scsi_ua_add(nexus, lu->lun, ASC_COMMANDS_CLEARED);
}

/* ---- ports and nexuses -------------------------------------------------------------- */

/* The port of that name, a new one if there is none yet. NULL: no memory, or no number left */
struct scsi_port *scsi_port_get(struct scsi_target *target, const uint8_t *name)
{
	struct scsi_port *port;

	pthread_mutex_lock(&target->lock);
	for (port = target->ports; port; port = port->next)
		if (!memcmp(port->name, name, SCSI_PORT_LEN))
			goto out;
	if (target->ports && target->ports->id == UINT16_MAX)
		goto out;
	port = calloc(1, sizeof(*port));
	if (!port)
		goto out;
	memcpy(port->name, name, SCSI_PORT_LEN);
	port->id = target->ports ? target->ports->id + 1 : 1;
	port->next = target->ports;
	__atomic_store_n(&target->ports, port, __ATOMIC_RELEASE);
out:
	pthread_mutex_unlock(&target->lock);
	return port;
}

/* Registrations for all ports are for this one too; those that are there already are not made again. */
static int join_port(struct scsi_target *target, const struct scsi_port *port)
{
	unsigned int lun;
	int ret = 0;

	for (lun = 0; lun < SCSI_MAX_LUNS && !ret; lun++) {
		struct scsi_lu *lu = __atomic_load_n(&target->lus[lun], __ATOMIC_ACQUIRE);

		if (lu)
			ret = scsi_pr_new_port(lu, port);
	}
	return ret;
}

struct scsi_nexus *scsi_nexus_new(struct scsi_target *target, const uint8_t *i_port_id, const uint8_t *t_port_id)
{
	struct scsi_nexus *nexus = calloc(1, sizeof(*nexus));
	unsigned int lun;

	if (!nexus)
		return NULL;
	nexus->target = target;
	memcpy(nexus->i_port, i_port_id, SCSI_PORT_LEN);
	nexus->port = scsi_port_get(target, t_port_id);
	if (!nexus->port || join_port(target, nexus->port)) {
		free(nexus);
		return NULL;
	}
	for (lun = 0; lun < SCSI_MAX_LUNS; lun++)
		scsi_ua_put(&nexus->itl[lun], ASC_POWER_ON_OR_RESET);
	pthread_mutex_lock(&target->lock);
	nexus->next = target->nexuses;
	target->nexuses = nexus;
	pthread_mutex_unlock(&target->lock);
	return nexus;
}

void scsi_nexus_free(struct scsi_nexus *nexus)
{
	struct scsi_nexus **p;

	pthread_mutex_lock(&nexus->target->lock);
	for (p = &nexus->target->nexuses; *p != nexus; p = &(*p)->next)
		;
	*p = nexus->next;
	pthread_mutex_unlock(&nexus->target->lock);
	free(nexus);
}
