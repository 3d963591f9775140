/* SPDX-License-Identifier: Apache-2.0 */
/* sim/check.c -- see check.h. */
#include "sim/check.h"

#include "node/pack.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sim_check_fail(struct sim_world *world, const char *fmt, ...)
{
    char text[200];
    va_list args;

    if (world->violations++ > 0)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)snprintf(world->violation, sizeof(world->violation), "at %llu.%03llu: %s",
                   (unsigned long long)(sim_world_at_ms(world) / 1000),
                   (unsigned long long)(sim_world_at_ms(world) % 1000), text);
}

/* ---- at each effect ---- */

static void check_adopt(struct sim_site *site, const struct mc_effect *effect)
{
    const struct mc_stamp *stamp = &effect->u.adopt.stamp;
    const char *ring = effect->u.adopt.ring.s;
    const struct sim_shelf *shelf = sim_store_find(site->store, ring);
    struct mc_stamp stored;
    size_t i = 0;

    if (shelf == NULL || shelf->held == NULL) {
        sim_check_fail(site->world, "%s adopts %s, which its disk has not", site->label,
                       ring);
        return;
    }
    if (site->world->trace.minting == NULL &&
        sim_trace_nick(&site->world->trace, stamp->digest)[0] == '?')
        sim_check_fail(site->world, "%s adopts a record of %s that nobody made",
                       site->label, ring);
    stored = mc_stamp_of(mc_ring_head(shelf->held));
    if (mc_stamp_cmp(&stored, stamp) < 0)
        sim_check_fail(site->world, "%s adopts more of %s than its disk has",
                       site->label, ring);
    while (i < site->adopted_count && strcmp(site->adopted[i].ring.s, ring) != 0)
        i++;
    if (i == site->adopted_count) {
        site->adopted = sim_grow(site->adopted, i + 1, sizeof(*site->adopted));
        site->adopted_count++;
        site->adopted[i].ring = effect->u.adopt.ring;
    } else if (mc_stamp_cmp(stamp, &site->adopted[i].stamp) < 0) {
        sim_check_fail(site->world, "%s: what is held of %s decreased", site->label,
                       ring);
    }
    site->adopted[i].stamp = *stamp;
}

static void check_ack(struct sim_site *site, const struct mc_effect *effect)
{
    const struct sim_letter *letter =
        sim_mailbox_out(site->mailbox, effect->u.ack.delivery);
    struct mc_ring *ring = NULL;
    struct mc_envelope envelope;
    struct mc_bytes body;

    if (letter == NULL || letter->site == site->index ||
        memcmp(letter->head.from_uid, site->config.uid, MC_UID_BYTES) == 0 ||
        site->store->failures != 0 ||
        mc_envelope_decode(mc_blob_get(letter->body), &envelope, &body) != 0 ||
        memcmp(envelope.system, site->config.system, MC_UID_BYTES) != 0 ||
        mc_unpack(body, &ring, NULL) != 0)
        return;
    if (mc_ring_head(ring)->format > site->config.format) {
        mc_ring_unref(ring); /* it cannot be kept */
        return;
    }
    /* One that nobody made was damaged on its way and may be thrown away. */
    if (sim_trace_nick(&site->world->trace, mc_ring_head(ring)->digest)[0] != '?' &&
        !sim_store_covers(site->store, ring) &&
        !mc_machine_status(mc_agent_machine(site->agent)).identity_lost)
        sim_check_fail(site->world, "%s acknowledges %s %s, which its disk has not",
                       site->label, mc_ring_head(ring)->name.s,
                       sim_trace_nick(&site->world->trace, mc_ring_head(ring)->digest));
    mc_ring_unref(ring);
}

void sim_check_effect(struct sim_site *site, const struct mc_effect *effect)
{
    if (effect->kind == MC_FX_ADOPT)
        check_adopt(site, effect);
    else if (effect->kind == MC_FX_ACK && site->agent != NULL)
        check_ack(site, effect);
    else if (effect->kind == MC_FX_SEND)
        sim_company_check(site, effect);
    if (site->store->decreased != 0)
        sim_check_fail(site->world, "%s: its disk holds less than before", site->label);
}

/* ---- nothing is lost ---- */

void sim_check_minted(struct sim_world *world, struct mc_ring *take_ring)
{
    world->minted =
        sim_grow(world->minted, world->minted_count + 1, sizeof(*world->minted));
    world->minted[world->minted_count++] = (struct sim_minted){.ring = take_ring};
}

static void check_made(struct sim_world *world, const struct sim_site *site,
                       const struct mc_ring *ring)
{
    if (sim_trace_nick(&world->trace, mc_ring_head(ring)->digest)[0] == '?')
        sim_check_fail(world, "%s keeps a record of %s that nobody made", site->label,
                       mc_ring_head(ring)->name.s);
}

void sim_check_nothing_made_up(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->site_count; i++) {
        const struct sim_store *store = world->sites[i]->store;

        for (size_t k = 0; k < store->count; k++) {
            const struct sim_shelf *shelf = &store->shelves[k];

            if (shelf->held != NULL)
                check_made(world, world->sites[i], shelf->held);
            for (size_t l = 0; l < shelf->sealed_count; l++)
                check_made(world, world->sites[i], shelf->sealed[l]);
            for (size_t l = 0; l < shelf->loser_count; l++)
                check_made(world, world->sites[i], shelf->losers[l]);
        }
    }
}

static bool on_some_disk(const struct sim_world *world, const struct mc_ring *ring)
{
    for (uint32_t i = 0; i < world->site_count; i++) {
        if (sim_store_covers(world->sites[i]->store, ring))
            return true;
    }
    return false;
}

void sim_check_excuse(struct sim_world *world)
{
    for (size_t i = 0; i < world->minted_count; i++) {
        struct sim_minted *m = &world->minted[i];

        if (!m->excused && !on_some_disk(world, m->ring))
            m->excused = true;
    }
}

static const char *nick(const struct sim_world *world, const struct mc_ring *ring)
{
    return sim_trace_nick(&world->trace, mc_ring_head(ring)->digest);
}

void sim_check_nothing_lost(struct sim_world *world)
{
    for (size_t i = 0; i < world->minted_count; i++) {
        const struct sim_minted *m = &world->minted[i];

        if (!m->excused && !on_some_disk(world, m->ring))
            sim_check_fail(world, "%s %s is on no disk any more",
                           mc_ring_head(m->ring)->name.s, nick(world, m->ring));
    }
}

/* ---- agreement ---- */

static bool runs(const struct sim_site *site)
{
    return site->agent != NULL &&
           !mc_machine_status(mc_agent_machine(site->agent)).identity_lost;
}

static bool same_ring(const struct mc_ring *a, const struct mc_ring *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return memcmp(mc_ring_head(a)->digest, mc_ring_head(b)->digest, MC_DIGEST_BYTES) ==
           0;
}

static bool same_shelf(const struct sim_site *a, const struct sim_site *b,
                       const char *name)
{
    const struct sim_shelf *x = sim_store_find(a->store, name);
    const struct sim_shelf *y = sim_store_find(b->store, name);

    if (!same_ring(mc_agent_ring_find(a->agent, name),
                   mc_agent_ring_find(b->agent, name)))
        return false;
    if (x == NULL || y == NULL)
        return x == y;
    if (!same_ring(x->held, mc_agent_ring_find(a->agent, name)) ||
        x->loser_count != y->loser_count)
        return false;
    for (size_t i = 0; i < x->loser_count; i++) {
        if (!same_ring(x->losers[i], y->losers[i]))
            return false;
    }
    return true;
}

bool sim_check_agreed(const struct sim_world *world, const char *ring, uint64_t version)
{
    const struct sim_site *first = NULL;

    for (uint32_t i = 0; i < world->site_count; i++) {
        const struct sim_site *site = world->sites[i];

        if (!runs(site))
            continue;
        if (version != 0) {
            const struct mc_ring *held = mc_agent_ring_find(site->agent, ring);

            if (held == NULL || mc_ring_head(held)->version != version)
                return false;
        }
        if (first == NULL) {
            first = site;
            continue;
        }
        if (ring != NULL && !same_shelf(first, site, ring))
            return false;
        for (size_t k = 0; ring == NULL && k < world->minted_count; k++) {
            if (!same_shelf(first, site, mc_ring_head(world->minted[k].ring)->name.s))
                return false;
        }
    }
    return first != NULL;
}

bool sim_check_everywhere(const struct sim_world *world)
{
    for (uint32_t i = 0; i < world->site_count; i++) {
        if (!runs(world->sites[i]))
            continue;
        for (size_t k = 0; k < world->minted_count; k++) {
            if (!world->minted[k].excused &&
                !sim_store_covers(world->sites[i]->store, world->minted[k].ring))
                return false;
        }
    }
    return true;
}
