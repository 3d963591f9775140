/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/watch.c -- in turn, or all. */
#include "adapter/amqp/watch.h"

#include <string.h>

void mc_amqp_watch_init(struct mc_amqp_watch *watch, uint64_t now_ms)
{
    *watch = (struct mc_amqp_watch){.all_ms = now_ms + MC_AMQP_REBIND_MS,
                                    .turn_ms = now_ms + MC_AMQP_REBIND_MS};
}

void mc_amqp_watch_heard(struct mc_amqp_watch *watch, const char *key, uint64_t now_ms)
{
    if (strcmp(key, "talk") == 0)
        watch->all_ms = now_ms + MC_AMQP_REBIND_MS;
}

unsigned mc_amqp_watch_take(struct mc_amqp_watch *watch, uint64_t now_ms)
{
    if (now_ms >= watch->all_ms) {
        mc_amqp_watch_init(watch, now_ms);
        return MC_AMQP_BINDINGS_ALL;
    }
    if (now_ms < watch->turn_ms)
        return 0;
    watch->turn_ms = now_ms + MC_AMQP_REBIND_MS;
    do
        watch->turn = (watch->turn + 1) % MC_AMQP_BINDINGS;
    while (watch->turn == MC_QUEUE_TALK);
    return 1u << watch->turn;
}
