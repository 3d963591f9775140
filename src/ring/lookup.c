/* SPDX-License-Identifier: Apache-2.0 */
/* ring/lookup.c -- from a name to its partition. */
#include "ring/lookup.h"

#include "ring/handoff.h"

#include <assert.h>
#include <string.h>

/* prefix, '/', account, '/', container, '/', object, suffix */
#define PARTS_MAX 8u
/* Names up to this many bytes are hashed in one call, longer ones part by part. */
#define JOIN_BYTES 512u

struct parts {
    struct mc_bytes part[PARTS_MAX];
    size_t count;
    size_t bytes;
};

static const uint8_t slash = '/';

static bool is_empty(const struct mc_secret *secret)
{
    return secret->prefix.len == 0 && secret->suffix.len == 0;
}

void mc_secret_check(const struct mc_secret *secret, uint8_t ret[8])
{
    static const char label[] = "mcos hash check"; /* its NUL is hashed too */
    const uint8_t nul = 0;
    const struct mc_bytes parts[] = {
        {(const uint8_t *)label, sizeof(label)},
        secret->prefix,
        {&nul, 1},
        secret->suffix,
    };
    uint8_t digest[MC_SHA256_BYTES];

    mc_sha256_parts(digest, parts, sizeof(parts) / sizeof(parts[0]));
    memcpy(ret, digest, 8);
}

int mc_lookup_secret(const struct mc_ring *ring, const struct mc_secret *given,
                     struct mc_secret *ret_secret)
{
    static const uint8_t any[8] = {0};
    const struct mc_head *head = mc_ring_head(ring);
    uint8_t check[8];

    if (head->tombstone || head->hash != MC_HASH_SWIFT_MD5) {
        *ret_secret = (struct mc_secret){{NULL, 0}, {NULL, 0}};
        return 0;
    }
    if (head->secret_embedded) {
        const struct mc_builder_info *builder = mc_ring_builder(ring);

        *ret_secret =
            (struct mc_secret){builder->secret_prefix, builder->secret_suffix};
        return 0;
    }
    if (given == NULL || is_empty(given))
        return MCOS_E_SECRET;
    if (memcmp(head->hash_check, any, sizeof(any)) != 0) {
        mc_secret_check(given, check);
        if (memcmp(head->hash_check, check, sizeof(check)) != 0)
            return MCOS_E_SECRET;
    }
    *ret_secret = *given;
    return 0;
}

static void add(struct parts *p, struct mc_bytes bytes)
{
    assert(p->count < PARTS_MAX);
    if (bytes.len == 0)
        return;
    p->part[p->count++] = bytes;
    p->bytes += bytes.len;
}

static void add_name(struct parts *p, const struct mc_key *key)
{
    const struct mc_bytes sep = {&slash, 1};

    add(p, key->account);
    if (key->container.len == 0)
        return;
    add(p, sep);
    add(p, key->container);
    if (key->object.len == 0)
        return;
    add(p, sep);
    add(p, key->object);
}

/* One short run of bytes is hashed faster than many: joins them into `room`. */
static void join(struct parts *p, uint8_t room[JOIN_BYTES])
{
    size_t at = 0;

    if (p->bytes > JOIN_BYTES)
        return;
    for (size_t i = 0; i < p->count; i++) {
        memcpy(room + at, p->part[i].ptr, p->part[i].len);
        at += p->part[i].len;
    }
    p->part[0] = (struct mc_bytes){room, at};
    p->count = 1;
}

static uint32_t part_md5(const struct mc_secret *secret, const struct mc_key *key,
                         unsigned part_power)
{
    struct parts p = {.count = 0};
    uint8_t room[JOIN_BYTES];
    uint8_t digest[MC_MD5_BYTES];

    add(&p, secret->prefix);
    add(&p, (struct mc_bytes){&slash, 1});
    add_name(&p, key);
    add(&p, secret->suffix);
    join(&p, room);
    mc_md5(digest, p.part, p.count);
    return mc_part_of_md5(digest, part_power);
}

static uint32_t part_xxh3(const struct mc_key *key, unsigned part_power)
{
    struct parts p = {.count = 0};
    uint8_t room[JOIN_BYTES];
    uint64_t hash;

    add_name(&p, key);
    join(&p, room);
    hash = p.count == 1 ? mc_xxh3_64(p.part[0]) : mc_xxh3_64_parts(p.part, p.count);
    return part_power == 0 ? 0 : (uint32_t)(hash >> (64 - part_power));
}

int mc_lookup_part_fast(const struct mc_ring *ring, const struct mc_secret *secret,
                        const struct mc_key *key, uint32_t *ret_part)
{
    const struct mc_head *head = mc_ring_head(ring);

    if (head->tombstone)
        return MCOS_E_DELETED;
    if (!mc_key_ok(key))
        return MCOS_E_VALUE;
    if (head->hash == MC_HASH_SWIFT_MD5)
        *ret_part = part_md5(secret, key, head->part_power);
    else
        *ret_part = part_xxh3(key, head->part_power);
    return 0;
}

int mc_lookup_part(const struct mc_ring *ring, const struct mc_secret *secret,
                   const struct mc_key *key, uint32_t *ret_part)
{
    struct mc_secret checked;
    int err = mc_lookup_secret(ring, secret, &checked);

    if (err != 0)
        return err;
    return mc_lookup_part_fast(ring, &checked, key, ret_part);
}

long mc_lookup_handoffs(const struct mc_ring *ring, uint32_t part, uint32_t *ids,
                        size_t want)
{
    struct mc_tiers *tiers;
    long count;
    int err = mc_tiers_new(ring, &tiers);

    if (err != 0)
        return err;
    count = mc_tiers_handoffs(tiers, part, ids, want);
    mc_tiers_free(tiers);
    return count;
}
