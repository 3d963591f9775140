/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/redis/store.c -- the store port over files and, beside them, Redis. */
#include "adapter/redis/store.h"

#include "adapter/redis/compare.h"
#include "adapter/redis/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct redis_store *of(struct mc_store *store)
{
    return (struct redis_store *)store;
}

/* ---- the connection ---- */

static void say(struct redis_store *s, enum mc_log_level level, const char *text)
{
    if (s->config.log != NULL)
        s->config.log->line(s->config.log, level, text);
}

/* Closes the link, says why once, and sets the time of the next try. */
static void degrade(struct redis_store *s, const char *why)
{
    uint64_t now = s->config.clock->now_ms(s->config.clock);
    char text[640];

    mc_redis_link_close(s->link);
    s->link = NULL;
    s->retry_at = now + s->pause_ms;
    s->pause_ms = s->pause_ms * 2 > MC_REDIS_RETRY_MS_MAX ? MC_REDIS_RETRY_MS_MAX
                                                          : s->pause_ms * 2;
    if (!s->status.up && strcmp(s->status.why, why) == 0)
        return;
    if (s->status.up || s->status.degraded == 0)
        s->status.degraded++;
    s->status.up = false;
    (void)snprintf(s->status.why, sizeof(s->status.why), "%s", why);
    (void)snprintf(text, sizeof(text),
                   "event=registry-degraded store=%.200s msg=\"%.250s; work goes on "
                   "from the files\" do=\"see docs/operate.md, Redis\"",
                   s->shown, why);
    say(s, MC_LOG_WARN, text);
}

void mc_redis_give_up(struct redis_store *s, int err, const struct mcos_diag *diag)
{
    mc_redis_ears_close(&s->ears);
    degrade(s, diag->text[0] != '\0' ? diag->text : mcos_err_text(err));
}

/*
 * Does the database still know our uid? An empty one is told. Of two uids the lesser
 * one stays: all agents decide alike, and whoever has the other one starts anew.
 */
static int look_after_owner(struct redis_store *s, struct mcos_diag *diag)
{
    struct mc_redis_roster *r = &s->roster;
    uint8_t uid[MC_UID_BYTES];
    int err = mc_redis_roster_claim(s, &r->cluster, r->uid, uid, diag);
    int order = err != 0 ? 0 : memcmp(r->uid, uid, MC_UID_BYTES);

    if (order < 0) {
        say(s, MC_LOG_WARN,
            "event=registry-owner msg=\"Redis had another uid of this cluster; ours "
            "was "
            "put there, for it is the lesser\"");
        err = mc_redis_roster_insist(s, diag);
    }
    s->status.identity_lost =
        s->status.identity_lost || order > 0 || err == MCOS_E_IDENTITY;
    return err;
}

/* What only a shared store does: whose it is, and listening. */
static int look_after_company(struct redis_store *s, struct mcos_diag *diag)
{
    int err = 0;

    if (s->roster.cluster.s[0] == '\0')
        return 0;
    if (s->ears.link == NULL)
        err = mc_redis_ears_open(s, diag);
    return err != 0 ? err : look_after_owner(s, diag);
}

static void connect_now(struct redis_store *s)
{
    struct mcos_diag diag = {.offset = -1};
    char text[320];
    int err = mc_redis_link_open(&s->url, s->config.deadline_ms, &s->link, &diag);

    if (err == 0)
        err = mc_redis_registry_check(s->link, &diag);
    if (err == 0)
        err = look_after_company(s, &diag);
    if (err == 0) /* after the ears are open: what changes meanwhile is heard */
        err = mc_redis_compare_all(s, &diag);
    if (err != 0) {
        mc_redis_give_up(s, err, &diag);
        return;
    }
    s->pause_ms = s->config.retry_ms;
    s->compare_at = s->config.clock->now_ms(s->config.clock) + s->config.compare_ms;
    s->status.up = true;
    s->status.why[0] = '\0';
    (void)snprintf(text, sizeof(text), "event=registry-up store=%.256s", s->shown);
    say(s, MC_LOG_INFO, text);
}

uint64_t mc_redis_store_turn(struct mc_store *store)
{
    struct redis_store *s = of(store);
    struct mcos_diag diag = {.offset = -1};
    uint64_t now = s->config.clock->now_ms(s->config.clock);
    uint64_t due;
    int err;

    if (s->link == NULL && now >= s->retry_at) {
        connect_now(s);
    } else if (s->link != NULL && now >= s->compare_at) {
        err = look_after_company(s, &diag);
        if (err == 0)
            err = mc_redis_compare_some(s, &diag);
        s->compare_at = now + s->config.compare_ms;
        if (err != 0)
            mc_redis_give_up(s, err, &diag);
    }
    if (s->link != NULL && s->ears.link != NULL) {
        err = mc_redis_ears_turn(s, &diag);
        if (err != 0 && s->link != NULL)
            mc_redis_give_up(s, err, &diag);
    }
    if (s->ears.count > 0)
        return 0;
    now = s->config.clock->now_ms(s->config.clock);
    due = s->link == NULL ? s->retry_at : s->compare_at;
    return due > now ? due - now : 0;
}

struct mc_redis_store_status mc_redis_store_status(const struct mc_store *store)
{
    return ((const struct redis_store *)store)->status;
}

void mc_redis_store_on_found(struct mc_store *store,
                             int (*found)(void *ctx, const struct mc_name *name,
                                          struct mc_ring *ring),
                             void *ctx)
{
    of(store)->found = found;
    of(store)->found_ctx = ctx;
    mc_redis_tell_unread(of(store));
}

/* ---- the port ---- */

static int merge(struct mc_store *store, struct mc_ring *ring,
                 struct mc_merge *ret_merge)
{
    struct redis_store *s = of(store);
    struct mcos_diag diag = {.offset = -1};
    int err = s->config.inner->ops->merge(s->config.inner, ring, ret_merge);

    if (err != 0)
        return err;
    mc_redis_merged(s, ring, ret_merge->verdict);
    if (s->link == NULL)
        return 0;
    err = mc_redis_put(s, ring, &diag);
    if (err != 0 && !mc_redis_err_is_local(err))
        mc_redis_give_up(s, err, &diag);
    return 0;
}

/* Greater than what the mint was made of? */
static bool is_behind(struct redis_store *s, const struct mc_name *name,
                      const struct mc_ring *parent)
{
    struct mc_store *inner = s->config.inner;
    struct mc_ring *held = NULL;
    struct mc_stamp a;
    struct mc_stamp b;
    bool behind;

    if (inner->ops->get(inner, name, &held) != 0)
        return false;
    a = mc_stamp_of(mc_ring_head(held));
    if (parent != NULL)
        b = mc_stamp_of(mc_ring_head(parent));
    behind = parent == NULL || mc_stamp_cmp(&a, &b) > 0;
    mc_ring_unref(held);
    return behind;
}

/*
 * What stands in the way is either newer, then it is taken over, or older (Redis was
 * wiped or rolled back), then it is brought forward and asked again.
 */
static int claim(struct mc_store *store, struct mc_ring *ring,
                 const struct mc_ring *parent)
{
    struct redis_store *s = of(store);
    const struct mc_name *name = &mc_ring_head(ring)->name;
    struct mcos_diag diag = {.offset = -1};
    struct mc_stamp stamp;
    int err = 0;

    if (parent != NULL)
        stamp = mc_stamp_of(mc_ring_head(parent));
    for (unsigned tries = 0; tries < 3; tries++) {
        if (!s->config.shared || s->link == NULL)
            return 0;
        err = mc_redis_registry_claim(s->link, ring, parent == NULL ? NULL : &stamp,
                                      &diag);
        if (err != MCOS_E_STALE)
            break;
        err = mc_redis_compare_one(s, name, &diag);
        if (err != 0)
            break;
        if (is_behind(s, name, parent))
            return MCOS_E_STALE;
        err = MCOS_E_STALE;
    }
    if (err == MCOS_E_STALE)
        return err; /* somebody changes it all the time */
    if (err != 0 && !mc_redis_err_is_local(err) && s->link != NULL)
        mc_redis_give_up(s, err, &diag);
    return 0; /* what is no good there gives way at the merge */
}

static int room(struct mc_store *store, const struct mc_ring *ring)
{
    struct mc_store *inner = of(store)->config.inner;

    return inner->ops->room == NULL ? 0 : inner->ops->room(inner, ring);
}

static int list(struct mc_store *store, struct mc_name **ret_names, size_t *ret_count)
{
    struct mc_store *inner = of(store)->config.inner;

    return inner->ops->list(inner, ret_names, ret_count);
}

static int get(struct mc_store *store, const struct mc_name *name,
               struct mc_ring **ret_ring)
{
    struct mc_store *inner = of(store)->config.inner;

    return inner->ops->get(inner, name, ret_ring);
}

static bool keeps(struct mc_store *store, const struct mc_ring *ring)
{
    struct mc_store *inner = of(store)->config.inner;

    return inner->ops->keeps != NULL && inner->ops->keeps(inner, ring);
}

static int get_digest(struct mc_store *store, const struct mc_name *name,
                      const uint8_t digest8[8], struct mc_ring **ret_ring)
{
    struct mc_store *inner = of(store)->config.inner;

    return inner->ops->get_digest(inner, name, digest8, ret_ring);
}

static int losers(struct mc_store *store, const struct mc_name *name,
                  struct mc_ring *ret_rings[MC_LOSERS_MAX], size_t *ret_count)
{
    struct mc_store *inner = of(store)->config.inner;

    return inner->ops->losers(inner, name, ret_rings, ret_count);
}

/* In the files, or in the registry, whose stamp a module of the later version told. */
static int unread(struct mc_store *store, const struct mc_name *name,
                  struct mc_stamp *ret_stamp)
{
    struct mc_store *inner = of(store)->config.inner;
    int err = inner->ops->unread == NULL ? MCOS_E_NOTFOUND
                                         : inner->ops->unread(inner, name, ret_stamp);

    return mc_redis_unread(of(store), name, err == 0, ret_stamp) ? 0 : err;
}

static int save_clusters(struct mc_store *store, struct mc_bytes text)
{
    struct mc_store *inner = of(store)->config.inner;

    return inner->ops->save_clusters(inner, text);
}

static void confirm(struct mc_store *store, uint64_t wall_ns)
{
    struct mc_store *inner = of(store)->config.inner;

    if (inner->ops->confirm != NULL)
        inner->ops->confirm(inner, wall_ns);
}

static int load_clusters(struct mc_store *store, struct mc_blob **ret_text)
{
    struct mc_store *inner = of(store)->config.inner;

    return inner->ops->load_clusters(inner, ret_text);
}

static void quarantine(struct mc_store *store, struct mc_bytes bytes,
                       const char *reason)
{
    struct mc_store *inner = of(store)->config.inner;

    inner->ops->quarantine(inner, bytes, reason);
}

static const char *trouble(const struct mc_store *store)
{
    const struct mc_store *inner = ((const struct redis_store *)store)->config.inner;

    return inner->ops->trouble == NULL ? "" : inner->ops->trouble(inner);
}

static const char *degraded(const struct mc_store *store)
{
    return ((const struct redis_store *)store)->status.why;
}

static void close_store(struct mc_store *store)
{
    struct redis_store *s = of(store);

    if (s == NULL)
        return;
    mc_redis_ears_fini(&s->ears);
    mc_redis_link_close(s->link);
    s->config.inner->ops->close(s->config.inner);
    memset(&s->url, 0, sizeof(s->url));
    free(s->known);
    free(s);
}

static const struct mc_store_ops ops = {
    .merge = merge,
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
    .confirm = confirm,
    .quarantine = quarantine,
    .trouble = trouble,
    .degraded = degraded,
    .close = close_store,
};

void mc_redis_store_assume(struct mc_store *store, const struct mc_name *cluster,
                           const uint8_t uid[MC_UID_BYTES])
{
    struct redis_store *s = of(store);

    memcpy(s->roster.uid, uid, MC_UID_BYTES);
    mc_redis_roster_name(s, cluster);
    s->compare_at = 0; /* the ears are opened at the next turn */
}

int mc_redis_store_claim(struct mc_store *store, const struct mc_name *cluster,
                         const uint8_t uid[MC_UID_BYTES], uint8_t ret_uid[MC_UID_BYTES],
                         struct mcos_diag *diag)
{
    struct redis_store *s = of(store);
    int err;

    if (s->link == NULL)
        return mcos_diag_set(diag, MCOS_E_AWAY, "store", "%s", s->status.why);
    err = mc_redis_roster_claim(s, cluster, uid, ret_uid, diag);
    if (err == 0)
        mc_redis_store_assume(store, cluster, ret_uid);
    return err;
}

struct mc_roster *mc_redis_store_roster(struct mc_store *store)
{
    return &of(store)->roster.port;
}

int mc_redis_store_fd(const struct mc_store *store)
{
    return ((const struct redis_store *)store)->ears.poll;
}

int mc_redis_store_open(const struct mc_redis_store_config *config,
                        struct mc_store **ret_store, struct mcos_diag *diag)
{
    struct redis_store *s = calloc(1, sizeof(*s));
    int err;

    if (s == NULL)
        return MCOS_E_NOMEM;
    err = mc_redis_url_parse(config->url, &s->url, diag);
    if (err != 0) {
        free(s);
        return err;
    }
    s->port.ops = &ops;
    s->config = *config;
    s->config.url = NULL; /* it may hold a password, and was borrowed */
    s->config.system = NULL;
    s->one_system = config->system != NULL;
    if (s->one_system)
        memcpy(s->system, config->system, MC_UID_BYTES);
    if (s->config.deadline_ms == 0)
        s->config.deadline_ms = MC_REDIS_DEADLINE_MS;
    if (s->config.compare_ms == 0)
        s->config.compare_ms = MC_REDIS_COMPARE_MS;
    if (s->config.retry_ms == 0)
        s->config.retry_ms = MC_REDIS_RETRY_MS;
    s->pause_ms = s->config.retry_ms;
    s->ears.poll = -1;
    if (config->shared)
        mc_redis_roster_init(s);
    if (config->shared && mc_redis_ears_init(&s->ears) != 0) {
        free(s);
        return MCOS_E_NOMEM;
    }
    mc_redis_url_show(&s->url, s->shown);
    connect_now(s);
    *ret_store = &s->port;
    return 0;
}
