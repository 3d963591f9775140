/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/side.h -- a thread that keeps one connection: one to publish, one
 * to consume, for a broker that has no room stops reading from who publishes.
 *
 * Whatever goes wrong, a side does the same: it lets go of its connection, waits
 * and begins anew at the next broker. The wait is drawn from [0, n], n being
 * 0.2, 0.4, 0.8 ... 60 s: quick after a hiccup, and ten thousand clusters whose
 * broker was away do not come back in one second.
 */
#ifndef MCOS_ADAPTER_AMQP_SIDE_H
#define MCOS_ADAPTER_AMQP_SIDE_H

#include "adapter/amqp/desk.h"
#include "adapter/amqp/link.h"
#include "adapter/amqp/queues.h"
#include "base/rng.h"

#define MC_AMQP_RETRY_MS       200u
#define MC_AMQP_RETRY_MS_MAX   60000u
#define MC_AMQP_STEADY_MS      5000u /* up for so long: the next wait is short again */
#define MC_AMQP_LOOK_MS        5000 /* heartbeats are sent when the library is called */
#define MC_AMQP_SHARED_LOOK_MS 2000 /* with the short heartbeat */
#define MC_AMQP_REBIND_MS      15000u /* bindings are looked after so often */
#define MC_AMQP_HOME_MS        5000u  /* with a spare queue, whether ours is back */
#define MC_AMQP_PATH_MAX       1024u

/* What both sides read; nobody writes it once they run. */
struct mc_amqp_setup {
    struct mc_amqp_url url;
    char ca[MC_AMQP_PATH_MAX];
    char cert[MC_AMQP_PATH_MAX];
    char key[MC_AMQP_PATH_MAX];
    struct mc_amqp_queues queues;
    struct mc_name cluster;
    uint8_t uid[MC_UID_BYTES];
    uint64_t talk_ttl_ms;
    bool shared;
};

struct mc_amqp_side {
    enum mc_amqp_side_name name;
    const struct mc_amqp_setup *setup;
    struct mc_amqp_desk *desk;
    /* Serves an open link until it fails, or 0: the bus is being closed. */
    int (*serve)(struct mc_amqp_side *side, struct mc_amqp_link *link);
    pthread_t thread;
    struct mc_rng rng;
    unsigned tries;
    size_t host; /* to try next */
};

/* How long to wait after so many failures in a row. */
uint64_t mc_amqp_retry_ms(unsigned tries, struct mc_rng *rng);

/* Fails with NOMEM. */
int mc_amqp_side_start(struct mc_amqp_side *side, uint64_t seed);

int mc_amqp_publisher_serve(struct mc_amqp_side *side, struct mc_amqp_link *link);
int mc_amqp_consumer_serve(struct mc_amqp_side *side, struct mc_amqp_link *link);

#endif /* MCOS_ADAPTER_AMQP_SIDE_H */
