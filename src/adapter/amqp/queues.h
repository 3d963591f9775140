/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/queues.h -- the exchange, our two queues, their bindings.
 *
 * Declared at each connection, for an operator, a restart or a wipe may have
 * taken them away. What exists with other arguments is reported and left alone.
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
#define MC_AMQP_TALK_MAX          4096
#define MC_AMQP_TALK_EXPIRE_MS    (3600ll * 1000) /* nobody has listened for so long */

struct mc_amqp_queues {
    char name[2][MC_AMQP_QUEUE_NAME_MAX]; /* by enum mc_bus_queue */
    char key[2][MC_BUS_KEY_MAX];          /* "ring.<cluster>", "talk.<cluster>" */
};

void mc_amqp_queues_name(struct mc_amqp_queues *queues, const struct mc_name *cluster,
                         const uint8_t uid[MC_UID_BYTES]);

/* Makes what is missing and begins to consume; of `shared` queues only talk.
 * *ret_fresh: the records queue was not there. Errors of link.h. */
int mc_amqp_queues_open(struct mc_amqp_link *link, const struct mc_amqp_queues *queues,
                        bool shared, bool *ret_fresh);
/* Begins to consume the records: the talk queue's letters come to us. */
int mc_amqp_queues_take_records(struct mc_amqp_link *link,
                                const struct mc_amqp_queues *queues);

/* Binds them again: that does nothing unless somebody took a binding away, or the
 * exchange (then NOTFOUND). The broker tells of a deleted queue, of these it does
 * not. */
int mc_amqp_queues_bind(struct mc_amqp_link *link, const struct mc_amqp_queues *queues);

#endif /* MCOS_ADAPTER_AMQP_QUEUES_H */
