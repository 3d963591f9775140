/* SPDX-License-Identifier: Apache-2.0 */
/* sim/company.c -- see company.h. */
#include "sim/company.h"

#include "sim/check.h"
#include "sim/world.h"
#include "sync/agent_line.h"

#include <stdlib.h>
#include <string.h>

#define COMPARE_MS  1000u
#define SETTLED_MS  2000u /* so old is the youngest line that everybody has read */
#define LOST_ONE_IN 4u    /* of what is told on a channel */

static bool reachable(const struct sim_fellow *f)
{
    return !f->cut && !f->company->away;
}

static struct mc_store *disk(const struct sim_fellow *f)
{
    return &f->site->store->port;
}

/* ---- channels ---- */

static void tell(struct sim_fellow *to, struct mc_roster_event event)
{
    if (to->site->agent == NULL || !reachable(to) || to->inbox_count == SIM_INBOX_MAX) {
        mc_blob_unref(event.letter);
        return;
    }
    to->inbox[to->inbox_count++] = event;
    sim_site_wake(to->site, to->company->world->now_ms);
}

/* Who is told may miss it: then the comparison has to find it. */
static void tell_of_ring(struct sim_fellow *from)
{
    struct sim_world *world = from->company->world;

    for (size_t i = 0; i < from->company->count; i++) {
        struct sim_fellow *to = &from->company->fellows[i];

        if (to == from || to->site->agent == NULL || !reachable(to) ||
            mc_rng_below(&world->net.rng, LOST_ONE_IN) == 0)
            continue;
        to->told = true;
        sim_site_wake(to->site, world->now_ms);
    }
}

/* ---- the store ---- */

static struct sim_fellow *of(struct mc_store *store)
{
    return (struct sim_fellow *)store;
}

static int cmp(const struct mc_ring *a, const struct mc_ring *b)
{
    struct mc_stamp x = mc_stamp_of(mc_ring_head(a));
    struct mc_stamp y = mc_stamp_of(mc_ring_head(b));

    return mc_stamp_cmp(&x, &y);
}

/* The registry's module is of the next version, whatever the agents are: what it holds
 * may be of a format that one of them cannot read. */
static bool is_sealed(const struct sim_fellow *f, const struct mc_ring *ring)
{
    return mc_ring_head(ring)->format > f->site->config.format;
}

/* What is in force in the file; NULL: nothing that can be read. */
static struct mc_ring *held_here(const struct sim_fellow *f, const char *name)
{
    const struct sim_shelf *shelf = sim_store_find(f->site->store, name);

    return shelf == NULL ? NULL : shelf->held;
}

static struct mc_ring *held_there(const struct sim_fellow *f, const char *name)
{
    const struct sim_shelf *shelf = sim_store_find(f->company->registry, name);

    return shelf == NULL ? NULL : shelf->held;
}

/* Goes through the agent; one that it cannot read is known by its stamp alone. */
static void hand_over(struct sim_fellow *f, struct mc_ring *ring)
{
    const struct mc_name name = mc_ring_head(ring)->name;

    if (is_sealed(f, ring))
        (void)mc_agent_note_unread(f->site->agent, &name);
    else
        (void)mc_agent_take(f->site->agent, ring);
}

static void put_there(struct sim_fellow *f, struct mc_ring *ring)
{
    struct mc_store *registry = &f->company->registry->port;
    struct mc_merge merge;

    (void)registry->ops->merge(registry, ring, &merge);
    if (merge.verdict == MC_MERGE_ADDED || merge.verdict == MC_MERGE_REPLACED ||
        merge.relation == MC_RELATION_CONFLICT)
        tell_of_ring(f);
}

/* The greater repairs the other; losers are known on both sides. */
static void compare(struct sim_fellow *f, const char *name)
{
    const struct sim_shelf *shelf = sim_store_find(f->company->registry, name);
    const struct mc_ring *here = held_here(f, name);
    struct mc_ring *list[1 + MC_LOSERS_MAX];
    size_t count = 0;

    if (shelf != NULL && (here == NULL || cmp(shelf->held, here) > 0))
        list[count++] = mc_ring_ref(shelf->held);
    for (size_t i = 0; shelf != NULL && i < shelf->loser_count; i++) {
        if (!is_sealed(f, shelf->losers[i]) &&
            !sim_store_covers(f->site->store, shelf->losers[i]))
            list[count++] = mc_ring_ref(shelf->losers[i]);
    }
    for (size_t i = 0; i < count; i++) {
        hand_over(f, list[i]);
        mc_ring_unref(list[i]);
    }
    shelf = sim_store_find(f->site->store, name);
    if (shelf == NULL || shelf->held == NULL)
        return;
    if (held_there(f, name) == NULL || cmp(held_there(f, name), shelf->held) < 0)
        put_there(f, shelf->held);
    for (size_t i = 0; i < shelf->loser_count; i++) {
        if (!sim_store_covers(f->company->registry, shelf->losers[i]))
            put_there(f, shelf->losers[i]);
    }
}

static void compare_all(struct sim_fellow *f)
{
    struct mc_name *names = NULL;
    size_t count = 0;
    struct mc_store *stores[2] = {disk(f), &f->company->registry->port};

    for (unsigned s = 0; s < 2; s++) {
        (void)stores[s]->ops->list(stores[s], &names, &count);
        for (size_t i = 0; i < count; i++)
            compare(f, names[i].s);
        free(names);
    }
}

static int merge(struct mc_store *store, struct mc_ring *ring,
                 struct mc_merge *ret_merge)
{
    struct sim_fellow *f = of(store);
    const struct mc_name name = mc_ring_head(ring)->name;
    int err = disk(f)->ops->merge(disk(f), ring, ret_merge);
    struct mc_ring *there;

    if (err != 0 || !reachable(f))
        return err;
    put_there(f, ring);
    there = mc_ring_ref(held_there(f, name.s));
    if (cmp(there, held_here(f, name.s)) > 0)
        hand_over(f, there);
    mc_ring_unref(there);
    return 0;
}

static int room(struct mc_store *store, const struct mc_ring *ring)
{
    return disk(of(store))->ops->room(disk(of(store)), ring);
}

static int claim(struct mc_store *store, struct mc_ring *ring,
                 const struct mc_ring *parent)
{
    struct sim_fellow *f = of(store);
    const char *name = mc_ring_head(ring)->name.s;
    const struct mc_ring *there;
    struct mc_stamp stamp;

    if (!reachable(f))
        return 0;
    compare(f, name);
    there = held_there(f, name);
    if ((there == NULL) != (parent == NULL) ||
        (there != NULL && cmp(there, parent) != 0))
        return MCOS_E_STALE;
    /* Made, even if the disk refuses it afterwards. */
    stamp = mc_stamp_of(mc_ring_head(ring));
    sim_trace_name(&f->company->world->trace, &mc_ring_head(ring)->name, &stamp,
                   &mc_ring_head(ring)->origin);
    put_there(f, ring);
    return 0;
}

static int list(struct mc_store *store, struct mc_name **ret_names, size_t *ret_count)
{
    return disk(of(store))->ops->list(disk(of(store)), ret_names, ret_count);
}

static int get(struct mc_store *store, const struct mc_name *name,
               struct mc_ring **ret_ring)
{
    return disk(of(store))->ops->get(disk(of(store)), name, ret_ring);
}

static bool keeps(struct mc_store *store, const struct mc_ring *ring)
{
    return disk(of(store))->ops->keeps(disk(of(store)), ring);
}

static int get_digest(struct mc_store *store, const struct mc_name *name,
                      const uint8_t digest8[8], struct mc_ring **ret_ring)
{
    return disk(of(store))->ops->get_digest(disk(of(store)), name, digest8, ret_ring);
}

static int losers(struct mc_store *store, const struct mc_name *name,
                  struct mc_ring *ret_rings[MC_LOSERS_MAX], size_t *ret_count)
{
    return disk(of(store))->ops->losers(disk(of(store)), name, ret_rings, ret_count);
}

/* In the file, or in the registry. */
static int unread(struct mc_store *store, const struct mc_name *name,
                  struct mc_stamp *ret_stamp)
{
    struct sim_fellow *f = of(store);
    int err = disk(f)->ops->unread(disk(f), name, ret_stamp);
    const struct mc_ring *there = reachable(f) ? held_there(f, name->s) : NULL;
    const struct mc_ring *here = held_here(f, name->s);
    struct mc_stamp stamp;

    if (there == NULL || !is_sealed(f, there) || (here != NULL && cmp(there, here) < 0))
        return err;
    stamp = mc_stamp_of(mc_ring_head(there));
    if (err != 0 || mc_stamp_cmp(&stamp, ret_stamp) > 0)
        *ret_stamp = stamp;
    return 0;
}

static int save_clusters(struct mc_store *store, struct mc_bytes text)
{
    return disk(of(store))->ops->save_clusters(disk(of(store)), text);
}

static int load_clusters(struct mc_store *store, struct mc_blob **ret_text)
{
    return disk(of(store))->ops->load_clusters(disk(of(store)), ret_text);
}

static void quarantine(struct mc_store *store, struct mc_bytes bytes,
                       const char *reason)
{
    disk(of(store))->ops->quarantine(disk(of(store)), bytes, reason);
}

static void close_store(struct mc_store *store)
{
    (void)store; /* the company's */
}

static const struct mc_store_ops store_ops = {.merge = merge,
                                              .claim = claim,
                                              .room = room,
                                              .list = list,
                                              .get = get,
                                              .keeps = keeps,
                                              .get_digest = get_digest,
                                              .losers = losers,
                                              .unread = unread,
                                              .save_clusters = save_clusters,
                                              .load_clusters = load_clusters,
                                              .quarantine = quarantine,
                                              .close = close_store};

/* ---- the roster ---- */

static struct sim_fellow *fellow_of(struct mc_roster *roster)
{
    return (struct sim_fellow *)((char *)roster - offsetof(struct sim_fellow, roster));
}

static void clear_line(struct sim_fellow *f)
{
    mc_blob_unref(f->line);
    f->line = NULL;
    f->agent = 0;
    f->counts_ms = SIM_NEVER;
}

static void tell_of_line(struct sim_fellow *from)
{
    for (size_t i = 0; i < from->company->count; i++) {
        if (&from->company->fellows[i] != from)
            tell(&from->company->fellows[i],
                 (struct mc_roster_event){.kind = MC_ROSTER_CHANGED});
    }
}

static bool lives(const struct sim_fellow *f)
{
    return f->line != NULL && f->line_ms > f->company->world->now_ms;
}

/* Each machine has a place for one line: a new agent's takes that of the one before
 * when it begins to live, which is what expiry comes to. */
static int put(struct mc_roster *roster, uint64_t agent, struct mc_bytes line,
               unsigned live_ms, bool news)
{
    struct sim_fellow *f = fellow_of(roster);
    uint64_t now = f->company->world->now_ms;
    struct mc_agent_line read;
    bool counted = f->counts_ms != SIM_NEVER && f->agent == agent && f->line_ms > now;

    if (!reachable(f))
        return MCOS_E_AWAY;
    mc_blob_unref(f->line);
    if (mc_blob_new(line, &f->line) != 0 ||
        mc_agent_line_decode(mc_blob_get(f->line), &read) != 0)
        abort();
    f->agent = agent;
    f->line_ms = now + live_ms;
    f->counts_ms = !read.counts ? SIM_NEVER : counted ? f->counts_ms : now;
    if (news)
        tell_of_line(f);
    return 0;
}

static int keep(struct mc_roster *roster, uint64_t agent, unsigned live_ms)
{
    struct sim_fellow *f = fellow_of(roster);

    if (!reachable(f))
        return MCOS_E_AWAY;
    if (!lives(f) || f->agent != agent)
        return MCOS_E_NOTFOUND;
    f->line_ms = f->company->world->now_ms + live_ms;
    return 0;
}

static int get_lines(struct mc_roster *roster,
                     struct mc_roster_line ret_lines[MC_AGENTS_MAX], size_t *ret_count)
{
    struct sim_fellow *f = fellow_of(roster);
    size_t count = 0;

    if (!reachable(f))
        return MCOS_E_AWAY;
    for (size_t i = 0; i < f->company->count; i++) {
        const struct sim_fellow *other = &f->company->fellows[i];

        if (lives(other))
            ret_lines[count++] =
                (struct mc_roster_line){other->agent, mc_blob_ref(other->line)};
    }
    *ret_count = count;
    return 0;
}

static void drop(struct mc_roster *roster, uint64_t agent)
{
    struct sim_fellow *f = fellow_of(roster);

    if (!reachable(f) || f->agent != agent)
        return;
    clear_line(f);
    tell_of_line(f);
}

static void pass(struct mc_roster *roster, struct mc_bytes letter)
{
    struct sim_fellow *f = fellow_of(roster);

    for (size_t i = 0; reachable(f) && i < f->company->count; i++) {
        struct mc_roster_event event = {.kind = MC_ROSTER_LETTER};

        if (&f->company->fellows[i] != f && mc_blob_new(letter, &event.letter) == 0)
            tell(&f->company->fellows[i], event);
    }
}

static int next(struct mc_roster *roster, struct mc_roster_event *ret_event)
{
    struct sim_fellow *f = fellow_of(roster);

    if (f->inbox_count == 0)
        return MCOS_E_EMPTY;
    *ret_event = f->inbox[0];
    memmove(f->inbox, f->inbox + 1, --f->inbox_count * sizeof(f->inbox[0]));
    return 0;
}

static const struct mc_roster_ops roster_ops = {.put = put,
                                                .keep = keep,
                                                .get = get_lines,
                                                .drop = drop,
                                                .pass = pass,
                                                .next = next};

/* ---- life ---- */

struct sim_company *sim_company_new(struct sim_world *world)
{
    struct sim_company *c = sim_alloc(sizeof(*c));

    c->world = world;
    c->registry = sim_store_new();
    return c;
}

static void empty_inbox(struct sim_fellow *f)
{
    while (f->inbox_count > 0)
        mc_blob_unref(f->inbox[--f->inbox_count].letter);
}

void sim_company_free(struct sim_company *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++) {
        empty_inbox(&c->fellows[i]);
        clear_line(&c->fellows[i]);
    }
    sim_store_free(c->registry);
    free(c);
}

bool sim_company_join(struct sim_company *c, struct sim_site *site)
{
    struct sim_fellow *f = &c->fellows[c->count];

    if (c->count == SIM_FELLOWS_MAX)
        return false;
    *f = (struct sim_fellow){.store = {&store_ops},
                             .roster = {&roster_ops},
                             .company = c,
                             .site = site,
                             .counts_ms = SIM_NEVER};
    c->count++;
    site->fellow = f;
    site->config.shared = true;
    site->config.cluster = c->fellows[0].site->config.cluster;
    memcpy(site->config.uid, c->fellows[0].site->config.uid, MC_UID_BYTES);
    return true;
}

void sim_company_wipe(struct sim_company *c)
{
    sim_store_wipe(c->registry);
    for (size_t i = 0; i < c->count; i++)
        clear_line(&c->fellows[i]);
}

void sim_fellow_start(struct sim_fellow *f)
{
    empty_inbox(f);
    f->compare_ms = 0;
}

void sim_fellow_turn(struct sim_fellow *f)
{
    uint64_t now = f->company->world->now_ms;

    if (!reachable(f) || (!f->told && now < f->compare_ms))
        return;
    f->told = false;
    f->compare_ms = now + COMPARE_MS;
    compare_all(f);
}

/* ---- what is announced ---- */

static void check_entry(const struct sim_site *site, const struct mc_entry *e)
{
    const struct sim_company *c = site->fellow->company;
    struct mc_stamp said = {
        .epoch = e->epoch, .version = e->version, .timestamp = e->timestamp};

    memcpy(said.digest, e->digest8, sizeof(e->digest8));
    for (size_t i = 0; i < c->count; i++) {
        const struct sim_fellow *f = &c->fellows[i];
        const struct mc_ring *ring = held_here(f, e->name.s);
        struct mc_stamp held;

        if (f->site->agent == NULL || !reachable(f) || !lives(f) ||
            f->counts_ms == SIM_NEVER || f->counts_ms + SETTLED_MS > c->world->now_ms)
            continue;
        if (ring != NULL)
            held = mc_stamp_of(mc_ring_head(ring));
        if (ring == NULL || mc_stamp_cmp8(&held, &said) < 0)
            sim_check_fail(
                c->world, "%s says that its cluster holds %s v%llu, %s does not",
                site->label, e->name.s, (unsigned long long)e->version, f->site->label);
    }
}

void sim_company_check(const struct sim_site *site, const struct mc_effect *effect)
{
    struct mc_envelope envelope;
    struct mc_announce announce;
    struct mc_bytes body;
    struct mc_reader r;
    struct mc_entry e;

    /* Who was cut off, and has not looked again yet, knows of nobody. */
    if (site->fellow == NULL || effect->kind != MC_FX_SEND ||
        !reachable(site->fellow) || !lives(site->fellow) ||
        mc_envelope_decode(effect->u.send.bytes, &envelope, &body) != 0 ||
        envelope.kind != MC_WIRE_ANNOUNCE || mc_announce_decode(body, &announce) != 0)
        return;
    r = mc_reader_init(announce.entries);
    while (mc_entry_decode(&r, &e)) {
        if (!e.loser)
            check_entry(site, &e);
    }
}
