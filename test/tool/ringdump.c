/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/tool/ringdump.c -- what we make of a Swift ring, for Swift to judge.
 *
 *     ringdump FILE.ring.gz SWIFT.CONF [HANDOFFS] < names
 *
 * Each input line is account<TAB>container<TAB>object (\N: not given); each
 * output line partition<TAB>primary ids<TAB>handoff ids. First comes a line
 * "#" part power, assignments, device slots, then one line "#row" with SHA-256 of
 * each row's ids (u16, little-endian).
 */
#include "adapter/swift/swiftconf.h"
#include "ring/handoff.h"
#include "ringload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 65536

static void print_rows(const struct mc_ring *ring)
{
    const struct mc_head *head = mc_ring_head(ring);

    printf("# %u %llu %u\n", head->part_power, (unsigned long long)head->assignments,
           head->device_count);
    for (unsigned row = 0; row < head->stride; row++) {
        struct mc_buf b = {0};
        uint8_t digest[MC_SHA256_BYTES];
        char hex[2 * MC_SHA256_BYTES + 1];

        for (uint32_t part = 0; part < mc_ring_part_count(ring); part++) {
            uint32_t id = mc_ring_at(ring, part, row);

            if (id != MC_DEVICE_NONE)
                mc_buf_u16(&b, (uint16_t)id);
        }
        mc_sha256(digest, (struct mc_bytes){b.ptr, b.len});
        mc_hex(hex, digest, sizeof(digest));
        printf("#row %zu %s\n", b.len / 2, hex);
        mc_buf_fini(&b);
    }
}

static struct mc_bytes field(char **at)
{
    char *text = strsep(at, "\t\n");

    if (text == NULL || strcmp(text, "\\N") == 0)
        return (struct mc_bytes){NULL, 0};
    return (struct mc_bytes){(uint8_t *)text, strlen(text)};
}

static void print_ids(const uint32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%s%u", i == 0 ? "" : ",", ids[i]);
}

static int answer(const struct mc_ring *ring, const struct mc_tiers *tiers,
                  const struct mc_secret *secret, size_t want)
{
    static char line[LINE_BYTES];
    uint32_t *ids = calloc(want + 1, sizeof(*ids));
    int err = ids == NULL ? MCOS_E_NOMEM : 0;

    while (err == 0 && fgets(line, sizeof(line), stdin) != NULL) {
        char *at = line;
        struct mc_key key = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
        uint32_t row[MC_REPLICAS_MAX];
        uint32_t part;
        long n;

        key.account = field(&at);
        key.container = field(&at);
        key.object = field(&at);
        err = mc_lookup_part(ring, secret, &key, &part);
        if (err != 0)
            break;
        printf("%u\t", part);
        print_ids(row, mc_ring_row(ring, part, row));
        printf("\t");
        n = mc_tiers_handoffs(tiers, part, ids, want);
        if (n < 0)
            err = (int)n;
        else
            print_ids(ids, (size_t)n);
        printf("\n");
    }
    free(ids);
    return err;
}

int main(int argc, char **argv)
{
    struct mcos_diag diag = {.text = ""};
    struct mc_swiftconf *conf = NULL;
    struct mc_ring *ring = NULL;
    struct mc_tiers *tiers = NULL;
    struct mc_secret secret;
    int err;

    if (argc < 3)
        return 2;
    err = mc_swiftconf_open(argv[2], &conf, &diag);
    if (err != 0)
        goto out;
    secret = mc_swiftconf_secret(conf);
    err = ringload_swift(argv[1], &secret, &ring, &diag);
    if (err == 0)
        err = mc_tiers_new(ring, &tiers);
    if (err != 0)
        goto out;
    print_rows(ring);
    err =
        answer(ring, tiers, &secret, argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 0);
out:
    if (err != 0)
        fprintf(stderr, "ringdump: %s: %s %s\n", mcos_err_text(err), diag.field,
                diag.text);
    mc_tiers_free(tiers);
    mc_ring_unref(ring);
    mc_swiftconf_free(conf);
    return err == 0 ? 0 : 1;
}
