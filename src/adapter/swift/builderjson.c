/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/builderjson.c -- a builder's state onto a ring, if they belong
 * together. */
#include "adapter/swift/builderjson.h"

#include "adapter/swift/ringgz.h"
#include "adapter/swift/ringtake.h"
#include "base/decimal.h"
#include "base/json_scan.h"
#include "ring/extra.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX  4u
#define VALUES_MAX 64u
#define HOUR_S     3600u
#define LONG_AGO   255u /* hours, or more */
#define HOURS_MAX  (UINT32_MAX / HOUR_S)

static int load(struct mc_bytes text, json_t **ret, struct mcos_diag *diag)
{
    json_error_t error = {.position = 0};
    int err = mc_json_scan(text, DEPTH_MAX, VALUES_MAX, diag);

    if (err != 0)
        return err;
    *ret = json_loadb((const char *)text.ptr, text.len,
                      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (*ret != NULL)
        return 0;
    if (json_error_code(&error) == json_error_out_of_memory)
        return MCOS_E_NOMEM;
    (void)mcos_diag_set(diag, MCOS_E_JSON, "", "%s", error.text);
    if (diag != NULL)
        mc_json_where(text, error.position < 0 ? 0 : (size_t)error.position, diag);
    return MCOS_E_JSON;
}

static void no_more_keys(struct mc_taking *r, json_t *object)
{
    const char *key = json_object_iter_key(json_object_iter(object));

    if (r->err == 0 && key != NULL)
        mc_take_refuse(r, MCOS_E_FIELD, key, "unknown field");
}

/* ---- is it the ring's builder? ---- */

/* The counter that the ring file had, or -1. */
static json_int_t version_of(const struct mc_draft *draft)
{
    struct mc_bytes text;
    json_t *kept;
    const json_t *version;
    json_int_t v = -1;

    if (!mc_extra_find(draft->extra, MC_EXTRA_SWIFT, &text))
        return -1;
    kept = json_loadb((const char *)text.ptr, text.len, JSON_ALLOW_NUL, NULL);
    version = json_object_get(json_object_get(kept, "ring"), "version");
    if (json_is_integer(version))
        v = json_integer_value(version);
    json_decref(kept);
    return v;
}

static void check_belongs(struct mc_taking *r, json_t *o)
{
    const struct mc_head *head = &r->draft->head;
    const double parts = (double)(1ull << head->part_power);
    const json_int_t has = version_of(r->draft);
    unsigned power =
        mc_take_whole(r, o, "part_power", MC_OR_NULL, 32, head->part_power);
    json_t *version = mc_take(r, o, "version", MC_OR_NULL);
    json_t *replicas = mc_take(r, o, "replicas", MC_OR_NULL);

    if (power != head->part_power)
        mc_take_refuse(r, MCOS_E_VALUE, "part_power", "%u, the ring file has %u", power,
                       head->part_power);
    if (version != NULL && !json_is_integer(version))
        mc_take_refuse(r, MCOS_E_JSON, "version", "expected a number");
    else if (version != NULL && has >= 0 && json_integer_value(version) != has)
        mc_take_refuse(r, MCOS_E_VALUE, "version",
                       "%lld, the ring file has %lld: the builder was changed since "
                       "(swift-ring-builder ... write_ring)",
                       (long long)json_integer_value(version), (long long)has);
    if (replicas != NULL && !json_is_number(replicas))
        mc_take_refuse(r, MCOS_E_JSON, "replicas", "expected a number");
    else if (replicas != NULL && !(fabs(json_number_value(replicas) * parts -
                                        (double)head->assignments) < 1.001))
        mc_take_refuse(r, MCOS_E_VALUE, "replicas",
                       "%g, the ring file has %g: the builder was changed since",
                       json_number_value(replicas), (double)head->assignments / parts);
    json_decref(version);
    json_decref(replicas);
}

/* ---- what it knows ---- */

static void read_overload(struct mc_taking *r, json_t *o)
{
    json_t *value = mc_take(r, o, "overload", MC_NEEDED);
    char text[MC_DECIMAL_TEXT_MAX];
    uint64_t millionths = 0;

    if (value == NULL)
        return;
    mc_decimal_of_double(json_number_value(value), text);
    if (!json_is_number(value))
        mc_take_refuse(r, MCOS_E_JSON, "overload", "expected a number");
    else if (mc_decimal_parse(text, MC_OVERLOAD_MAX, &millionths) != 0)
        mc_take_refuse(r, MCOS_E_VALUE, "overload", "wants 0 to %u",
                       MC_OVERLOAD_MAX / 1000000u);
    else
        r->draft->builder.overload = (uint32_t)millionths;
    json_decref(value);
}

static void set_moves(struct mc_taking *r, const uint8_t *hours, uint32_t epoch)
{
    const uint32_t parts = 1u << r->draft->head.part_power;
    uint32_t *moves = calloc(parts, sizeof(*moves));

    if (moves == NULL) {
        mc_take_refuse(r, MCOS_E_NOMEM, "", "out of memory");
        return;
    }
    for (uint32_t part = 0; part < parts; part++) {
        if (hours[part] < LONG_AGO && epoch > hours[part] * HOUR_S)
            moves[part] = epoch - hours[part] * HOUR_S;
    }
    free(r->draft->last_move);
    r->draft->last_move = moves;
}

static void read_moves(struct mc_taking *r, json_t *o)
{
    const uint32_t parts = 1u << r->draft->head.part_power;
    const unsigned epoch =
        mc_take_whole(r, o, "last_part_moves_epoch", MC_OR_NULL, INT32_MAX, 0);
    json_t *value = mc_take(r, o, "last_part_moves", MC_OR_NULL);
    uint8_t *hours = NULL;

    if (value == NULL)
        return;
    if (!json_is_string(value)) {
        mc_take_refuse(r, MCOS_E_JSON, "last_part_moves", "expected a text");
    } else if (json_string_length(value) != 0) { /* empty: nothing was placed yet */
        hours = malloc(parts);
        if (hours == NULL)
            mc_take_refuse(r, MCOS_E_NOMEM, "", "out of memory");
        else if (json_string_length(value) != 2 * (size_t)parts)
            mc_take_refuse(r, MCOS_E_VALUE, "last_part_moves",
                           "%zu digits, two for each of %u partitions are wanted",
                           json_string_length(value), parts);
        else if (!mc_unhex(hours, json_string_value(value), parts))
            mc_take_refuse(r, MCOS_E_VALUE, "last_part_moves", "not hex digits");
        else
            set_moves(r, hours, epoch);
    }
    free(hours);
    json_decref(value);
}

static int read_object(json_t *o, const char *at, struct mc_draft *draft,
                       struct mcos_diag *diag)
{
    struct mc_taking r = {.draft = draft, .diag = diag};
    unsigned hours;

    mc_take_enter(&r, o, at);
    hours = mc_take_whole(&r, o, "min_part_hours", MC_NEEDED, HOURS_MAX, 0);
    read_overload(&r, o);
    check_belongs(&r, o);
    read_moves(&r, o);
    no_more_keys(&r, o);
    mc_take_leave(&r);
    if (r.err == 0)
        draft->builder.min_move_seconds = hours * HOUR_S;
    return r.err;
}

int mc_builderjson_read(struct mc_bytes text, struct mc_draft *draft,
                        struct mcos_diag *diag)
{
    json_t *o = NULL;
    int err = load(text, &o, diag);

    if (err == 0)
        err = read_object(o, "", draft, diag);
    json_decref(o);
    return err;
}

/* ---- both in one body ---- */

void mc_builderjson_join(struct mc_buf *b, struct mc_bytes gz, struct mc_bytes text)
{
    static const char begin[] = "{\"ring\": \"";
    static const char middle[] = "\", \"builder\": ";
    const size_t coded = (gz.len + 2) / 3 * 4;
    uint8_t *room;

    mc_buf_put(b, begin, sizeof(begin) - 1);
    room = gz.len > INT32_MAX ? NULL : mc_buf_reserve(b, coded + 1);
    if (room == NULL) {
        b->err = b->err != 0 ? b->err : MCOS_E_TOOBIG;
        return;
    }
    (void)EVP_EncodeBlock(room, gz.ptr, (int)gz.len);
    b->len--; /* its NUL */
    mc_buf_put(b, middle, sizeof(middle) - 1);
    mc_buf_put(b, text.ptr, text.len);
    mc_buf_u8(b, '}');
}

/* Yours. EVP takes white space around the digits and does not say how many of the
 * last bytes are padding. */
static int decode_base64(struct mc_taking *r, const json_t *value, uint8_t **ret,
                         size_t *ret_n)
{
    const char *text = json_string_value(value);
    const size_t n = json_string_length(value);
    size_t padding = 0;
    int got;

    if (text == NULL) {
        mc_take_refuse(r, MCOS_E_JSON, "ring", "expected a text");
        return r->err;
    }
    while (padding < 2 && padding < n && text[n - 1 - padding] == '=')
        padding++;
    if (n == 0 || n % 4 != 0 || n > INT32_MAX ||
        strspn(text,
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") +
                padding !=
            n) {
        mc_take_refuse(r, MCOS_E_VALUE, "ring", "not in base 64");
        return r->err;
    }
    *ret = malloc(n / 4 * 3);
    if (*ret == NULL)
        return MCOS_E_NOMEM;
    got = EVP_DecodeBlock(*ret, (const uint8_t *)text, (int)n);
    if (got < 0) {
        mc_take_refuse(r, MCOS_E_VALUE, "ring", "not in base 64");
        return r->err;
    }
    *ret_n = (size_t)got - padding;
    return 0;
}

static int decode_joined(struct mc_bytes body, const struct mc_secret *secret,
                         struct mc_draft *draft, struct mc_buf *extra,
                         struct mcos_diag *diag)
{
    struct mc_taking r = {.draft = draft, .diag = diag};
    json_t *doc = NULL;
    json_t *ring = NULL;
    json_t *builder = NULL;
    uint8_t *gz = NULL;
    size_t n = 0;
    int err = load(body, &doc, diag);

    if (err != 0)
        return err;
    mc_take_enter(&r, doc, "");
    ring = mc_take(&r, doc, "ring", MC_NEEDED);
    builder = mc_take(&r, doc, "builder", MC_NEEDED);
    no_more_keys(&r, doc);
    mc_take_leave(&r);
    err = r.err;
    if (err == 0)
        err = decode_base64(&r, ring, &gz, &n);
    if (err == 0)
        err = mc_ringgz_decode((struct mc_bytes){gz, n}, secret, draft, extra, diag);
    if (err == 0)
        err = read_object(builder, "/builder", draft, diag);
    free(gz);
    json_decref(ring);
    json_decref(builder);
    json_decref(doc);
    return err;
}

int mc_builderjson_decode(struct mc_bytes body, const struct mc_secret *secret,
                          struct mc_draft *draft, struct mc_buf *extra,
                          struct mcos_diag *diag)
{
    if (body.len != 0 && body.ptr[0] == '{')
        return decode_joined(body, secret, draft, extra, diag);
    return mc_ringgz_decode(body, secret, draft, extra, diag);
}
