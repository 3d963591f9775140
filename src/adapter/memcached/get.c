/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/memcached/get.c -- a record put together again, or a miss. */
#include "adapter/memcached/state.h"

#include <string.h>

#define GET_MS 1000u /* for all of it; a server that is there needs a tenth */

static int get_piece(struct mc_memcached *c, const struct mc_manifest *m, uint32_t i,
                     struct mc_buf *record)
{
    char key[MC_CACHE_KEY_BYTES];
    size_t start = record->len;
    size_t wanted = mc_manifest_piece(m, i);
    uint64_t cas;
    int err;

    mc_cache_piece_key(key, c->system, m->stamp.digest, i);
    record->max = start + wanted;
    err = mc_link_get(c->link, key, record, &cas);
    if (err == MCOS_E_NOTFOUND)
        return mc_memcached_say(c, err, "piece %u of %s is gone", i, m->name.s);
    if (err == MCOS_E_TOOBIG || (err == 0 && record->len - start != wanted))
        return mc_memcached_say(c, MCOS_E_DIGEST, "piece %u of %s has another length",
                                i, m->name.s);
    return err == 0 ? 0 : mc_memcached_pass(c, err);
}

/* Takes the bytes of the buffer. */
static int open_record(struct mc_memcached *c, const struct mc_manifest *m,
                       struct mc_buf *record, struct mc_ring **ret_ring)
{
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    struct mcos_diag diag = {.offset = -1};
    int err = mc_blob_from_buf(record, &blob);

    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_SHA256, &ring, &diag);
    mc_blob_unref(blob);
    if (err == MCOS_E_NOMEM || err == MCOS_E_UPGRADE)
        return mc_memcached_say(c, err, "%s: %.200s", m->name.s, mcos_err_text(err));
    if (err == 0 &&
        memcmp(mc_ring_head(ring)->digest, m->stamp.digest, MC_DIGEST_BYTES) == 0) {
        *ret_ring = ring;
        return 0;
    }
    mc_ring_unref(ring);
    return mc_memcached_say(c, MCOS_E_DIGEST,
                            "the pieces of %s do not make up its record", m->name.s);
}

int mc_memcached_get(struct mc_cache *cache, const struct mc_name *name,
                     struct mc_ring **ret_ring)
{
    struct mc_memcached *c = (struct mc_memcached *)cache;
    uint64_t until = mc_memcached_now_ms() + GET_MS;
    struct mc_buf record = {0};
    struct mc_manifest m;
    uint64_t cas;
    int err;

    c->trouble[0] = '\0';
    err = mc_memcached_look(c, name->s, &m, &cas);
    for (uint32_t i = 0; err == 0 && i < m.piece_count; i++) {
        if (mc_memcached_now_ms() >= until)
            err =
                mc_memcached_say(c, MCOS_E_AWAY, "%s takes too long to come", name->s);
        else
            err = get_piece(c, &m, i, &record);
    }
    if (err == 0)
        err = open_record(c, &m, &record, ret_ring);
    mc_buf_fini(&record);
    return err;
}
