/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What systemd is told, if it has started the daemon. */
#ifndef TGTD_NOTIFY_H
#define TGTD_NOTIFY_H

/**
 * notify() - tell the service manager something
 * @fmt: as of printf(): assignments as READY=1, one per line
 */
__attribute__((format(printf, 1, 2))) void notify(const char *fmt, ...);

/** notify_watchdog_ms() - how often WATCHDOG=1 is due; 0: never */
unsigned int notify_watchdog_ms(void);

/** notify_reloading() - RELOADING=1, which READY=1 ends */
void notify_reloading(void);

#endif /* TGTD_NOTIFY_H */
