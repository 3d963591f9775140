/* SPDX-License-Identifier: Apache-2.0 */
/* sim/queue.c -- see queue.h. */
#include "sim/queue.h"

#include "sim/agenda.h"

#include <assert.h>
#include <stdlib.h>

struct sim_letter *sim_letter_new(const struct mc_letter_head *head,
                                  struct mc_bytes body)
{
    struct sim_letter *letter = sim_alloc(sizeof(*letter));

    letter->refs = 1;
    letter->head = *head;
    if (mc_blob_new(body, &letter->body) != 0)
        abort();
    return letter;
}

struct sim_letter *sim_letter_ref(struct sim_letter *letter)
{
    letter->refs++;
    return letter;
}

void sim_letter_unref(struct sim_letter *letter)
{
    if (letter == NULL || --letter->refs > 0)
        return;
    mc_blob_unref(letter->body);
    free(letter);
}

void sim_queue_init(struct sim_queue *q, size_t max, uint64_t bytes_max)
{
    *q = (struct sim_queue){.max = max, .bytes_max = bytes_max};
}

void sim_queue_clear(struct sim_queue *q)
{
    while (q->count > 0)
        sim_letter_unref(sim_queue_pop(q).letter);
}

void sim_queue_fini(struct sim_queue *q)
{
    sim_queue_clear(q);
    free(q->list);
    *q = (struct sim_queue){0};
}

static uint64_t size_of(const struct sim_letter *letter)
{
    return mc_blob_get(letter->body).len;
}

static void make_room(struct sim_queue *q, uint64_t bytes)
{
    while (q->count > 0 && (q->count >= q->max || q->bytes + bytes > q->bytes_max)) {
        sim_letter_unref(sim_queue_pop(q).letter);
        q->dropped++;
    }
    if (q->count < q->cap)
        return;
    {
        size_t cap = q->cap == 0 ? 16 : 2 * q->cap;
        struct sim_item *list = sim_alloc(cap * sizeof(*list));

        for (size_t i = 0; i < q->count; i++)
            list[i] = q->list[(q->first + i) % q->cap];
        free(q->list);
        q->list = list;
        q->cap = cap;
        q->first = 0;
    }
}

void sim_queue_push(struct sim_queue *q, struct sim_item item)
{
    make_room(q, size_of(item.letter));
    q->list[(q->first + q->count) % q->cap] = item;
    q->count++;
    q->bytes += size_of(item.letter);
    sim_letter_ref(item.letter);
    assert(q->count <= q->max);
}

void sim_queue_push_front(struct sim_queue *q, struct sim_item item)
{
    if (q->count == q->max) { /* it is the oldest itself */
        q->dropped++;
        return;
    }
    make_room(q, 0);
    q->first = (q->first + q->cap - 1) % q->cap;
    q->list[q->first] = item;
    q->count++;
    q->bytes += size_of(item.letter);
    sim_letter_ref(item.letter);
}

const struct sim_item *sim_queue_peek(const struct sim_queue *q)
{
    return q->count == 0 ? NULL : &q->list[q->first];
}

struct sim_item sim_queue_pop(struct sim_queue *q)
{
    struct sim_item item = q->list[q->first];

    assert(q->count > 0);
    q->first = (q->first + 1) % q->cap;
    q->count--;
    q->bytes -= size_of(item.letter);
    return item;
}
