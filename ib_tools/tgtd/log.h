/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Messages for the administrator, to stderr. */
#ifndef TGTD_LOG_H
#define TGTD_LOG_H

#include <syslog.h>

/**
 * log_message() - say something
 * @priority: LOG_ERR, LOG_WARNING, LOG_NOTICE or LOG_INFO
 * @fmt: as of printf(); one format is said a few times in a while only
 */
__attribute__((format(printf, 2, 3))) void log_message(int priority, const char *fmt, ...);

#define log_error(...)		log_message(LOG_ERR, __VA_ARGS__)
#define log_warning(...)	log_message(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)		log_message(LOG_NOTICE, __VA_ARGS__)

#endif /* TGTD_LOG_H */
