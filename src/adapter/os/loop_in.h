/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/os/loop_in.h -- what the room's own files know of a loop. */
#ifndef MCOS_ADAPTER_OS_LOOP_IN_H
#define MCOS_ADAPTER_OS_LOOP_IN_H

#include "adapter/os/loop.h"

#include <uv.h>

struct mc_worker;

uv_loop_t *mc_loop_uv(struct mc_loop *loop); /* lent */
void mc_loop_take_turn(struct mc_loop *loop);
/* The loop's one worker, or NULL; it ends with the loop. */
struct mc_worker *mc_loop_worker(const struct mc_loop *loop);
void mc_loop_set_worker(struct mc_loop *loop, struct mc_worker *worker);

/* Nothing more begins, and results count no more; free() after the loop's last
 * event. */
void mc_worker_drop(struct mc_worker *worker);
void mc_worker_free(struct mc_worker *worker);

#endif /* MCOS_ADAPTER_OS_LOOP_IN_H */
