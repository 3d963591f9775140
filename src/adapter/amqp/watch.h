/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/watch.h -- when to make our bindings again, and which.
 *
 * Nobody tells that a binding was taken away, and to make one again is a transaction in
 * the broker, though it changes nothing: all four every 15 s were 53 in a second for
 * 200 agents. A letter to all that comes out of the talk queue shows that queue,
 * exchange and that binding are there; then one of the other three has its turn every
 * 15 s. What a letter lost on one of these alone would have told is asked for meanwhile
 * (P30, P32). When nothing came for 15 s, all are made.
 */
#ifndef MCOS_ADAPTER_AMQP_WATCH_H
#define MCOS_ADAPTER_AMQP_WATCH_H

#include "adapter/amqp/queues.h"

#define MC_AMQP_REBIND_MS 15000u

struct mc_amqp_watch {
    uint64_t all_ms;  /* then all are made, unless something is heard before */
    uint64_t turn_ms; /* then the next one */
    unsigned turn;    /* the last one */
};

void mc_amqp_watch_init(struct mc_amqp_watch *watch, uint64_t now_ms);
/* A letter with this key came. */
void mc_amqp_watch_heard(struct mc_amqp_watch *watch, const char *key, uint64_t now_ms);
/* The bindings to make again now; 0: none. */
unsigned mc_amqp_watch_take(struct mc_amqp_watch *watch, uint64_t now_ms);

#endif /* MCOS_ADAPTER_AMQP_WATCH_H */
