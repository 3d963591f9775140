/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/ringv2.c -- version 2: the end says where the index is, the index where
 * the sections are and what their checksums are.
 *
 * The stream is read once to find its end, again to the index, and again section by
 * section: what is in it is never all in memory.
 */
#include "adapter/swift/ringv2.h"

#include "adapter/swift/ringgz.h"
#include "adapter/swift/ringrows.h"
#include "base/json_scan.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_DEPTH    3u
#define INDEX_VALUES   8192u /* a section has seven */
#define ENTRY_FIELDS   6u
#define DRAIN_BYTES    8192u
#define HEX_DIGEST_MAX (2 * EVP_MAX_MD_SIZE + 1)

/* One entry of the index. */
struct section {
    const char *name;
    uint64_t start; /* of its length, uncompressed */
    uint64_t end;   /* UINT64_MAX: not said */
    const EVP_MD *method;
    char digest[HEX_DIGEST_MAX];
    uint64_t bytes; /* behind the length; known once it was opened */
};

static uint64_t get_size(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < MC_RINGV2_SIZE_BYTES; i++)
        v = v << 8 | p[i];
    return v;
}

/* ---- the index ---- */

/* Reads the last bytes and the index's text, which is yours. */
static int read_index_text(struct mc_source *s, uint8_t **ret_text, size_t *ret_bytes)
{
    uint8_t tail[MC_RINGV2_TAIL_BYTES];
    uint8_t size[MC_RINGV2_SIZE_BYTES];
    uint64_t total;
    uint64_t start;
    uint64_t bytes;
    uint8_t *text;
    int err = mc_source_last(s, MC_INFLATED_BYTES_MAX, tail, sizeof(tail));

    if (err != 0)
        return err;
    total = s->pos;
    start = get_size(tail);
    if (total < MC_RINGV2_SIZE_BYTES + MC_RINGV2_TAIL_BYTES ||
        start > total - MC_RINGV2_SIZE_BYTES - MC_RINGV2_TAIL_BYTES)
        return mc_source_fail(s, MCOS_E_FORMAT, "",
                              "the index is not where the end of the file says");
    err = mc_source_seek(s, start);
    if (err == 0)
        err = mc_source_exact(s, size, sizeof(size));
    if (err != 0)
        return err;
    bytes = get_size(size);
    if (bytes != total - MC_RINGV2_TAIL_BYTES - MC_RINGV2_SIZE_BYTES - start)
        return mc_source_fail(s, MCOS_E_FORMAT, "",
                              "the index is not where the end of the file says");
    if (bytes > MC_RINGGZ_INDEX_MAX)
        return mcos_diag_set(s->diag, MCOS_E_TOOBIG, "",
                             "an index of %llu bytes, at most %u",
                             (unsigned long long)bytes, MC_RINGGZ_INDEX_MAX);
    text = malloc((size_t)bytes + 1);
    if (text == NULL)
        return MCOS_E_NOMEM;
    err = mc_source_exact(s, text, (size_t)bytes);
    if (err != 0) {
        free(text);
        return err;
    }
    *ret_text = text;
    *ret_bytes = (size_t)bytes;
    return 0;
}

static int bad_entry(const struct mc_source *s, const char *name, const char *why)
{
    return mcos_diag_set(s->diag, MCOS_E_FORMAT, name, "the index: %s", why);
}

static const EVP_MD *find_method(const char *name)
{
    static const char *const known[] = {"md5", "sha1", "sha256", "sha512"};

    for (size_t i = 0; name != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name, known[i]) == 0)
            return EVP_get_digestbyname(name);
    }
    return NULL;
}

/* [compressed start, start, compressed end, end, method, digest] */
static int read_entry(const struct mc_source *s, const json_t *index,
                      struct section *section)
{
    const json_t *entry = json_object_get(index, section->name);
    const json_t *start = json_array_get(entry, 1);
    const json_t *end = json_array_get(entry, 3);
    const char *digest = json_string_value(json_array_get(entry, 5));

    if (entry == NULL)
        return bad_entry(s, section->name, "the section is missing");
    if (json_array_size(entry) != ENTRY_FIELDS)
        return bad_entry(s, section->name, "not a list of six");
    if (!json_is_integer(start) || json_integer_value(start) < 0)
        return bad_entry(s, section->name, "no place");
    section->start = (uint64_t)json_integer_value(start);
    section->end = UINT64_MAX;
    if (json_is_integer(end) && json_integer_value(end) >= 0)
        section->end = (uint64_t)json_integer_value(end);
    else if (!json_is_null(end))
        return bad_entry(s, section->name, "no end");
    section->method = find_method(json_string_value(json_array_get(entry, 4)));
    if (section->method == NULL)
        return bad_entry(s, section->name,
                         "its checksum is none of md5, sha1, sha256, sha512");
    if (digest == NULL ||
        strlen(digest) != 2 * (size_t)EVP_MD_get_size(section->method))
        return bad_entry(s, section->name, "the checksum has another length");
    (void)snprintf(section->digest, sizeof(section->digest), "%s", digest);
    return 0;
}

static int read_index(struct mc_source *s, struct section *sections, size_t count)
{
    json_error_t error;
    uint8_t *text = NULL;
    size_t bytes = 0;
    json_t *index = NULL;
    int err = read_index_text(s, &text, &bytes);

    if (err == 0)
        err = mc_json_scan((struct mc_bytes){text, bytes}, INDEX_DEPTH, INDEX_VALUES,
                           s->diag);
    if (err == 0) {
        index = json_loadb((const char *)text, bytes, JSON_REJECT_DUPLICATES, &error);
        if (index == NULL && json_error_code(&error) == json_error_out_of_memory)
            err = MCOS_E_NOMEM;
        else if (index == NULL)
            err = mcos_diag_set(s->diag, MCOS_E_JSON, "", "the index: %s", error.text);
    }
    for (size_t i = 0; err == 0 && i < count; i++)
        err = read_entry(s, index, &sections[i]);
    json_decref(index);
    free(text);
    return err;
}

/* ---- a section ---- */

/* Goes to its data; from there on every byte is counted in its checksum. */
static int open_section(struct mc_source *s, struct section *section, uint64_t max)
{
    uint8_t size[MC_RINGV2_SIZE_BYTES];
    int err = mc_source_seek(s, section->start);

    if (err != 0)
        return err;
    s->digest = EVP_MD_CTX_new();
    if (s->digest == NULL || EVP_DigestInit_ex(s->digest, section->method, NULL) != 1)
        return MCOS_E_NOMEM;
    err = mc_source_exact(s, size, sizeof(size));
    if (err != 0)
        return err;
    section->bytes = get_size(size);
    if (section->bytes > max)
        return mcos_diag_set(
            s->diag, MCOS_E_TOOBIG, section->name, "%llu bytes, at most %llu",
            (unsigned long long)section->bytes, (unsigned long long)max);
    if ((section->end != UINT64_MAX && section->end != s->pos + section->bytes) ||
        !mc_source_may_hold(s, section->bytes))
        return mc_source_fail(s, MCOS_E_FORMAT, section->name,
                              "the section is not as long as it says");
    s->limit = s->pos + section->bytes;
    return 0;
}

/* After its last byte. */
static int check_section(struct mc_source *s, const struct section *section)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    char hex[HEX_DIGEST_MAX];
    unsigned n = 0;

    if (EVP_DigestFinal_ex(s->digest, digest, &n) != 1)
        return MCOS_E_NOMEM;
    mc_hex(hex, digest, n);
    if (strcmp(hex, section->digest) != 0)
        return mc_source_fail(s, MCOS_E_DIGEST, section->name,
                              "the section does not have its checksum");
    return 0;
}

static void close_section(struct mc_source *s)
{
    EVP_MD_CTX_free(s->digest);
    s->digest = NULL;
    s->limit = UINT64_MAX;
}

/* All of a section that is a text: yours. */
static int read_text(struct mc_source *s, struct section *section,
                     struct mc_ringjson_text *ret)
{
    uint8_t *text = NULL;
    size_t base = 0;
    int err = open_section(s, section, MC_RINGGZ_JSON_MAX);

    if (err == 0) {
        base = (size_t)s->pos;
        text = malloc((size_t)section->bytes + 1);
        err = text == NULL ? MCOS_E_NOMEM
                           : mc_source_exact(s, text, (size_t)section->bytes);
    }
    if (err == 0)
        err = check_section(s, section);
    close_section(s);
    if (err != 0) {
        free(text);
        return err;
    }
    *ret = (struct mc_ringjson_text){{text, (size_t)section->bytes}, base};
    return 0;
}

/* How many rows the table's bytes make. */
static int count_rows(const struct mc_source *s, const struct section *section,
                      struct mc_ringjson *shape)
{
    const uint64_t parts = 1ull << shape->part_power;
    const uint64_t ids = section->bytes / shape->id_bytes;

    if (section->bytes % shape->id_bytes != 0)
        return mc_source_fail(s, MCOS_E_FORMAT, section->name,
                              "half an id at the end of a row");
    if (ids < parts)
        return mc_source_fail(s, MCOS_E_FORMAT, section->name,
                              "there are partitions without a device");
    if (ids > parts * MC_REPLICAS_MAX)
        return mcos_diag_set(s->diag, MCOS_E_TOOBIG, section->name,
                             "more than %u replicas", MC_REPLICAS_MAX);
    if (shape->replicas >= 0 &&
        fabs(shape->replicas * (double)parts - (double)ids) >= 1)
        return mc_source_fail(s, MCOS_E_FORMAT, "/replica_count",
                              "the table has another number of replicas");
    shape->rows = (unsigned)((ids + parts - 1) / parts);
    return 0;
}

static int read_table(struct mc_source *s, struct section *section,
                      struct mc_ringjson *shape, struct mc_draft *draft)
{
    uint8_t rest[DRAIN_BYTES];
    struct mcos_diag first = {.offset = -1};
    size_t got = 1;
    int damaged;
    int err = open_section(
        s, section, (uint64_t)MC_REPLICAS_MAX * shape->id_bytes << shape->part_power);

    if (err == 0)
        err = count_rows(s, section, shape);
    if (err == 0)
        err = mc_ringrows_read(s, shape, draft);
    if (err == 0)
        err = check_section(s, section);
    if (err == MCOS_E_DEVICE) {
        /* Wrong devices, or wrong bytes? The checksum knows. */
        if (s->diag != NULL)
            first = *s->diag;
        do
            damaged = mc_source_read(s, rest, sizeof(rest), &got);
        while (damaged == 0 && got != 0);
        if (damaged == 0)
            damaged = check_section(s, section);
        if (damaged != 0)
            err = damaged;
        else if (s->diag != NULL)
            *s->diag = first;
    }
    close_section(s);
    return err;
}

int mc_ringv2_read(struct mc_source *s, struct mc_draft *draft, struct mc_buf *kept,
                   struct mc_ringjson *ret)
{
    enum { METADATA, DEVICES, ASSIGNMENTS, SECTIONS };
    struct section sections[SECTIONS] = {{.name = MC_RINGV2_METADATA},
                                         {.name = MC_RINGV2_DEVICES},
                                         {.name = MC_RINGV2_ASSIGNMENTS}};
    struct mc_ringjson_text metadata = {.base = 0};
    struct mc_ringjson_text devices = {.base = 0};
    int err = read_index(s, sections, SECTIONS);

    if (err == 0)
        err = read_text(s, &sections[METADATA], &metadata);
    if (err == 0)
        err = read_text(s, &sections[DEVICES], &devices);
    if (err == 0)
        err = mc_ringjson_read_v2(&metadata, &devices, draft, kept, ret, s->diag);
    free((void *)(uintptr_t)metadata.bytes.ptr);
    free((void *)(uintptr_t)devices.bytes.ptr);
    if (err == 0)
        err = read_table(s, &sections[ASSIGNMENTS], ret, draft);
    return err;
}
