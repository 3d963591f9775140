/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/queues.h -- the exchange, our two queues, their bindings.
 *
 * Declared at each connection, for an operator, a restart or a wipe may have
 * taken them away. What exists with other arguments is reported and left alone.
 *
 * In a cluster of brokers a durable queue lies on one node. While that node is
 * down nobody can declare, read or delete the queue; a spare one, not durable,
 * takes its place on a node that is up and goes when the queue is back.
 */
#ifndef MCOS_ADAPTER_AMQP_QUEUES_H
#define MCOS_ADAPTER_AMQP_QUEUES_H

#include "adapter/amqp/link.h"
#include "port/bus.h"

#define MC_AMQP_EXCHANGE         "mcos"
#define MC_AMQP_QUEUE_NAME_MAX   100u
#define MC_AMQP_RECORDS_CHANNEL  1
#define MC_AMQP_TALK_CHANNEL     2
#define MC_AMQP_RECORDS_PREFETCH MC_INFLIGHT_MAX
#define MC_AMQP_TALK_PREFETCH    128u

#define MC_AMQP_RECORDS_MAX       256
#define MC_AMQP_RECORDS_BYTES_MAX (256ll << 20)
#define MC_AMQP_RECORDS_TTL_MS    (24ll * 3600 * 1000)
#define MC_AMQP_RECORDS_EXPIRE_MS (30ll * 24 * 3600 * 1000)
#define MC_AMQP_SPARE_EXPIRE_MS   (3600ll * 1000) /* nobody has listened for so long */
#define MC_AMQP_TALK_MAX          4096
#define MC_AMQP_TALK_EXPIRE_MS    (3600ll * 1000)

/* Bindings are bits: 0 and 1 the common key to each queue by enum mc_bus_queue, 2 and 3
 * our own key. */
#define MC_AMQP_BINDINGS     4u
#define MC_AMQP_BINDINGS_ALL 15u

struct mc_amqp_queues {
    char name[2][MC_AMQP_QUEUE_NAME_MAX]; /* by enum mc_bus_queue */
    char spare[MC_AMQP_QUEUE_NAME_MAX];   /* for records */
    char key[2][MC_BUS_KEY_MAX];          /* "ring.<cluster>", "talk.<cluster>" */
};

void mc_amqp_queues_name(struct mc_amqp_queues *queues, const struct mc_name *cluster,
                         const uint8_t uid[MC_UID_BYTES]);

/* What was found when they were opened. */
struct mc_amqp_found {
    bool fresh; /* the queue that records come out of was not there */
    bool spare; /* it is the spare one */
};

/* Makes what is missing and begins to consume; of `shared` queues only talk. Errors of
 * link.h. */
int mc_amqp_queues_open(struct mc_amqp_link *link, const struct mc_amqp_queues *queues,
                        bool shared, struct mc_amqp_found *ret_found);
/* Begins to consume the records, for the talk queue's letters come to us; `spare` as it
 * was found. */
int mc_amqp_queues_take_records(struct mc_amqp_link *link,
                                const struct mc_amqp_queues *queues, bool spare);

/* Makes these bindings again and does not wait: nothing comes of it unless somebody
 * took one away, or the exchange (then the broker closes the channel, NOTFOUND). It
 * tells of a deleted queue, of these it does not. */
int mc_amqp_queues_bind(struct mc_amqp_link *link, const struct mc_amqp_queues *queues,
                        bool spare, unsigned bindings);

/* *ret_home: the records queue can be reached, so the spare one has done its work. */
int mc_amqp_queues_look_home(struct mc_amqp_link *link,
                             const struct mc_amqp_queues *queues, bool *ret_home);

#endif /* MCOS_ADAPTER_AMQP_QUEUES_H */
