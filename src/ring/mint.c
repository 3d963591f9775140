/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/mint.c -- gives a draft its place in the line of descent.
 *
 * Version and timestamp both grow from parent to child, so that along every
 * line the child is the greater one by either number.
 */
#include "ring/draft.h"

#include "ring/layout.h"

#include <stdlib.h>
#include <string.h>

static int newest_first(const void *a, const void *b)
{
    return mc_ancestor_cmp(b, a);
}

static size_t add_line(struct mc_ancestor *list, size_t n, const struct mc_ring *ring)
{
    const struct mc_builder_info *info = mc_ring_builder(ring);

    list[n++] = mc_ancestor_of(mc_ring_head(ring));
    for (size_t i = 0; i < info->ancestor_count; i++)
        list[n++] = info->ancestors[i];
    return n;
}

/*
 * The newest of both lines. Each parent's list holds its newest ancestors, so
 * the newest of all are among them.
 */
static int merge_ancestors(struct mc_draft *draft, const struct mc_ring *held,
                           const struct mc_ring *const *also, size_t also_count)
{
    struct mc_ancestor *list;
    size_t n = 0;
    size_t kept = 0;

    if (also_count > SIZE_MAX / sizeof(*list) / (MC_ANCESTORS_MAX + 1) - 1)
        return MCOS_E_NOMEM;
    list = malloc((also_count + 1) * (MC_ANCESTORS_MAX + 1) * sizeof(*list));
    if (list == NULL)
        return MCOS_E_NOMEM;
    if (held != NULL)
        n = add_line(list, n, held);
    for (size_t i = 0; i < also_count; i++)
        n = add_line(list, n, also[i]);
    qsort(list, n, sizeof(*list), newest_first);
    for (size_t i = 0; i < n && kept < MC_ANCESTORS_MAX; i++) {
        if (kept == 0 || mc_ancestor_cmp(&list[kept - 1], &list[i]) != 0)
            list[kept++] = list[i];
    }
    free(draft->ancestors);
    draft->ancestors = list;
    draft->ancestor_count = kept;
    return 0;
}

static void add_parent(struct mc_head *head, const struct mc_ring *ring)
{
    const uint8_t *digest = mc_ring_head(ring)->digest;

    if (!mc_head_has_parent(head, digest))
        memcpy(head->parents[head->parent_count++], digest, MC_DIGEST_BYTES);
}

/* The same wherever it is computed: no random source is needed to mint. */
static void make_uid(struct mc_head *head)
{
    uint8_t raw[MC_NAME_MAX + 1 + MC_UID_BYTES + 16 + MC_UID_BYTES] = {0};
    uint8_t sum[MC_SHA256_BYTES];
    uint8_t *at = raw;

    memcpy(at, head->name.s, strnlen(head->name.s, MC_NAME_MAX));
    at += MC_NAME_MAX + 1;
    memcpy(at, head->system, MC_UID_BYTES);
    at += MC_UID_BYTES;
    mc_set_u64(at, head->version);
    mc_set_u64(at + 8, head->timestamp);
    memcpy(at + 16, head->operation, MC_UID_BYTES);
    mc_sha256(sum, (struct mc_bytes){raw, sizeof(raw)});
    memcpy(head->uid, sum, MC_UID_BYTES);
}

int mc_draft_mint(struct mc_draft *draft, const struct mc_ring *held,
                  const struct mc_ring *const *also, size_t also_count,
                  uint64_t wall_ns)
{
    const struct mc_head *before = held == NULL ? NULL : mc_ring_head(held);
    struct mc_head *head = &draft->head;
    uint64_t version = before == NULL ? 1 : before->version + 1;
    uint64_t timestamp = before == NULL ? 1 : before->timestamp + 1;
    int err;

    for (size_t i = 0; i < also_count; i++) {
        uint64_t settled = mc_ring_head(also[i])->timestamp;

        if (settled >= timestamp)
            timestamp = settled + 1;
    }
    if (wall_ns > timestamp)
        timestamp = wall_ns;
    if (version > MC_VERSION_MAX || timestamp > MC_TIMESTAMP_MAX)
        return MCOS_E_FORCE;
    err = merge_ancestors(draft, held, also, also_count);
    if (err != 0)
        return err;
    head->epoch = before == NULL ? 0 : before->epoch;
    head->version = version;
    head->timestamp = timestamp;
    head->parent_count = 0;
    memset(head->parents, 0, sizeof(head->parents));
    if (held != NULL)
        add_parent(head, held);
    if (also_count > 0)
        add_parent(head, also[0]);
    if (before == NULL || before->tombstone)
        make_uid(head);
    else
        memcpy(head->uid, before->uid, MC_UID_BYTES);
    return 0;
}
