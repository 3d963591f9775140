/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/lookup_explain.c -- the steps from a name to its devices, told.
 *
 * It is told out of the answer: each handoff is looked at beside those before it, as
 * docs/format.md orders them.
 */
#include "app/lookup_explain.h"

#include "app/api.h"
#include "base/bytes.h"
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

/* ---- what is new about a handoff ---- */

enum tier { REGION, ZONE, HOST, DEVICE };
static const char *const tiers[] = {"region", "zone", "host", "device"};

static bool same(const json_t *a, const json_t *b, const char *key)
{
    return strcmp(mc_doc_text(a, key), mc_doc_text(b, key)) == 0;
}

/* The first tier in which they are apart. */
static enum tier apart(const json_t *a, const json_t *b)
{
    enum tier t = REGION;

    while (t < DEVICE && same(a, b, tiers[t]))
        t++;
    return t;
}

/* The tier of which no device of the lists has the same; the first `count` handoffs. */
static enum tier new_tier(const json_t *doc, size_t count)
{
    const json_t *devices = json_object_get(doc, "devices");
    const json_t *handoffs = json_object_get(doc, "handoffs");
    const json_t *one = json_array_get(handoffs, count);
    enum tier least = REGION;

    for (size_t i = 0; i < json_array_size(devices) + count; i++) {
        const json_t *before =
            i < json_array_size(devices)
                ? json_array_get(devices, i)
                : json_array_get(handoffs, i - json_array_size(devices));
        enum tier t = apart(one, before);

        least = t > least ? t : least;
    }
    return least;
}

/* ---- the name and its hash ---- */

static void put_part(struct mc_buf *b, struct mc_bytes part)
{
    if (part.len == 0)
        return;
    if (b->len > 0)
        mc_buf_put(b, "/", 1);
    mc_buf_put(b, part.ptr, part.len);
}

static json_t *hash_value(const json_t *doc, struct mc_bytes name)
{
    char hex[17];

    if (strcmp(mc_doc_text(doc, "hash"), "xxh3") != 0)
        return json_null();
    (void)snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)mc_xxh3_64(name));
    return json_string(hex);
}

static unsigned bits_of(long long partitions)
{
    unsigned bits = 0;

    while (bits < 63 && (1ll << bits) < partitions)
        bits++;
    return bits;
}

/* Where the search for handoffs begins: the top bits of MD5 of the number. */
static json_int_t start_of(long long partition, unsigned bits)
{
    char text[24];
    uint8_t md5[MC_MD5_BYTES];
    int len = snprintf(text, sizeof(text), "%lld", partition);

    mc_md5(md5, &(struct mc_bytes){(const uint8_t *)text, (size_t)len}, 1);
    return bits == 0
               ? 0
               : (json_int_t)((((uint32_t)md5[0] << 24) | ((uint32_t)md5[1] << 16) |
                               ((uint32_t)md5[2] << 8) | md5[3]) >>
                              (32 - bits));
}

int mc_explain_add(json_t *doc, const struct mc_key *key, const char *source)
{
    long long partitions = mc_doc_int(doc, "partitions");
    unsigned bits = bits_of(partitions);
    size_t count = json_array_size(json_object_get(doc, "handoffs"));
    struct mc_buf name = {0};
    json_t *handoffs = json_array();
    json_t *explain = NULL;

    put_part(&name, key->account);
    put_part(&name, key->container);
    put_part(&name, key->object);
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(json_object_get(doc, "handoffs"), i);

        (void)json_array_append_new(
            handoffs, json_pack("{s:I, s:s}", "id", (json_int_t)mc_doc_int(one, "id"),
                                "new", tiers[new_tier(doc, i)]));
    }
    if (name.err == 0)
        explain = json_pack("{s:o, s:s, s:o, s:i, s:I, s:I, s:o, s:s}", "name",
                            json_stringn_nocheck((const char *)name.ptr, name.len),
                            "hash", mc_doc_text(doc, "hash"), "value",
                            hash_value(doc, (struct mc_bytes){name.ptr, name.len}),
                            "bits", (int)bits, "start",
                            start_of(mc_doc_int(doc, "partition"), bits), "step",
                            (json_int_t)(partitions >= 65536 ? partitions / 65536 : 1),
                            "handoffs", handoffs, "source", source);
    mc_buf_fini(&name);
    return explain == NULL || json_object_set_new(doc, "explain", explain) != 0
               ? MCOS_E_NOMEM
               : 0;
}

/* ---- for people ---- */

static void print_ids(const json_t *list)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)(void)
        printf("%s%lld", i > 0 ? ", " : "", mc_doc_int(one, "id"));
}

static void print_handoff(const json_t *doc, const json_t *why, size_t i)
{
    const json_t *device = json_array_get(json_object_get(doc, "handoffs"), i);
    const char *tier = mc_doc_text(why, "new");

    if (strcmp(tier, "device") == 0)
        (void)printf("             %lld  none of a new host was left\n",
                     mc_doc_int(why, "id"));
    else
        (void)printf("             %lld  in a new %s: %s\n", mc_doc_int(why, "id"),
                     tier, mc_doc_text(device, tier));
}

void mc_explain_print(const json_t *doc)
{
    const json_t *e = json_object_get(doc, "explain");
    const char *value = mc_doc_text(e, "value");
    size_t i;
    json_t *why;

    (void)printf("\nname         %s\nhash         %s%s%s\n", mc_doc_text(e, "name"),
                 mc_doc_text(e, "hash"), value[0] != '\0' ? " " : "", value);
    if (value[0] == '\0')
        (void)printf("             of prefix, /, the name, suffix: they are secret\n");
    (void)printf("partition    its top %lld bits: %lld of %lld\n",
                 mc_doc_int(e, "bits"), mc_doc_int(doc, "partition"),
                 mc_doc_int(doc, "partitions"));
    (void)printf("row          row %lld of the table of %s: ",
                 mc_doc_int(doc, "partition"), mc_doc_text(doc, "stamp"));
    print_ids(json_object_get(doc, "devices"));
    (void)printf(
        "\nhandoffs     what is met from row %lld on, in steps of %lld: first in new\n"
        "             regions, then new zones, new hosts, then any\n",
        mc_doc_int(e, "start"), mc_doc_int(e, "step"));
    json_array_foreach(json_object_get(e, "handoffs"), i, why)
        print_handoff(doc, why, i);
    (void)printf("source       %s\n", mc_doc_text(e, "source"));
}
