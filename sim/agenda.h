/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/agenda.h -- what is to happen when, on virtual time.
 *
 * Two things due in the same millisecond happen in the order in which they were
 * put down, so that a seed tells the whole story.
 */
#ifndef MCOS_SIM_AGENDA_H
#define MCOS_SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_NEVER UINT64_MAX

enum sim_due_kind {
    SIM_DUE_TURN,    /* an agent wants its turn */
    SIM_DUE_LETTER,  /* a letter reaches a queue */
    SIM_DUE_CONFIRM, /* a publisher hears that its letter is kept */
};

struct sim_letter;

struct sim_due {
    uint64_t at_ms;
    uint64_t order; /* set by the agenda */
    enum sim_due_kind kind;
    uint32_t site;
    uint64_t token; /* CONFIRM */
    uint64_t line;  /* CONFIRM: the connection that it belongs to */
    struct sim_letter *letter;
};

/* Made with {0}. */
struct sim_agenda {
    struct sim_due *list; /* a heap, the soonest first */
    size_t count;
    size_t cap;
    uint64_t order;
};

void sim_agenda_fini(struct sim_agenda *agenda); /* letters are not given back */
void sim_agenda_put(struct sim_agenda *agenda, const struct sim_due *due);
/* SIM_NEVER: nothing is to happen. */
uint64_t sim_agenda_next_ms(const struct sim_agenda *agenda);
/* Takes the first one; false if there is none. */
bool sim_agenda_take(struct sim_agenda *agenda, struct sim_due *ret_due);

/* Memory for the small world; it ends the process when there is none. */
void *sim_alloc(size_t bytes);                    /* zeroed; free() */
void *sim_grow(void *old, size_t n, size_t size); /* realloc to n * size */

#endif /* MCOS_SIM_AGENDA_H */
