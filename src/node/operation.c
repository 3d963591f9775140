/* SPDX-License-Identifier: Apache-2.0 */
/* node/operation.c -- from a key to an id, from an id to a record. */
#include "node/operation.h"

#include <string.h>

static void put_text(struct mc_buf *b, const char *text)
{
    mc_buf_put(b, text == NULL ? "" : text, text == NULL ? 1 : strlen(text) + 1);
}

/* Another request with the same key is another operation. */
int mc_operation_of(const struct mc_request *request, struct mc_operation *ret,
                    struct mcos_diag *diag)
{
    const char *key = request->idempotency_key;
    uint8_t digest[MC_SHA256_BYTES];
    struct mc_buf b = {0};
    int r;

    *ret = (struct mc_operation){.named = key != NULL};
    if (key == NULL)
        return 0;
    if (key[0] == '\0' || strlen(key) > MC_OPERATION_KEY_MAX)
        return mcos_diag_set(diag, MCOS_E_USAGE, "Idempotency-Key",
                             "1 to %u characters", MC_OPERATION_KEY_MAX);
    for (const char *c = key; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~')
            return mcos_diag_set(diag, MCOS_E_USAGE, "Idempotency-Key",
                                 "visible ASCII only, without spaces");
    }
    mc_sha256(digest, request->body);
    put_text(&b, "mcos operation");
    put_text(&b, key);
    put_text(&b, request->method);
    put_text(&b, request->path);
    put_text(&b, request->if_match);
    put_text(&b, request->if_none_match);
    for (size_t i = 0; i < request->query_count; i++) {
        put_text(&b, request->query[i].name);
        put_text(&b, request->query[i].value);
    }
    mc_buf_put(&b, digest, sizeof(digest));
    if (b.err == 0)
        mc_sha256(digest, (struct mc_bytes){b.ptr, b.len});
    memcpy(ret->id, digest, sizeof(ret->id));
    r = b.err;
    mc_buf_fini(&b);
    return r;
}

static bool made_by(const struct mc_ring *ring, const struct mc_operation *operation)
{
    return memcmp(mc_ring_head(ring)->operation, operation->id,
                  sizeof(operation->id)) == 0;
}

static int find(const struct mc_agent *agent, const char *name,
                const struct mc_operation *operation, bool deep,
                struct mc_ring **ret_made)
{
    const struct mc_ring *held = mc_agent_ring_find(agent, name);
    const struct mc_builder_info *info;

    if (!operation->named || held == NULL)
        return MCOS_E_NOTFOUND;
    if (made_by(held, operation)) {
        /* A reference is a count, not a change of the ring. */
        *ret_made = mc_ring_ref((struct mc_ring *)(uintptr_t)held);
        return 0;
    }
    info = mc_ring_builder(held);
    for (size_t i = 0; deep && i < info->ancestor_count && i < MC_OPERATION_DEPTH;
         i++) { /* the newest first */
        struct mc_ring *ring;

        if (mc_agent_record(agent, name, info->ancestors[i].digest8, &ring) != 0)
            continue;
        if (made_by(ring, operation)) {
            *ret_made = ring;
            return 0;
        }
        mc_ring_unref(ring);
    }
    return MCOS_E_NOTFOUND;
}

int mc_operation_find(const struct mc_agent *agent, const char *ring,
                      const struct mc_operation *operation, bool deep,
                      struct mc_ring **ret_made, struct mc_ring **ret_old,
                      bool *ret_replaces)
{
    const struct mc_head *head;
    int err = find(agent, ring, operation, deep, ret_made);

    if (err != 0)
        return err;
    head = mc_ring_head(*ret_made);
    *ret_old = NULL;
    *ret_replaces = head->parent_count > 0;
    if (head->parent_count == 0 ||
        mc_agent_record(agent, ring, head->parents[0], ret_old) != 0)
        return 0;
    if (mc_ring_head(*ret_old)->tombstone) {
        mc_ring_unref(*ret_old);
        *ret_old = NULL;
        *ret_replaces = false;
    }
    return 0;
}
