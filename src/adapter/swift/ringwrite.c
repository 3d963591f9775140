/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/ringwrite.c -- both versions of a ring file, front to back. */
#include "adapter/swift/ringwrite.h"

#include "adapter/swift/devwrite.h"
#include "adapter/swift/pyjson.h"
#include "adapter/swift/ringv2.h"
#include "adapter/swift/stored.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES   65536u
#define DEVICE_BYTES  256u /* of JSON, about */
#define FLUSHES       8u
#define HEX_BYTES     (2 * MC_SHA256_BYTES + 1)
#define SHA256_METHOD "sha256"

struct writing {
    const struct mc_ring *ring;
    const struct mc_head *head;
    struct mc_devwrite devices;
    struct mc_buf *out;
    struct mc_stored file;
    size_t start; /* of the file in out */
    unsigned version;
    unsigned id_bytes;
    /* version 2 */
    EVP_MD_CTX *digest; /* of the open section */
    json_t *index;
    json_t *entry; /* lent: of the open section */
    struct mcos_diag *diag;
};

static void put(struct writing *w, const void *src, size_t n)
{
    if (w->digest != NULL && EVP_DigestUpdate(w->digest, src, n) != 1 &&
        w->out->err == 0)
        w->out->err = MCOS_E_NOMEM;
    mc_stored_put(&w->file, src, n);
}

static void put_size(struct writing *w, uint64_t size, unsigned bytes)
{
    uint8_t big[8];

    for (unsigned i = 0; i < bytes; i++)
        big[i] = (uint8_t)(size >> 8 * (bytes - 1 - i));
    put(w, big, bytes);
}

/* ---- the table ---- */

static void put_row(struct writing *w, unsigned replica, uint64_t parts,
                    bool big_endian)
{
    uint8_t chunk[CHUNK_BYTES];
    size_t n = 0;

    for (uint32_t part = 0; part < parts; part++) {
        uint32_t id = mc_ring_at(w->ring, part, replica);

        for (unsigned i = 0; i < w->id_bytes; i++) {
            unsigned at = big_endian ? w->id_bytes - 1 - i : i;

            chunk[n++] = at < 4 ? (uint8_t)(id >> 8 * at) : 0;
        }
        if (n == sizeof(chunk)) {
            put(w, chunk, n);
            n = 0;
        }
    }
    put(w, chunk, n);
}

/* Row by row; the last one ends where the assignments do. */
static void put_table(struct writing *w, bool big_endian)
{
    const uint64_t parts = mc_ring_part_count(w->ring);
    uint64_t left = w->head->assignments;

    for (unsigned replica = 0; replica < w->head->stride; replica++) {
        uint64_t now = left < parts ? left : parts;

        put_row(w, replica, now, big_endian);
        left -= now;
    }
}

/* ---- what JSON says of the ring ---- */

/*
 * An import says what its file said. After a rebuild here it is Swift's counter plus
 * our version, so that it grows with every record.
 */
static int put_version(const struct writing *w, json_t *keys)
{
    json_int_t swifts = json_integer_value(json_object_get(keys, "version"));
    json_int_t ours = (json_int_t)w->head->version;

    if (mc_ring_builder(w->ring)->algorithm == 0)
        return 0;
    if (swifts < 0 || swifts > INT64_MAX - ours)
        swifts = 0;
    return json_object_set_new(keys, "version", json_integer(swifts + ours));
}

/* The keys that both versions have, with those that an import kept; yours, or NULL. */
static json_t *ring_keys(const struct writing *w)
{
    json_t *kept = json_object_get(w->devices.kept, "ring");
    json_t *o = json_is_object(kept) ? json_copy(kept) : json_object();
    int r = 0;

    (void)json_object_del(o, "dev_id_bytes");
    r |= json_object_set_new(o, "part_shift", json_integer(32 - w->head->part_power));
    r |= put_version(w, o);
    if (w->head->next_part_power != MC_RINGJSON_NO_POWER)
        r |= json_object_set_new(o, "next_part_power",
                                 json_integer(w->head->next_part_power));
    if (r == 0)
        return o;
    json_decref(o);
    return NULL;
}

/* ---- version 1 ---- */

/* The keys of `from` that come before (or after) "devs", without their braces. */
static int put_keys(struct mc_buf *text, json_t *from, bool before)
{
    struct mc_buf part = {0};
    json_t *some = json_object();
    const char *key;
    json_t *value;
    int r = some == NULL;

    json_object_foreach(from, key, value)
    {
        int order = strcmp(key, "devs");

        if (before ? order < 0 : order > 0)
            r |= json_object_set(some, key, value);
    }
    if (r == 0)
        mc_pyjson_put(&part, some);
    json_decref(some);
    r = r != 0 ? MCOS_E_NOMEM : part.err;
    if (r == 0)
        mc_buf_put(text, part.ptr + 1, part.len - 2);
    mc_buf_fini(&part);
    return r;
}

/*
 * The list of devices stands among the other keys ("byteorder" before it,
 * "part_shift" after it); it may be long and is not made a tree.
 */
static int put_json_v1(struct writing *w, struct mc_buf *text)
{
    static const char devs[] = ", \"devs\": ";
    json_t *o = ring_keys(w);
    int err;

    if (o == NULL || json_object_set_new(o, "byteorder", json_string("little")) != 0 ||
        json_object_set_new(o, "replica_count", json_integer(w->head->stride)) != 0) {
        json_decref(o);
        return MCOS_E_NOMEM;
    }
    mc_buf_u8(text, '{');
    err = put_keys(text, o, true);
    mc_buf_put(text, devs, sizeof(devs) - 1);
    if (err == 0)
        err = mc_devwrite_list(&w->devices, text);
    mc_buf_put(text, ", ", 2);
    if (err == 0)
        err = put_keys(text, o, false);
    mc_buf_u8(text, '}');
    json_decref(o);
    return err != 0 ? err : text->err;
}

static int put_v1(struct writing *w)
{
    struct mc_buf text = {0};
    int err = put_json_v1(w, &text);

    if (err == 0 && text.len > MC_RINGGZ_JSON_MAX)
        err = mcos_diag_set(w->diag, MCOS_E_TOOBIG, "/devices",
                            "%zu bytes of JSON, at most %u", text.len,
                            MC_RINGGZ_JSON_MAX);
    if (err == 0) {
        put_size(w, text.len, 4);
        put(w, text.ptr, text.len);
        put_table(w, false);
    }
    mc_buf_fini(&text);
    return err;
}

/* ---- version 2 ---- */

static uint64_t compressed(const struct writing *w)
{
    return w->out->len - w->start;
}

static int open_section(struct writing *w, const char *name, uint64_t bytes)
{
    mc_stored_flush(&w->file);
    w->entry =
        json_pack("[I, I]", (json_int_t)compressed(w), (json_int_t)w->file.total);
    w->digest = EVP_MD_CTX_new();
    if (w->digest == NULL || EVP_DigestInit_ex(w->digest, EVP_sha256(), NULL) != 1 ||
        json_object_set_new(w->index, name, w->entry) != 0)
        return MCOS_E_NOMEM;
    put_size(w, bytes, MC_RINGV2_SIZE_BYTES);
    return w->out->err;
}

static int close_section(struct writing *w)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    char hex[HEX_BYTES];
    int r;

    if (EVP_DigestFinal_ex(w->digest, digest, NULL) != 1)
        return MCOS_E_NOMEM;
    EVP_MD_CTX_free(w->digest);
    w->digest = NULL;
    mc_hex(hex, digest, MC_SHA256_BYTES);
    mc_stored_flush(&w->file);
    r = json_array_append_new(w->entry, json_integer((json_int_t)compressed(w)));
    r |= json_array_append_new(w->entry, json_integer((json_int_t)w->file.total));
    r |= json_array_append_new(w->entry, json_string(SHA256_METHOD));
    r |= json_array_append_new(w->entry, json_string(hex));
    return r == 0 ? w->out->err : MCOS_E_NOMEM;
}

static int put_text_section(struct writing *w, const char *name,
                            const struct mc_buf *text)
{
    int err = text->err;

    if (err == 0)
        err = open_section(w, name, text->len);
    if (err != 0)
        return err;
    put(w, text->ptr, text->len);
    return close_section(w);
}

/* Where the index is, in two blocks of known length, behind its text. */
static int put_index(struct writing *w)
{
    struct mc_buf text = {0};
    uint64_t from;
    uint64_t from_compressed;
    int err;

    mc_pyjson_put(&text, w->index);
    err = text.err;
    if (err == 0) {
        mc_stored_flush(&w->file);
        from = w->file.total;
        from_compressed = compressed(w);
        put_size(w, text.len, MC_RINGV2_SIZE_BYTES);
        put(w, text.ptr, text.len);
        mc_stored_flush(&w->file);
        put_size(w, from, MC_RINGV2_SIZE_BYTES);
        mc_stored_flush(&w->file);
        put_size(w, from_compressed, MC_RINGV2_SIZE_BYTES);
        mc_stored_flush(&w->file);
    }
    mc_buf_fini(&text);
    return err != 0 ? err : w->out->err;
}

static int put_metadata(struct writing *w)
{
    const double parts = (double)mc_ring_part_count(w->ring);
    struct mc_buf text = {0};
    json_t *o = ring_keys(w);
    int err = o == NULL ? MCOS_E_NOMEM : 0;

    if (err == 0 &&
        (json_object_set_new(o, "dev_id_bytes", json_integer(w->id_bytes)) != 0 ||
         json_object_set_new(o, "replica_count",
                             json_real((double)w->head->assignments / parts)) != 0))
        err = MCOS_E_NOMEM;
    if (err == 0) {
        mc_pyjson_put(&text, o);
        err = put_text_section(w, MC_RINGV2_METADATA, &text);
    }
    json_decref(o);
    mc_buf_fini(&text);
    return err;
}

static int put_v2(struct writing *w)
{
    struct mc_buf text = {0};
    int err;

    w->index = json_object();
    err = put_metadata(w);
    if (err == 0)
        err = mc_devwrite_list(&w->devices, &text);
    if (err == 0 && text.len > MC_RINGGZ_JSON_MAX)
        err = mcos_diag_set(w->diag, MCOS_E_TOOBIG, "/devices",
                            "%zu bytes of JSON, at most %u", text.len,
                            MC_RINGGZ_JSON_MAX);
    if (err == 0)
        err = put_text_section(w, MC_RINGV2_DEVICES, &text);
    mc_buf_fini(&text);
    if (err == 0)
        err =
            open_section(w, MC_RINGV2_ASSIGNMENTS, w->head->assignments * w->id_bytes);
    if (err != 0)
        return err;
    put_table(w, true);
    err = close_section(w);
    return err != 0 ? err : put_index(w);
}

/* ---- both ---- */

static int choose_version(struct writing *w, unsigned version)
{
    const uint32_t slots = w->head->device_count;
    json_int_t kept;

    if (version == MC_RINGGZ_FITTING)
        version = slots <= MC_RINGGZ_DEVICES_MAX ? MC_RINGGZ_V1 : MC_RINGGZ_V2;
    if (version == MC_RINGGZ_V1 && slots > MC_RINGGZ_DEVICES_MAX)
        return mcos_diag_set(w->diag, MCOS_E_TOOBIG, "/devices",
                             "%u slots of devices; version 1 of Swift's format has ids "
                             "for %u: take version 2",
                             slots, MC_RINGGZ_DEVICES_MAX);
    if (version != MC_RINGGZ_V1 && version != MC_RINGGZ_V2)
        return mcos_diag_set(w->diag, MCOS_E_VALUE, "format",
                             "%u: Swift's format has versions 1 and 2", version);
    w->version = version;
    w->id_bytes = 2;
    if (version == MC_RINGGZ_V1)
        return 0;
    kept = json_integer_value(
        json_object_get(json_object_get(w->devices.kept, "ring"), "dev_id_bytes"));
    w->id_bytes = mc_ringjson_id_bytes(slots);
    if ((kept == 4 || kept == 8) && kept > w->id_bytes)
        w->id_bytes = (unsigned)kept;
    return 0;
}

static int write_file(struct writing *w)
{
    const size_t table = (size_t)w->head->assignments * w->id_bytes;
    const size_t guess = table + (size_t)w->head->device_count * DEVICE_BYTES;
    const uint8_t magic[6] = {'R', '1', 'N', 'G', 0, (uint8_t)w->version};
    int err;

    if (mc_buf_reserve(w->out, mc_stored_bound(guess, FLUSHES)) == NULL)
        return MCOS_E_NOMEM;
    w->out->len = w->start;
    mc_stored_begin(&w->file, w->out);
    put(w, magic, sizeof(magic));
    mc_stored_flush(&w->file); /* so that file(1) sees the magic */
    err = w->version == MC_RINGGZ_V1 ? put_v1(w) : put_v2(w);
    if (err != 0)
        return err;
    mc_stored_end(&w->file);
    return w->out->err;
}

int mc_ringgz_encode(const struct mc_ring *ring, unsigned version, struct mc_buf *b,
                     unsigned *ret_version, struct mcos_diag *diag)
{
    struct writing w = {.ring = ring,
                        .head = mc_ring_head(ring),
                        .out = b,
                        .start = b->len,
                        .diag = diag};
    int err;

    if (w.head->tombstone)
        return mcos_diag_set(diag, MCOS_E_DELETED, "", "the ring was deleted");
    if (w.head->hash != MC_HASH_SWIFT_MD5)
        return mcos_diag_set(diag, MCOS_E_VALUE, "/hash",
                             "the ring places names by xxh3, Swift by its own hash: it "
                             "would look for every name in another place");
    err = mc_devwrite_init(&w.devices, ring, diag);
    if (err == 0)
        err = choose_version(&w, version);
    if (err == 0)
        err = write_file(&w);
    if (err == 0 && ret_version != NULL)
        *ret_version = w.version;
    json_decref(w.index);
    EVP_MD_CTX_free(w.digest);
    mc_devwrite_fini(&w.devices);
    return err;
}
