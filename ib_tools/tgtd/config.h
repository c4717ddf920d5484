/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The configuration file of srp_tgtd, checked; see srp_tgtd.conf(5). */
#ifndef TGTD_CONFIG_H
#define TGTD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "scsi.h"

#define CONFIG_MAX_XFER		(1u << 20)
#define CONFIG_ERROR_LEN	512

enum backend_type {
	BACKEND_MEMORY,
	BACKEND_FILE,
	BACKEND_BLOCK,
};

/* Texts that the setting has, e.g. the names of ports. */
struct names {
	char		**name;
	uint32_t	nr;
};

/**
 * struct lun_config - a logical unit
 * @lun: its number
 * @type: where its data is
 * @backend: name of @type
 * @path: of the file or device, or NULL
 * @size: bytes, or 0: as the file or device has them
 * @scsi: all but the size
 * @line: where it is in the file
 */
struct lun_config {
	uint32_t		lun;
	enum backend_type	type;
	char			backend[16];
	char			*path;
	uint64_t		size;
	struct scsi_lu_config	scsi;
	unsigned int		line;
};

/**
 * struct target_config - a target
 * @id_ext: of the target port identifier
 * @ports: of HCAs that it is on; none: all
 * @initiators: who may log in; none: everybody
 */
struct target_config {
	uint64_t		id_ext;
	char			*id_ext_text;
	struct names		ports;
	struct names		initiators;
	struct lun_config	**luns;
	uint32_t		nr_luns;
	unsigned int		line;
};

/**
 * struct config - all of the file
 * @threads: that serve commands, and ring pairs
 * @recovery_ms: see struct tgt_setup
 * @timeout_ms: likewise
 * @memory: MiB for data, of all threads
 */
struct config {
	uint32_t		threads;
	uint32_t		recovery_ms;
	uint32_t		timeout_ms;
	uint32_t		memory;
	char			*state_dir;
	char			*socket;
	struct target_config	**targets;
	uint32_t		nr_targets;
};

/**
 * config_load() - read and check a file
 * @path: of the file
 * @error: CONFIG_ERROR_LEN bytes: file, line, what is wrong, what to do
 *
 * Return: NULL after an error.
 */
struct config *config_load(const char *path, char *error);
void config_free(struct config *c);
void config_free_target(struct target_config *t);
void config_free_lun(struct lun_config *l);

/** config_same_lun() - whether both are the same logical unit, whatever their sizes */
bool config_same_lun(const struct lun_config *a, const struct lun_config *b);

/** config_same_ports(), config_same_initiators() - of two targets */
bool config_same_ports(const struct target_config *a, const struct target_config *b);
bool config_same_initiators(const struct target_config *a, const struct target_config *b);

#endif /* TGTD_CONFIG_H */
