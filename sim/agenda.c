/* SPDX-License-Identifier: Apache-2.0 */
/* sim/agenda.c -- a binary heap over (time, order). */
#include "sim/agenda.h"

#include <stdio.h>
#include <stdlib.h>

void *sim_alloc(size_t bytes)
{
    void *p = calloc(1, bytes == 0 ? 1 : bytes);

    if (p == NULL) {
        (void)fprintf(stderr, "mcos-sim: out of memory\n");
        exit(9);
    }
    return p;
}

void *sim_grow(void *old, size_t n, size_t size)
{
    void *p = reallocarray(old, n == 0 ? 1 : n, size);

    if (p == NULL) {
        (void)fprintf(stderr, "mcos-sim: out of memory\n");
        exit(9);
    }
    return p;
}

void sim_agenda_fini(struct sim_agenda *agenda)
{
    free(agenda->list);
    *agenda = (struct sim_agenda){0};
}

static bool sooner(const struct sim_due *a, const struct sim_due *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void sim_agenda_put(struct sim_agenda *agenda, const struct sim_due *due)
{
    struct sim_due mine = *due;
    size_t i = agenda->count++;

    if (agenda->count > agenda->cap) {
        agenda->cap = agenda->cap == 0 ? 64 : 2 * agenda->cap;
        agenda->list = sim_grow(agenda->list, agenda->cap, sizeof(*agenda->list));
    }
    mine.order = agenda->order++;
    while (i > 0 && sooner(&mine, &agenda->list[(i - 1) / 2])) {
        agenda->list[i] = agenda->list[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    agenda->list[i] = mine;
}

uint64_t sim_agenda_next_ms(const struct sim_agenda *agenda)
{
    return agenda->count == 0 ? SIM_NEVER : agenda->list[0].at_ms;
}

bool sim_agenda_take(struct sim_agenda *agenda, struct sim_due *ret_due)
{
    struct sim_due last;
    size_t i = 0;

    if (agenda->count == 0)
        return false;
    *ret_due = agenda->list[0];
    last = agenda->list[--agenda->count];
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= agenda->count)
            break;
        if (child + 1 < agenda->count &&
            sooner(&agenda->list[child + 1], &agenda->list[child]))
            child++;
        if (!sooner(&agenda->list[child], &last))
            break;
        agenda->list[i] = agenda->list[child];
        i = child;
    }
    agenda->list[i] = last;
    return true;
}
