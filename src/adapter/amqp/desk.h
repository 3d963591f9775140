/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/desk.h -- where the agent's thread and the two that talk to the
 * broker hand things over.
 *
 *     agent      put, next, ack            publisher  take, settle, blocked
 *                                          consumer   deliver, take_acks
 *
 * One lock, held for moments, never around a call of librabbitmq. Everything in
 * it is bounded: letters by number and bytes, deliveries by the prefetch.
 *
 * The bus is up while both sides are and the broker has room. When that ends, every
 * letter that is not confirmed is told AWAY; what the consumer had brought is
 * forgotten when the consumer falls, for the broker will bring it again. A broker
 * without room (DOWN with FULL) still brings letters.
 */
#ifndef MCOS_ADAPTER_AMQP_DESK_H
#define MCOS_ADAPTER_AMQP_DESK_H

#include "adapter/amqp/parcel.h"
#include "adapter/amqp/queues.h"
#include "port/clock.h"

#include <pthread.h>

#define MC_AMQP_LETTERS_MAX 4096u        /* handed over, confirmation not told */
#define MC_AMQP_BYTES_MAX   (256u << 20) /* and their bodies */
#define MC_AMQP_SEND_MS     10000u       /* until it is on the wire, or BUSY */
#define MC_AMQP_CONFIRM_MS  60000u       /* from then on, or BUSY */
#define MC_AMQP_DRAIN_MS    2000u        /* at close, for what was handed over */
#define MC_AMQP_REFUSED_MS  600000u /* then a size that was refused is tried again */
#define MC_AMQP_ACKS_TALK   16u     /* so many of talk are acknowledged at once, */
#define MC_AMQP_ACKS_MS     100     /* or what there are after this time */
#define MC_AMQP_OUT_MAX     (MC_AMQP_RECORDS_PREFETCH + MC_AMQP_TALK_PREFETCH)
#define MC_AMQP_TEXT_MAX    256u

enum mc_amqp_side_name { MC_AMQP_PUBLISHER, MC_AMQP_CONSUMER };

struct mc_amqp_letter {
    struct mc_amqp_letter *next;
    struct mc_letter_head head;
    struct mc_blob *body;
    uint64_t token;
    uint64_t tag;    /* the broker's count, once sent */
    uint64_t due_ms; /* waits no longer */
    int err;         /* once done */
};

struct mc_amqp_letters {
    struct mc_amqp_letter *first;
    struct mc_amqp_letter *last;
};

/* A delivery, here or with the agent. */
struct mc_amqp_arrival {
    struct mc_amqp_arrival *next;
    struct mc_bus_event event;
    uint64_t tag;
    uint64_t came_ms;
};

struct mc_amqp_arrivals {
    struct mc_amqp_arrival *first;
    struct mc_amqp_arrival *last;
};

struct mc_amqp_out {
    uint64_t delivery; /* the agent's number, 0: free */
    enum mc_bus_queue queue;
    uint64_t tag;
};

struct mc_amqp_ack {
    enum mc_bus_queue queue;
    uint64_t tag;
    bool multiple; /* and all before it in that queue */
};

enum mc_amqp_told { MC_AMQP_TOLD_NOTHING, MC_AMQP_TOLD_UP, MC_AMQP_TOLD_DOWN };

struct mc_amqp_desk {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* a side has */
    struct mc_clock *clock;
    uint64_t talk_ttl_ms;
    int agent_fd;    /* eventfd: next() has something */
    int side_fd[2];  /* eventfd: the side has something to do */
    int socket[2];   /* of its connection, -1: none */
    bool running[2]; /* its thread */
    bool nudged[2];  /* in its pause: try again at once */
    bool up[2];
    bool stopping;
    uint64_t stop_ms; /* then letters are left where they are */

    unsigned falls; /* how often the bus went down */
    int fall_err;
    bool fresh;
    char trouble[MC_AMQP_TEXT_MAX]; /* of the last failure */
    bool yield;                     /* the consumer is to let the queues go */
    bool recheck;                   /* the consumer is to look after its queues */
    bool blocked;                   /* the broker has no room: counts as a fall */
    bool spare;                     /* records come out of the spare queue */
    uint64_t unheard;               /* letters that no queue took */
    uint64_t dropped;               /* deliveries that were not letters */
    struct mc_amqp_letters queued, sent, done;
    size_t body_max; /* what the broker takes as we were told; SIZE_MAX: we were not */
    size_t refused_max;  /* as it told by refusing; SIZE_MAX: it did not */
    uint64_t refused_ms; /* until then */
    size_t letter_count;
    uint64_t letter_bytes;
    struct mc_amqp_arrivals in[2];
    unsigned unacked[2]; /* what the broker waits for */
    struct mc_amqp_ack acks[MC_AMQP_OUT_MAX];
    size_t ack_count;
    struct mc_amqp_out out[MC_AMQP_OUT_MAX];
    uint64_t delivery; /* the last number given */

    /* What the agent was told. */
    enum mc_amqp_told told;
    unsigned told_falls;
};

/* For the log. */
struct mc_amqp_news {
    bool away;
    int err; /* of the last failure */
    char trouble[MC_AMQP_TEXT_MAX];
    bool blocked;
    bool spare;
    uint64_t unheard;
    uint64_t dropped;
};

void mc_amqp_ring(int fd); /* an eventfd */

int mc_amqp_desk_init(struct mc_amqp_desk *desk, struct mc_clock *clock,
                      uint64_t talk_ttl_ms);
void mc_amqp_desk_fini(struct mc_amqp_desk *desk); /* both sides have ended */

/* --- the agent's side --- */

/* Bytes that a body may have, as far as is known; SIZE_MAX: any. */
size_t mc_amqp_desk_body_max(struct mc_amqp_desk *desk);
int mc_amqp_desk_put(struct mc_amqp_desk *desk, const struct mc_letter_head *head,
                     struct mc_bytes body, uint64_t token);
int mc_amqp_desk_next(struct mc_amqp_desk *desk, struct mc_bus_event *ret_event,
                      uint64_t *ret_wait_ms);
void mc_amqp_desk_ack(struct mc_amqp_desk *desk, uint64_t delivery);
void mc_amqp_desk_yield(struct mc_amqp_desk *desk);
void mc_amqp_desk_news(struct mc_amqp_desk *desk, struct mc_amqp_news *ret_news);

/* --- any side --- */

void mc_amqp_desk_up(struct mc_amqp_desk *desk, enum mc_amqp_side_name side,
                     bool fresh);
void mc_amqp_desk_down(struct mc_amqp_desk *desk, enum mc_amqp_side_name side, int err,
                       const char *text);
/* Lets whoever closes the bus end a call that hangs on this socket; -1: none. */
void mc_amqp_desk_socket(struct mc_amqp_desk *desk, enum mc_amqp_side_name side,
                         int fd);
bool mc_amqp_desk_stopping(struct mc_amqp_desk *desk);
/* What rang until now is about to be looked at. */
void mc_amqp_desk_heard(struct mc_amqp_desk *desk, enum mc_amqp_side_name side);
/* Waits, unless the other side has just come up; true: the bus is being closed. */
bool mc_amqp_desk_pause(struct mc_amqp_desk *desk, enum mc_amqp_side_name side,
                        uint64_t ms);

/* --- the publisher --- */

/* The next letter to send, marked as sent under this tag. *ret_body is yours.
 * EMPTY: none now. */
int mc_amqp_desk_take(struct mc_amqp_desk *desk, uint64_t tag,
                      struct mc_letter_head *ret_head, struct mc_blob **ret_body);
void mc_amqp_desk_settle(struct mc_amqp_desk *desk, uint64_t tag, bool multiple,
                         int err);
/* The broker has refused one for its size and says not which: the largest. From
 * then on put() refuses what is larger than `max`, or each try would cost the
 * connection. 0: the broker did not tell its limit, so that size itself is refused. */
void mc_amqp_desk_refuse_largest(struct mc_amqp_desk *desk, size_t max);
void mc_amqp_desk_blocked(struct mc_amqp_desk *desk, bool blocked);
/* No queue took a letter. to_all: not even our own, which is bound to its key. */
void mc_amqp_desk_unheard(struct mc_amqp_desk *desk, bool to_all);
/* True once nothing is left to do for a publisher that is to stop. */
bool mc_amqp_desk_drained(struct mc_amqp_desk *desk);

/* --- the consumer --- */

/* Takes what the parcel holds. Fails with NOMEM, FORMAT (more than the prefetch). */
int mc_amqp_desk_deliver(struct mc_amqp_desk *desk, enum mc_bus_queue queue,
                         struct mc_amqp_parcel *parcel);
/* How long to wait for what comes, `ms` at most: letters of talk are acknowledged
 * several at once, and nobody rings for the last ones. */
int mc_amqp_desk_patience(struct mc_amqp_desk *desk, int ms);
/* What to acknowledge, at most max. */
size_t mc_amqp_desk_take_acks(struct mc_amqp_desk *desk, struct mc_amqp_ack *ret_acks,
                              size_t max);
void mc_amqp_desk_spare(struct mc_amqp_desk *desk, bool spare);
/* True once after the agent wanted to let the queues go. */
bool mc_amqp_desk_yields(struct mc_amqp_desk *desk);
/* True once after somebody noticed that our queues are not what they were. */
bool mc_amqp_desk_recheck(struct mc_amqp_desk *desk);

#endif /* MCOS_ADAPTER_AMQP_DESK_H */
