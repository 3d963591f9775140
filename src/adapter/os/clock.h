/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/os/clock.h -- the machine's clocks, random numbers and standard error. */
#ifndef MCOS_ADAPTER_OS_CLOCK_H
#define MCOS_ADAPTER_OS_CLOCK_H

#include "port/clock.h"
#include "port/log.h"

#include <stddef.h>

/* Lent, for ever. now_ms is CLOCK_BOOTTIME: it goes on while the machine sleeps,
 * so that a cluster which slept for hours knows that it did. */
struct mc_clock *mc_os_clock(void);

/* Fills dst from the kernel's random source. Fails with IO. */
int mc_os_random(void *dst, size_t n);

/* Lines on standard error: `ts=… level=… cluster=… text`. level is the least
 * urgent one shown; "" of who is no cluster. Lent, for ever; one per process. */
struct mc_log *mc_os_log(enum mc_log_level level, const char *cluster);

#endif /* MCOS_ADAPTER_OS_CLOCK_H */
