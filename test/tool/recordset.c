/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/tool/recordset.c -- records for tests that speak to a server themselves.
 *
 *     recordset FOLDER [PART_POWER]
 *
 * Writes <ring>.<which>: r.1 and its children r.2a, r.2b (r.2a is the greater),
 * r.3 that settles both, r.4 the tombstone of r.3; r.c00 to r.c17, eighteen other
 * children of r.1, smallest first; s.1, of another name; md5.1, whose names
 * are hashed with a secret that is not in it.
 */
#include "contract/records.h"
#include "sync/stamp.h"

#include <stdio.h>
#include <stdlib.h>

#define CHILDREN 20u

static void write_record(const char *folder, const char *name,
                         const struct mc_ring *ring)
{
    struct mc_bytes bytes = mc_blob_get(mc_ring_blob(ring));
    char path[1024];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.ptr, 1, bytes.len, file) != bytes.len ||
        fclose(file) != 0) {
        (void)fprintf(stderr, "recordset: cannot write %s\n", path);
        exit(1);
    }
}

static int cmp(const void *a, const void *b)
{
    struct mc_stamp x = mc_stamp_of(mc_ring_head(*(struct mc_ring *const *)a));
    struct mc_stamp y = mc_stamp_of(mc_ring_head(*(struct mc_ring *const *)b));

    return mc_stamp_cmp(&x, &y);
}

static struct mc_ring *with_secret(const struct mc_ring *like)
{
    struct mc_draft draft;
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;

    mc_draft_init(&draft);
    if (mc_draft_from_ring(&draft, like) != 0)
        exit(1);
    (void)mc_name_set(&draft.head.name, "md5");
    draft.head.hash = MC_HASH_SWIFT_MD5;
    draft.head.hash_check[0] = 1;
    if (mc_draft_mint(&draft, NULL, NULL, 0, 1) != 0 ||
        mc_draft_encode(&draft, &blob, NULL) != 0 ||
        mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL) != 0)
        exit(1);
    mc_blob_unref(blob);
    mc_draft_fini(&draft);
    return ring;
}

int main(int argc, char **argv)
{
    unsigned power = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 4;
    struct mc_ring *children[CHILDREN];
    struct mc_ring *first;
    struct mc_ring *other;
    struct mc_ring *settled;
    struct mc_ring *gone;
    char text[32];

    if (argc < 2) {
        (void)fprintf(stderr, "usage: recordset FOLDER [PART_POWER]\n");
        return 2;
    }
    first = record_mint("r", NULL, NULL, "first", power);
    for (unsigned i = 0; i < CHILDREN; i++) {
        (void)snprintf(text, sizeof(text), "child %u", i);
        children[i] = record_mint("r", first, NULL, text, power);
    }
    qsort(children, CHILDREN, sizeof(*children), cmp);
    settled = record_mint("r", children[CHILDREN - 1], children[CHILDREN - 2],
                          "settled", power);
    gone = record_tombstone(settled);
    write_record(argv[1], "r.1", first);
    for (unsigned i = 0; i < CHILDREN - 2; i++) {
        (void)snprintf(text, sizeof(text), "r.c%02u", i);
        write_record(argv[1], text, children[i]);
    }
    write_record(argv[1], "r.2a", children[CHILDREN - 1]);
    write_record(argv[1], "r.2b", children[CHILDREN - 2]);
    write_record(argv[1], "r.3", settled);
    write_record(argv[1], "r.4", gone);
    other = record_mint("s", NULL, NULL, "other", power);
    write_record(argv[1], "s.1", other);
    mc_ring_unref(other);
    other = with_secret(first);
    write_record(argv[1], "md5.1", other);
    mc_ring_unref(other);
    for (unsigned i = 0; i < CHILDREN; i++)
        mc_ring_unref(children[i]);
    mc_ring_unref(first);
    mc_ring_unref(settled);
    mc_ring_unref(gone);
    return 0;
}
