/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/clock.c -- how far our clock is from the others' (P55).
 *
 * Of each peer we keep its wall clock less our monotonic one, taken when it was
 * heard; so a jump of our own wall clock is seen at once, not at the next
 * announcement.
 */
#include "sync/machine_state.h"

/* The k-th smallest (Hoare's FIND), in place and without memory of its own. */
static int64_t kth(int64_t *list, size_t n, size_t k)
{
    size_t lo = 0;
    size_t hi = n - 1;

    while (lo < hi) {
        int64_t pivot = list[lo + (hi - lo) / 2];
        size_t i = lo;
        size_t j = hi;

        for (;;) {
            int64_t swap;

            while (list[i] < pivot)
                i++;
            while (list[j] > pivot)
                j--;
            if (i >= j)
                break;
            swap = list[i];
            list[i++] = list[j];
            list[j--] = swap;
        }
        if (k <= j)
            hi = j;
        else
            lo = j + 1;
    }
    return list[k];
}

int64_t mc_clock_offset(const struct mc_machine *m, uint64_t now_ms, uint64_t wall_ns,
                        size_t *ret_count)
{
    int64_t ours = (int64_t)(wall_ns / 1000000) - (int64_t)now_ms;
    size_t n = 0;

    for (size_t i = 0; i < m->peer_count; i++) {
        const struct mc_peer *peer = m->peers[i];

        if (!peer->self && peer->state == MC_MEMBER_ACTIVE)
            m->clocks[n++] = peer->clock_base_ms;
    }
    *ret_count = n;
    if (n == 0)
        return 0;
    /* Of two middle ones the lower: an integer, the same everywhere. */
    return ours - kth(m->clocks, n, (n - 1) / 2);
}

void mc_clock_check(struct mc_machine *m)
{
    size_t count;
    int64_t offset = mc_clock_offset(m, m->now_ms, m->wall_ns, &count);
    bool far = offset > MC_CLOCK_OFF_MS || offset < -MC_CLOCK_OFF_MS;

    if (far && !m->clock_off)
        mc_say(m, MC_NOTE_CLOCK_OFF)->number = offset;
    m->clock_off = far;
}
