/* SPDX-License-Identifier: Apache-2.0 */
/* resolver/swap.c -- lanes, the doorway, and when a thing is free. */
#include "resolver/swap.h"

#define ALL_LANES ((1u << MC_SWAP_LANES) - 1u)

/* Threads take lanes in turn. The lane lies where no library that is loaded late needs
 * to ask for memory when a thread first uses it. */
static unsigned own_lane(void)
{
    static atomic_uint next;
    static _Thread_local __attribute__((
        tls_model("initial-exec"))) unsigned lane; /* plus one; 0: none yet */

    if (lane == 0)
        lane =
            atomic_fetch_add_explicit(&next, 1u, memory_order_relaxed) % MC_SWAP_LANES +
            1u;
    return lane - 1u;
}

static void lanes_init(struct mc_swap_lane lanes[MC_SWAP_LANES])
{
    for (unsigned i = 0; i < MC_SWAP_LANES; i++)
        atomic_init(&lanes[i].count, 0);
}

void mc_swap_init(struct mc_swap *swap)
{
    lanes_init(swap->doorway);
    atomic_init(&swap->now, NULL);
    swap->replaced = NULL;
}

void mc_swap_thing_init(struct mc_swap_thing *thing)
{
    lanes_init(thing->holders);
    thing->next = NULL;
    thing->seen = 0;
}

struct mc_swap_thing *mc_swap_hold(struct mc_swap *swap)
{
    unsigned lane = own_lane();
    struct mc_swap_thing *thing;

    atomic_fetch_add_explicit(&swap->doorway[lane].count, 1, memory_order_seq_cst);
    thing = atomic_load_explicit(&swap->now, memory_order_seq_cst);
    if (thing != NULL)
        atomic_fetch_add_explicit(&thing->holders[lane].count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&swap->doorway[lane].count, 1, memory_order_seq_cst);
    return thing;
}

void mc_swap_let_go(struct mc_swap_thing *thing)
{
    atomic_fetch_sub_explicit(&thing->holders[own_lane()].count, 1,
                              memory_order_release);
}

void mc_swap_set(struct mc_swap *swap, struct mc_swap_thing *thing)
{
    struct mc_swap_thing *old =
        atomic_exchange_explicit(&swap->now, thing, memory_order_seq_cst);

    if (old == NULL)
        return;
    old->seen = 0;
    old->next = swap->replaced;
    swap->replaced = old;
}

/* Which lanes of the doorway are empty just now. */
static unsigned look_at_doorway(struct mc_swap *swap)
{
    unsigned empty = 0;

    for (unsigned i = 0; i < MC_SWAP_LANES; i++) {
        if (atomic_load_explicit(&swap->doorway[i].count, memory_order_seq_cst) == 0)
            empty |= 1u << i;
    }
    return empty;
}

/* Only once its count can only fall: then a sum of 0 was read of lanes that no longer
 * change. */
static bool is_free(struct mc_swap_thing *thing)
{
    long holders = 0;

    if (thing->seen != ALL_LANES)
        return false;
    for (unsigned i = 0; i < MC_SWAP_LANES; i++)
        holders += atomic_load_explicit(&thing->holders[i].count, memory_order_acquire);
    return holders == 0;
}

size_t mc_swap_sweep(struct mc_swap *swap, void (*free_it)(struct mc_swap_thing *))
{
    struct mc_swap_thing **at = &swap->replaced;
    unsigned empty = *at == NULL ? 0 : look_at_doorway(swap);
    size_t held = 0;

    while (*at != NULL) {
        struct mc_swap_thing *thing = *at;

        thing->seen |= empty;
        if (is_free(thing)) {
            *at = thing->next;
            free_it(thing);
        } else {
            at = &thing->next;
            held++;
        }
    }
    return held;
}

void mc_swap_fini(struct mc_swap *swap, void (*free_it)(struct mc_swap_thing *))
{
    mc_swap_set(swap, NULL);
    while (swap->replaced != NULL) {
        struct mc_swap_thing *thing = swap->replaced;

        swap->replaced = thing->next;
        free_it(thing);
    }
}
