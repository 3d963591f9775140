/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/os/worker.h -- jobs on libuv's threads (port/work.h). */
#ifndef MCOS_ADAPTER_OS_WORKER_H
#define MCOS_ADAPTER_OS_WORKER_H

#include "adapter/os/loop.h"
#include "port/work.h"

#include <stddef.h>

/* The loop's worker, made at the first call; lent by the loop, which drops what waits
 * and waits for what runs when it is freed. A turn is taken after each done(). Fails
 * with NOMEM. */
int mc_loop_work(struct mc_loop *loop, struct mc_work **ret_work);

/* Jobs that have begun and are not done. */
size_t mc_loop_working(const struct mc_loop *loop);

#endif /* MCOS_ADAPTER_OS_WORKER_H */
