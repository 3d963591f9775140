/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/ringjson.c -- devices and shape out of a ring file's JSON.
 *
 * What is read is taken out of the tree, so in the end the tree holds the keys
 * that we do not know: those are kept.
 */
#include "adapter/swift/ringjson.h"

#include "adapter/swift/ringdevice.h"
#include "adapter/swift/ringgz.h"
#include "base/json_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REAL_PRECISION 17 /* digits that bring back every double */

static void read_devices(struct mc_taking *r, json_t *devs, json_t *kept)
{
    struct mc_draft *d = r->draft;
    const size_t count = json_array_size(devs);

    if (!json_is_array(devs))
        mc_take_refuse(r, MCOS_E_JSON, "devs", "expected a list");
    else if (count > MC_RINGGZ_DEVICES_MAX)
        mc_take_refuse(r, MCOS_E_TOOBIG, "devs", "more than %u devices",
                       MC_RINGGZ_DEVICES_MAX);
    if (r->err != 0 || count == 0)
        return;
    d->devices = calloc(count, sizeof(*d->devices));
    if (d->devices == NULL) {
        mc_take_refuse(r, MCOS_E_NOMEM, "", "out of memory");
        return;
    }
    d->device_count = (uint32_t)count;
    for (uint32_t slot = 0; r->err == 0 && slot < count; slot++)
        mc_ringdevice_read(r, json_array_get(devs, slot), slot, kept);
    if (r->err == 0)
        r->at[0] = '\0';
}

static bool take_byteorder(struct mc_taking *r, json_t *ring)
{
    json_t *value = mc_take(r, ring, "byteorder", MC_OPTIONAL);
    const char *text = json_string_value(value);
    bool big = text != NULL && strcmp(text, "big") == 0;

    if (value != NULL && !big && (text == NULL || strcmp(text, "little") != 0))
        mc_take_refuse(r, MCOS_E_VALUE, "byteorder", "neither \"little\" nor \"big\"");
    json_decref(value);
    return big;
}

/* What both versions say of the table. */
static void read_powers(struct mc_taking *r, json_t *ring, struct mc_ringjson *shape)
{
    shape->part_power = 32 - mc_take_whole(r, ring, "part_shift", MC_NEEDED, 32, 32);
    if (shape->part_power > MC_PART_POWER_MAX)
        mc_take_refuse(r, MCOS_E_PARTPOWER, "part_shift", "part power %u, at most %u",
                       shape->part_power, MC_PART_POWER_MAX);
    shape->next_part_power =
        mc_take_whole(r, ring, "next_part_power", MC_OR_NULL, 32, MC_RINGJSON_NO_POWER);
}

/* After the keys: what is missing is told before this. */
static void check_powers(struct mc_taking *r, const struct mc_ringjson *shape)
{
    mc_take_leave(r);
    if (shape->next_part_power != MC_RINGJSON_NO_POWER &&
        shape->next_part_power - shape->part_power > 1)
        mc_take_refuse(r, MCOS_E_VALUE, "next_part_power", "%u with part power %u",
                       shape->next_part_power, shape->part_power);
}

static void read_ring(struct mc_taking *r, json_t *ring, json_t *kept,
                      struct mc_ringjson *shape)
{
    const char *missing;
    json_t *devs;

    mc_take_enter(r, ring, "");
    read_powers(r, ring, shape);
    shape->rows =
        mc_take_whole(r, ring, "replica_count", MC_NEEDED, MC_REPLICAS_MAX, 1);
    if (shape->rows == 0)
        mc_take_refuse(r, MCOS_E_VALUE, "replica_count", "no replicas");
    shape->id_bytes = 2;
    shape->big_endian = take_byteorder(r, ring);
    devs = mc_take(r, ring, "devs", MC_NEEDED);
    missing = r->missing;
    if (devs != NULL)
        read_devices(r, devs, kept);
    json_decref(devs);
    r->missing = missing;
    check_powers(r, shape);
}

static int append(const char *bytes, size_t size, void *ctx)
{
    struct mc_buf *b = ctx;

    mc_buf_put(b, bytes, size);
    return b->err;
}

static void keep(struct mc_taking *r, json_t *ring, json_t *devs, struct mc_buf *b)
{
    json_t *root;

    if (r->err != 0 || json_object_size(ring) + json_object_size(devs) == 0)
        return;
    root = json_object();
    if (json_object_set(root, "ring", ring) != 0 ||
        json_object_set(root, "devs", devs) != 0)
        mc_take_refuse(r, MCOS_E_NOMEM, "", "out of memory");
    else if (json_dump_callback(root, append, b,
                                JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT |
                                    JSON_REAL_PRECISION(REAL_PRECISION)) != 0)
        mc_take_refuse(r, b->err != 0 ? b->err : MCOS_E_NOMEM, "",
                       "unknown keys of more than %zu bytes", b->max);
    json_decref(root);
}

/* What jansson refused, in our words: the code by its kind, the place by offset. */
static int bad_text(struct mc_bytes text, size_t base, const json_error_t *error,
                    struct mcos_diag *diag)
{
    const bool overflow = json_error_code(error) == json_error_numeric_overflow;
    const int code = overflow ? MCOS_E_VALUE : MCOS_E_JSON;

    if (json_error_code(error) == json_error_out_of_memory)
        return MCOS_E_NOMEM;
    (void)mcos_diag_set(diag, code, "", "%s", error->text);
    if (diag != NULL) {
        mc_json_where(text, error->position < 0 ? 0 : (size_t)error->position, diag);
        diag->offset += (long long)base;
    }
    return code;
}

/* A tree of at most so many values: yours. */
static int load(struct mc_bytes text, size_t base, size_t values, json_t **ret,
                struct mcos_diag *diag)
{
    json_error_t error = {.position = 0};
    int err = mc_json_scan(text, MC_RINGGZ_DEPTH_MAX, values, diag);

    if (err != 0) {
        if (diag != NULL)
            diag->offset += (long long)base;
        return err;
    }
    *ret = json_loadb((const char *)text.ptr, text.len,
                      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    return *ret != NULL ? 0 : bad_text(text, base, &error, diag);
}

int mc_ringjson_read(struct mc_bytes text, size_t base, struct mc_draft *draft,
                     struct mc_buf *kept, struct mc_ringjson *ret,
                     struct mcos_diag *diag)
{
    struct mc_taking r = {.draft = draft, .diag = diag};
    struct mc_ringjson shape = {.replicas = -1};
    json_t *devs_kept;
    json_t *ring;
    int err = load(text, base, MC_RINGGZ_VALUES_MAX, &ring, diag);

    if (err != 0)
        return err;
    devs_kept = json_object();
    read_ring(&r, ring, devs_kept, &shape);
    keep(&r, ring, devs_kept, kept);
    if (r.err == 0)
        *ret = shape;
    json_decref(devs_kept);
    json_decref(ring);
    return r.err;
}

/* ---- version 2 ---- */

unsigned mc_ringjson_id_bytes(uint32_t device_count)
{
    return device_count <= MC_RINGGZ_DEVICES_MAX ? 2 : 4;
}

static void read_metadata(struct mc_taking *r, json_t *ring, struct mc_ringjson *shape)
{
    json_t *replicas;

    mc_take_enter(r, ring, "");
    read_powers(r, ring, shape);
    shape->id_bytes = mc_take_whole(r, ring, "dev_id_bytes", MC_NEEDED, 8, 2);
    if (shape->id_bytes != 2 && shape->id_bytes != 4 && shape->id_bytes != 8)
        mc_take_refuse(r, MCOS_E_VALUE, "dev_id_bytes", "%u, not 2, 4 or 8",
                       shape->id_bytes);
    shape->big_endian = true;
    replicas = mc_take(r, ring, "replica_count", MC_OPTIONAL);
    shape->replicas = replicas == NULL ? -1 : json_number_value(replicas);
    if (replicas != NULL && !(shape->replicas > 0))
        mc_take_refuse(r, MCOS_E_VALUE, "replica_count", "not a number above 0");
    json_decref(replicas);
    check_powers(r, shape);
}

/* The list, as far as it was read: one device after the other becomes a tree. */
struct list {
    const struct mc_ringjson_text *text;
    size_t pos;
    uint32_t cap;
    size_t kept_bytes; /* of JSON that is kept, so far */
};

static void bad_list(struct mc_taking *r, const struct list *l, const char *why)
{
    if (r->err != 0)
        return;
    r->at[0] = '\0';
    mc_take_refuse(r, MCOS_E_JSON, "devs", "%s", why);
    if (r->diag != NULL)
        r->diag->offset = (long long)(l->text->base + l->pos);
}

/* The next byte that is no white space, or 0. */
static uint8_t look(struct list *l)
{
    const struct mc_bytes *b = &l->text->bytes;

    while (l->pos < b->len && memchr(" \t\r\n", b->ptr[l->pos], 4) != NULL)
        l->pos++;
    return l->pos < b->len ? b->ptr[l->pos] : 0;
}

static bool is_next(const struct list *l, const char *word)
{
    const struct mc_bytes *b = &l->text->bytes;

    return b->len - l->pos >= strlen(word) &&
           memcmp(b->ptr + l->pos, word, strlen(word)) == 0;
}

static bool grow(struct mc_taking *r, struct list *l)
{
    struct mc_draft *d = r->draft;
    struct mc_device *grown;

    if (d->device_count < l->cap)
        return true;
    if (l->cap == MC_DEVICES_MAX) {
        mc_take_refuse(r, MCOS_E_TOOBIG, "devs", "more than %u devices",
                       MC_DEVICES_MAX);
        return false;
    }
    l->cap = l->cap == 0 ? 64 : 2 * l->cap;
    grown = realloc(d->devices, l->cap * sizeof(*grown));
    if (grown == NULL) {
        mc_take_refuse(r, MCOS_E_NOMEM, "", "out of memory");
        return false;
    }
    d->devices = grown;
    return true;
}

/* The tree of the next device, or null of a removed one; NULL after an error. */
static json_t *load_one(struct mc_taking *r, struct list *l)
{
    struct mc_bytes rest = {l->text->bytes.ptr + l->pos, l->text->bytes.len - l->pos};
    json_t *object = NULL;
    char at[sizeof(r->diag->field)];
    char within[sizeof(at)];

    if (is_next(l, "null")) {
        l->pos += 4;
        return json_null();
    }
    if (look(l) != '{') {
        bad_list(r, l, "expected a device or null");
        return NULL;
    }
    r->err = mc_json_span(rest, MC_RINGGZ_DEPTH_MAX, MC_RINGGZ_ONE_VALUES_MAX,
                          &rest.len, r->diag);
    if (r->err == 0)
        r->err = load(rest, l->text->base + l->pos, MC_RINGGZ_ONE_VALUES_MAX, &object,
                      r->diag);
    if (r->err != 0 && r->diag != NULL) {
        (void)snprintf(within, sizeof(within), "%s", r->diag->field);
        (void)snprintf(at, sizeof(at), "/devs/%u%.100s", r->draft->device_count,
                       within);
        (void)snprintf(r->diag->field, sizeof(r->diag->field), "%s", at);
    }
    l->pos += rest.len;
    return object;
}

static void read_one(struct mc_taking *r, struct list *l, json_t *kept)
{
    json_t *object;

    if (!grow(r, l))
        return;
    object = load_one(r, l);
    if (r->err == 0)
        mc_ringdevice_read(r, object, r->draft->device_count, kept);
    if (r->err == 0 && json_object_size(object) != 0) {
        l->kept_bytes += json_dumpb(object, NULL, 0, JSON_COMPACT);
        if (l->kept_bytes > MC_EXTRA_MAX)
            mc_take_refuse(r, MCOS_E_TOOBIG, "", "unknown keys of more than %u bytes",
                           MC_EXTRA_MAX);
    }
    r->draft->device_count += r->err == 0;
    json_decref(object);
}

static void read_list(struct mc_taking *r, struct list *l, json_t *kept)
{
    bool more;

    if (look(l) != '[') {
        bad_list(r, l, "expected a list");
        return;
    }
    l->pos++;
    more = look(l) != ']';
    while (r->err == 0 && more) {
        read_one(r, l, kept);
        more = r->err == 0 && look(l) == ',';
        if (more) {
            l->pos++;
            (void)look(l);
        }
    }
    if (r->err == 0 && look(l) != ']')
        bad_list(r, l, "expected , or ]");
    l->pos++;
    if (r->err == 0 && look(l) != 0)
        bad_list(r, l, "more than the list");
}

int mc_ringjson_read_v2(const struct mc_ringjson_text *metadata,
                        const struct mc_ringjson_text *devices, struct mc_draft *draft,
                        struct mc_buf *kept, struct mc_ringjson *ret,
                        struct mcos_diag *diag)
{
    struct mc_taking r = {.draft = draft, .diag = diag};
    struct list list = {.text = devices};
    struct mc_ringjson shape = {.rows = 0};
    json_t *devs_kept;
    json_t *ring;
    int err =
        load(metadata->bytes, metadata->base, MC_RINGGZ_ONE_VALUES_MAX, &ring, diag);

    if (err != 0)
        return err;
    devs_kept = json_object();
    read_metadata(&r, ring, &shape);
    if (r.err == 0)
        read_list(&r, &list, devs_kept);
    if (r.err == 0 && shape.id_bytes != mc_ringjson_id_bytes(draft->device_count) &&
        json_object_set_new(ring, "dev_id_bytes",
                            json_integer((json_int_t)shape.id_bytes)) != 0)
        mc_take_refuse(&r, MCOS_E_NOMEM, "", "out of memory");
    keep(&r, ring, devs_kept, kept);
    if (r.err == 0)
        *ret = shape;
    json_decref(devs_kept);
    json_decref(ring);
    return r.err;
}
