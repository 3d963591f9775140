/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/queue.h -- letters, and one bounded queue of them: the oldest is dropped
 * first. A letter is shared by all the queues that it lies in.
 */
#ifndef MCOS_SIM_QUEUE_H
#define MCOS_SIM_QUEUE_H

#include "port/bus.h"

#include <stddef.h>

struct sim_letter {
    unsigned refs;
    enum mc_bus_queue queue;
    uint32_t site; /* that sent it */
    uint64_t sent_ms;
    uint64_t outage; /* how often the bus had been away when it was sent */
    struct mc_letter_head head;
    struct mc_blob *body;
};

struct sim_letter *sim_letter_new(const struct mc_letter_head *head,
                                  struct mc_bytes body);
struct sim_letter *sim_letter_ref(struct sim_letter *letter);
void sim_letter_unref(struct sim_letter *letter); /* NULL is fine */

struct sim_item {
    struct sim_letter *letter;
    uint64_t arrival; /* the post's count of arrivals: who came first */
};

/* A ring buffer that grows up to `max`. */
struct sim_queue {
    struct sim_item *list;
    size_t cap;
    size_t first;
    size_t count;
    size_t max;
    uint64_t bytes;
    uint64_t bytes_max;
    uint64_t dropped;
};

void sim_queue_init(struct sim_queue *q, size_t max, uint64_t bytes_max);
void sim_queue_clear(struct sim_queue *q);
void sim_queue_fini(struct sim_queue *q);
/* Keep a reference of their own. */
void sim_queue_push(struct sim_queue *q, struct sim_item item);
void sim_queue_push_front(struct sim_queue *q, struct sim_item item);
/* The oldest, or NULL; lent until the queue changes. */
const struct sim_item *sim_queue_peek(const struct sim_queue *q);
struct sim_item sim_queue_pop(struct sim_queue *q); /* yours: its letter */

#endif /* MCOS_SIM_QUEUE_H */
