/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver/swap.h -- one pointer that is replaced while others look.
 *
 * Any number of threads hold what is in force; one thread, the owner, puts
 * something else in its place and gets the old thing back when nobody holds it any
 * more. Who holds waits for nobody and takes no lock.
 *
 * How it is right. A thing counts who holds it. Between reading the pointer and
 * counting, a holder stands in the *doorway*, which is counted too. After a thing was
 * replaced the owner looks at the doorway until it has seen each lane of it empty
 * once: whoever read the old pointer has counted by then, and nobody can read it any
 * more. From there on the thing's count only falls, and at 0 it is free. (All
 * of the doorway's counting and the pointer are sequentially consistent: a holder
 * that the owner did not see in the doorway entered it later, and reads the new
 * pointer.)
 *
 * Counts are split into lanes, a cache line each, so that threads do not slow each
 * other down. A thread keeps to its lane; a thing may be let go by another thread
 * than held it, so a single lane may be below 0: only the sum means something.
 */
#ifndef MCOS_RESOLVER_SWAP_H
#define MCOS_RESOLVER_SWAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define MC_SWAP_LANES 16u
#define MC_SWAP_LINE  64u /* bytes */

struct mc_swap_lane {
    _Alignas(MC_SWAP_LINE) atomic_long count;
};

/* First member of what is held; allocate it with MC_SWAP_LINE's alignment. */
struct mc_swap_thing {
    struct mc_swap_lane holders[MC_SWAP_LANES];
    struct mc_swap_thing *next; /* replaced before this one; the owner's */
    unsigned seen;              /* lanes of the doorway seen empty since; the owner's */
};

struct mc_swap {
    struct mc_swap_lane doorway[MC_SWAP_LANES];
    _Alignas(MC_SWAP_LINE) _Atomic(struct mc_swap_thing *) now;
    struct mc_swap_thing *replaced; /* the owner's: not free yet */
};

void mc_swap_init(struct mc_swap *swap);
void mc_swap_thing_init(struct mc_swap_thing *thing);

/* Any thread. NULL if nothing is in force; what comes is held until it is let go. */
struct mc_swap_thing *mc_swap_hold(struct mc_swap *swap);
/* Any thread. */
void mc_swap_let_go(struct mc_swap_thing *thing);

/* The owner only. `thing` (NULL: nothing) is in force from now on. */
void mc_swap_set(struct mc_swap *swap, struct mc_swap_thing *thing);
/* The owner only. Gives `free_it` what was replaced and nobody holds; returns how many
 * are still held. Never waits: call it now and then. */
size_t mc_swap_sweep(struct mc_swap *swap, void (*free_it)(struct mc_swap_thing *));

/* Gives `free_it` all that is there, also what was never let go: nobody uses it any
 * more.
 */
void mc_swap_fini(struct mc_swap *swap, void (*free_it)(struct mc_swap_thing *));

#endif /* MCOS_RESOLVER_SWAP_H */
