/* SPDX-License-Identifier: Apache-2.0 */
/* ring/flow.c -- the lists and sets behind a rebalance. */
#include "ring/flow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int mc_flow_init(struct mc_flow *f, const struct mc_plan *plan,
                 const struct mc_plan_old *old, uint64_t seed, uint32_t *table)
{
    size_t n = plan->tree.leaf_count + 1u;
    size_t places = (size_t)plan->part_count * plan->stride;

    *f = (struct mc_flow){.plan = plan,
                          .old = old,
                          .rng = mc_rng_init(seed),
                          .table = table,
                          .vacant = plan->tree.leaf_count,
                          .stride_inverse = UINT32_MAX / plan->stride + 1ull};
    f->excess = calloc(n, sizeof(*f->excess));
    f->price = calloc(n, sizeof(*f->price));
    f->level = calloc(n, sizeof(*f->level));
    f->queue = calloc(n, sizeof(*f->queue));
    f->lists = calloc(n, sizeof(*f->lists));
    f->cursors = calloc(n, sizeof(*f->cursors));
    f->lost = calloc(plan->part_count, 1);
    f->special = calloc(places / 64 + 1, sizeof(*f->special));
    if (old->gentle)
        f->may_lose = calloc(plan->part_count, 1);
    if (f->excess == NULL || f->price == NULL || f->level == NULL || f->queue == NULL ||
        f->lists == NULL || f->cursors == NULL || f->lost == NULL ||
        f->special == NULL || (old->gentle && f->may_lose == NULL))
        f->err = MCOS_E_NOMEM;
    return f->err;
}

void mc_flow_fini(struct mc_flow *f)
{
    for (uint32_t i = 0; f->lists != NULL && i <= f->vacant; i++)
        free(f->lists[i].at);
    for (size_t i = 0; i < f->set_count; i++)
        mc_leafset_fini(&f->sets[i]);
    free(f->tight);
    free(f->excess);
    free(f->price);
    free(f->level);
    free(f->queue);
    free(f->lists);
    free(f->cursors);
    free(f->lost);
    free(f->may_lose);
    free(f->special);
    free(f->clean);
    free(f->clean_first);
    free(f->clean_step);
    free(f->sets);
    free(f->set_of);
}

void mc_flow_tell(struct mc_flow *f, uint32_t rows_kept)
{
    uint64_t done = 100 * (uint64_t)rows_kept / f->plan->part_count;

    if (f->to_push != 0)
        done += 900 * f->pushed / f->to_push;
    if (f->err == 0)
        f->err = mc_plan_tell(f->plan, done, 1000);
}

void mc_flow_list(struct mc_flow *f, uint32_t place)
{
    struct mc_places *l = &f->lists[f->table[place]];

    if (l->count == l->cap) {
        uint32_t cap = l->cap != 0 ? 2 * l->cap : 64;
        uint32_t *at = realloc(l->at, cap * sizeof(*at));

        if (at == NULL) {
            f->err = MCOS_E_NOMEM;
            return;
        }
        l->at = at;
        l->cap = cap;
    }
    l->at[l->count++] = place;
    f->special[place / 64] |= 1ull << place % 64;
}

static bool is_special(const struct mc_flow *f, uint32_t place)
{
    return (f->special[place / 64] >> place % 64 & 1) != 0;
}

void mc_flow_moved(struct mc_flow *f, uint32_t place, uint32_t from)
{
    uint32_t part = mc_flow_part(f, place);
    uint32_t first = part * f->plan->stride;
    uint32_t to = f->table[place];

    if (from != f->vacant && mc_flow_was(f, part, from))
        f->lost[part]++;
    if (to != f->vacant && mc_flow_was(f, part, to))
        f->lost[part]--;
    mc_flow_list(f, place);
    if (f->lost[part] == 0)
        return;
    for (uint32_t i = first; i < first + f->plan->stride; i++) {
        if (f->table[i] != MC_DEVICE_NONE && !is_special(f, i))
            mc_flow_list(f, i);
    }
}

/* A step through len places that scatters: near the golden section, coprime. */
static uint32_t scatter(uint32_t len)
{
    uint32_t step = (uint32_t)((uint64_t)len * 618 / 1000) | 1;

    for (;; step++) {
        uint32_t a = len;
        uint32_t b = step;

        while (b != 0) {
            uint32_t c = a % b;

            a = b;
            b = c;
        }
        if (a <= 1)
            return step % (len != 0 ? len : 1);
    }
}

int mc_flow_clean(struct mc_flow *f)
{
    uint32_t places = f->plan->part_count * f->plan->stride;
    uint32_t n = f->vacant;
    uint32_t total = 0;

    if (f->clean != NULL || f->err != 0)
        return f->err;
    f->clean_first = calloc(n + 2u, sizeof(*f->clean_first));
    f->clean_step = calloc(n + 1u, sizeof(*f->clean_step));
    if (f->clean_first == NULL || f->clean_step == NULL)
        return f->err = MCOS_E_NOMEM;
    for (uint32_t i = 0; i < places; i++) {
        if (f->table[i] < n && !is_special(f, i)) {
            f->clean_first[f->table[i] + 1]++;
            total++;
        }
    }
    f->clean = malloc((total + 1u) * sizeof(*f->clean));
    if (f->clean == NULL)
        return f->err = MCOS_E_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        f->clean_step[i] = scatter(f->clean_first[i + 1]);
        f->clean_first[i + 1] += f->clean_first[i];
    }
    f->clean_first[n + 1] = f->clean_first[n]; /* vacant places are special */
    for (uint32_t i = 0; i < places; i++) {
        if (f->table[i] < n && !is_special(f, i))
            f->clean[f->clean_first[f->table[i]]++] = i;
    }
    memmove(f->clean_first + 1, f->clean_first, n * sizeof(*f->clean_first));
    f->clean_first[0] = 0;
    return 0;
}

int mc_flow_sets_reset(struct mc_flow *f, size_t key_count)
{
    if (key_count > f->key_cap) {
        free(f->set_of);
        f->key_cap = 0;
        f->set_of = malloc(2 * key_count * sizeof(*f->set_of));
        if (f->set_of == NULL)
            return f->err = MCOS_E_NOMEM;
        f->key_cap = 2 * key_count;
    }
    memset(f->set_of, 0, key_count * sizeof(*f->set_of));
    f->key_count = key_count;
    f->set_used = 0;
    return 0;
}

int mc_flow_set_add(struct mc_flow *f, size_t key, uint32_t leaf)
{
    assert(key < f->key_count);
    if (f->set_of[key] == 0) {
        if (f->set_used == f->set_count) {
            size_t n = f->set_count + 1;
            struct mc_leafset *sets = realloc(f->sets, n * sizeof(*sets));

            if (sets == NULL)
                return f->err = MCOS_E_NOMEM;
            f->sets = sets;
            if (mc_leafset_init(&f->sets[f->set_count], f->vacant) < 0)
                return f->err = MCOS_E_NOMEM;
            f->set_count = n;
        } else {
            mc_leafset_clear(&f->sets[f->set_used]);
        }
        f->set_of[key] = (uint32_t)++f->set_used;
    }
    mc_leafset_add(&f->sets[f->set_of[key] - 1], leaf);
    return 0;
}

struct mc_leafset *mc_flow_set(const struct mc_flow *f, size_t key)
{
    struct mc_leafset *set;

    if (key >= f->key_count || f->set_of[key] == 0)
        return NULL;
    set = &f->sets[f->set_of[key] - 1];
    return set->count != 0 ? set : NULL;
}

uint32_t mc_flow_random(struct mc_flow *f, uint32_t n)
{
    return (uint32_t)((mc_rng_next(&f->rng) >> 32) * n >> 32);
}
