/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/side.h -- a thread that keeps one connection: one to publish, one
 * to consume, for a broker that has no room stops reading from who publishes.
 *
 * Whatever goes wrong, a side does the same: it lets go of its connection, waits
 * (pace.h) and begins anew at the next broker.
 */
#ifndef MCOS_ADAPTER_AMQP_SIDE_H
#define MCOS_ADAPTER_AMQP_SIDE_H

#include "adapter/amqp/desk.h"
#include "adapter/amqp/link.h"
#include "adapter/amqp/pace.h"
#include "adapter/amqp/queues.h"

#define MC_AMQP_LOOK_MS        5000 /* heartbeats are sent when the library is called */
#define MC_AMQP_SHARED_LOOK_MS 2000 /* with the short heartbeat */
#define MC_AMQP_HOME_MS        5000u /* with a spare queue, whether ours is back */
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
    struct mc_amqp_pace pace;
    uint64_t up_ms; /* when the last connection was of use; 0: it never was */
    size_t host;    /* to try next */
};

/* Fails with NOMEM. */
int mc_amqp_side_start(struct mc_amqp_side *side, uint64_t seed);

/* The link serves from now on; `fresh`: its queue was not there. */
void mc_amqp_side_up(struct mc_amqp_side *side, bool fresh);

int mc_amqp_publisher_serve(struct mc_amqp_side *side, struct mc_amqp_link *link);
int mc_amqp_consumer_serve(struct mc_amqp_side *side, struct mc_amqp_link *link);

#endif /* MCOS_ADAPTER_AMQP_SIDE_H */
