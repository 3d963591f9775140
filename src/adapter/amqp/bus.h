/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/bus.h -- the bus over RabbitMQ.
 *
 * One durable topic exchange, `mcos`, and for each cluster two queues that only
 * one agent at a time consumes from:
 *
 *     mcos.<cluster>.<uid8>        durable: "ring" and "ring.<cluster>"
 *     mcos.<cluster>.<uid8>.talk   not durable: "talk" and "talk.<cluster>"
 *
 * and a third, .spare, while the node of a broker cluster that holds the first is
 * down (queues.h).
 *
 * With several agents (`shared`) the one that the broker gives the talk queue's
 * letters to takes the records queue as well, and not before: so both have the same
 * active consumer. Its heartbeat is short, for the others wait for the broker to
 * notice that it is gone.
 *
 * <uid8>: the first 8 hex digits of the cluster's uid. Two threads of the
 * adapter's own talk to the broker, one connection each; the agent's thread only
 * visits the desk between them (desk.h) and never waits for a broker.
 *
 * A directed letter that no queue takes is confirmed like any other (port/bus.h:
 * it missed no queue) and counted; a letter to all that not even our own queue
 * takes makes the adapter declare its queues again.
 */
#ifndef MCOS_ADAPTER_AMQP_BUS_H
#define MCOS_ADAPTER_AMQP_BUS_H

#include "port/bus.h"
#include "port/clock.h"
#include "port/log.h"

#include "mcos/err.h"

struct mc_amqp_bus_config {
    const char *url;           /* amqp:// or amqps://, see url.h; copied, as all are */
    const char *ca;            /* PEM files; "" if none. amqps:// needs a ca */
    const char *cert;          /* with key, or neither */
    const char *key;           /* */
    struct mc_name cluster;    /* whose queues these are */
    uint8_t uid[MC_UID_BYTES]; /* */
    uint64_t talk_ttl_ms;      /* of what we send; not 0 */
    bool shared;               /* other agents may consume from the queues too */
    uint64_t seed;             /* of the waits between tries: another one each start */
    struct mc_clock *clock;    /* any thread may ask it; must outlive the bus */
    struct mc_log *log;        /* NULL: says nothing. Called from next() only */
};

/*
 * *ret_bus is yours (ops->close, which waits up to 2 s for what was handed over to
 * be confirmed). Fails with CONFIG (address or files), VALUE, NOMEM, IO. A broker
 * that is away, or refuses us, is no failure: DOWN says so, with err AWAY, CONFIG
 * or NOTFOUND, and it is tried again until close().
 */
int mc_amqp_bus_open(const struct mc_amqp_bus_config *config, struct mc_bus **ret_bus,
                     struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_AMQP_BUS_H */
