/* SPDX-License-Identifier: Apache-2.0 */
/* node/figures.c -- one entry for each ring name, of the record measured last. */
#include "node/figures.h"

#include <stdlib.h>
#include <string.h>

/* Where the ring's entry is, or would be. */
static bool find(const struct mc_routes *routes, const char *name, size_t *ret_at)
{
    return mc_name_place(routes->figures, routes->figures_count,
                         sizeof(*routes->figures), name, ret_at);
}

static bool is_known(const struct mc_routes *routes, const struct mc_ring *ring,
                     size_t *ret_at)
{
    const struct mc_head *head = mc_ring_head(ring);

    return find(routes, head->name.s, ret_at) &&
           memcmp(routes->figures[*ret_at].digest, head->digest, MC_DIGEST_BYTES) == 0;
}

void mc_figures_put(struct mc_routes *routes, const struct mc_ring *ring,
                    const struct mc_build_report *report)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_figures *f;
    size_t at;

    if (!find(routes, head->name.s, &at)) {
        if (routes->figures_count == routes->figures_cap) {
            size_t cap = routes->figures_cap == 0 ? 16 : 2 * routes->figures_cap;
            struct mc_figures *grown = realloc(routes->figures, cap * sizeof(*grown));

            if (grown == NULL)
                return; /* measured again when memory is back */
            routes->figures = grown;
            routes->figures_cap = cap;
        }
        f = &routes->figures[at];
        memmove(f + 1, f, (routes->figures_count - at) * sizeof(*f));
        routes->figures_count++;
    }
    f = &routes->figures[at];
    f->ring = head->name;
    memcpy(f->digest, head->digest, MC_DIGEST_BYTES);
    f->report = *report;
    f->report.moved = 0;
    f->report.moved_lower_bound = 0;
    f->report.held_back = 0;
    f->report.held_back_lower_bound = 0;
}

/* ---- by the worker ---- */

struct measuring {
    struct mc_routes *routes;
    struct mc_ring *ring; /* ours */
    struct mc_build_report report;
    int err;
};

static void sweep(struct mc_routes *routes);

static void run(void *ctx)
{
    struct measuring *m = ctx;

    m->err = mc_build_measure(m->ring, NULL, &m->report);
}

static void done(void *ctx, bool wanted)
{
    struct measuring *m = ctx;

    m->routes->measuring = false;
    if (wanted && m->err == 0) {
        mc_figures_put(m->routes, m->ring, &m->report);
        sweep(m->routes);
    }
    mc_ring_unref(m->ring);
    free(m);
}

/* Has the next ring measured whose figures are not known. */
static void sweep(struct mc_routes *routes)
{
    const struct mc_ring *ring;
    struct measuring *m;
    size_t cursor = 0;
    size_t at;

    if (routes->measuring)
        return;
    do
        ring = mc_agent_ring_next(routes->agent, &cursor);
    while (ring != NULL &&
           (mc_ring_head(ring)->tombstone || is_known(routes, ring, &at)));
    m = ring == NULL ? NULL : calloc(1, sizeof(*m));
    if (m == NULL)
        return;
    m->routes = routes;
    /* A reference is a count, not a change of the ring. */
    m->ring = mc_ring_ref((struct mc_ring *)(uintptr_t)ring);
    if (routes->config.work->submit(routes->config.work,
                                    &(struct mc_job){run, done, m, false}) == 0) {
        routes->measuring = true;
        return;
    }
    mc_ring_unref(m->ring); /* it is busy with changes; the next reader tries again */
    free(m);
}

bool mc_figures_get(struct mc_routes *routes, const struct mc_ring *ring,
                    struct mc_build_report *ret_report)
{
    const struct mc_head *head = mc_ring_head(ring);
    size_t at;

    if (head->tombstone)
        return false;
    if (is_known(routes, ring, &at)) {
        *ret_report = routes->figures[at].report;
        return true;
    }
    if (head->assignments > routes->figures_budget) {
        sweep(routes);
        return false;
    }
    routes->figures_budget -= head->assignments;
    if (mc_build_measure(ring, NULL, ret_report) != 0)
        return false;
    mc_figures_put(routes, ring, ret_report);
    return true;
}
