/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/demo_consumer.h -- a plain consumer of the queue: librabbitmq and nothing of
 * ours, for this is all that another program needs.
 */
#ifndef MCOS_APP_DEMO_CONSUMER_H
#define MCOS_APP_DEMO_CONSUMER_H

#include "mcos/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mc_consumer;

/* The headers of one message, as they stand there; "" and -1: not there. */
struct mc_consumed {
    char ring_name[80];
    long long version;
    long long timestamp;
    size_t bytes; /* of its body */
};

/*
 * Connects to the broker at 127.0.0.1 as guest and binds a queue of its own to the
 * exchange "mcos" with the key "ring". On success *ret_consumer is yours. Fails with
 * AWAY, NOMEM; diag says why.
 */
int mc_consumer_open(unsigned port, struct mc_consumer **ret_consumer,
                     struct mcos_diag *diag);
void mc_consumer_close(struct mc_consumer *consumer); /* NULL is fine */

/* The next message; false: none in time. */
bool mc_consumer_next(struct mc_consumer *consumer, uint32_t within_ms,
                      struct mc_consumed *ret);

#endif /* MCOS_APP_DEMO_CONSUMER_H */
