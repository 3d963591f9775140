/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/ringjson.c -- devices and shape out of a ring file's JSON.
 *
 * What is read is taken out of the tree, so in the end the tree holds the keys
 * that we do not know: those are kept.
 */
#include "adapter/swift/ringjson.h"

#include "adapter/swift/ringgz.h"
#include "base/decimal.h"
#include "base/json_scan.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX     INT32_MAX /* of a region or a zone */
#define REAL_PRECISION 17        /* digits that bring back every double */

/* May a key be absent, and does null say the same? */
enum need { NEEDED, OPTIONAL, OR_NULL };

/* The first error sticks; from then on nothing is taken. */
struct read {
    struct mc_draft *draft;
    struct mcos_diag *diag;
    int err;
    char at[32];         /* JSON pointer of the object that is read */
    const char *missing; /* the first needed key that it does not have */
};

static void refuse(struct read *r, int code, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void refuse(struct read *r, int code, const char *key, const char *fmt, ...)
{
    char field[sizeof(r->diag->field)];
    char text[sizeof(r->diag->text)];
    va_list args;

    if (r->err != 0)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)snprintf(field, sizeof(field), "%s%s%s", r->at, key[0] != '\0' ? "/" : "",
                   key);
    r->err = mcos_diag_set(r->diag, code, field, "%s", text);
}

static void enter(struct read *r, json_t *object, const char *at)
{
    if (r->err != 0)
        return;
    (void)snprintf(r->at, sizeof(r->at), "%s", at);
    r->missing = NULL;
    if (!json_is_object(object))
        refuse(r, MCOS_E_JSON, "", "expected an object");
}

static void leave(struct read *r)
{
    if (r->missing != NULL)
        refuse(r, MCOS_E_FIELD, "", "%s is missing", r->missing);
}

/* Takes a value out of its object: yours. NULL if there is none to be read. */
static json_t *take(struct read *r, json_t *object, const char *key, enum need need)
{
    json_t *value;

    if (r->err != 0)
        return NULL;
    value = json_incref(json_object_get(object, key));
    if (value == NULL) {
        if (need == NEEDED && r->missing == NULL)
            r->missing = key;
        return NULL;
    }
    (void)json_object_del(object, key);
    if (need == OR_NULL && json_is_null(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static const char *own(struct read *r, const char *text)
{
    const char *copy = r->err == 0 ? mc_draft_text(r->draft, text) : "";

    if (copy == NULL) {
        refuse(r, MCOS_E_NOMEM, "", "out of memory");
        return "";
    }
    return copy;
}

static const char *take_text(struct read *r, json_t *object, const char *key,
                             enum need need, size_t max)
{
    json_t *value = take(r, object, key, need);
    const char *text = "";

    if (value == NULL)
        return text;
    if (!json_is_string(value))
        refuse(r, MCOS_E_JSON, key, "expected a text");
    else if (json_string_length(value) > max)
        refuse(r, MCOS_E_TOOBIG, key, "a text of more than %zu bytes", max);
    else if (strlen(json_string_value(value)) != json_string_length(value))
        refuse(r, MCOS_E_VALUE, key, "a NUL in a text");
    else
        text = own(r, json_string_value(value));
    json_decref(value);
    return text;
}

static unsigned take_whole(struct read *r, json_t *object, const char *key,
                           enum need need, unsigned max, unsigned absent)
{
    json_t *value = take(r, object, key, need);
    json_int_t v = json_integer_value(value);

    if (value == NULL)
        return absent;
    if (!json_is_number(value))
        refuse(r, MCOS_E_JSON, key, "expected a number");
    else if (!json_is_integer(value) || v < 0 || v > (json_int_t)max)
        refuse(r, MCOS_E_VALUE, key, "not a whole number of 0 to %u", max);
    json_decref(value);
    return r->err != 0 ? absent : (unsigned)v;
}

static const char *take_number_text(struct read *r, json_t *object, const char *key,
                                    enum need need, unsigned absent)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%u",
                   take_whole(r, object, key, need, NUMBER_MAX, absent));
    return own(r, text);
}

/* What is more than 0 never becomes 0: a device of weight 0 is a drained one. */
static void take_weight(struct read *r, json_t *object, struct mc_device *device)
{
    json_t *value = take(r, object, "weight", NEEDED);
    const double weight = json_number_value(value);
    char text[MC_DECIMAL_TEXT_MAX];

    if (value == NULL)
        return;
    if (json_is_integer(value))
        (void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
                       json_integer_value(value));
    else
        mc_decimal_of_double(weight, text);
    if (!json_is_number(value))
        refuse(r, MCOS_E_JSON, "weight", "expected a number");
    else if (weight > 0 && weight < 0.000001)
        device->weight = 1;
    else if (mc_decimal_parse(text, MC_WEIGHT_MAX, &device->weight) != 0)
        refuse(r, MCOS_E_WEIGHT, "weight", "a weight of 0 to %llu is needed",
               MC_WEIGHT_MAX / 1000000ull);
    json_decref(value);
    device->weight_text = own(r, text);
}

static void name_device(struct read *r, struct mc_device *device)
{
    char name[MC_TEXT_MAX * 2 + 16];
    int n = snprintf(name, sizeof(name), "%s:%u/%s", device->host, device->port,
                     device->device);

    if (device->host[0] == '\0' || device->device[0] == '\0')
        refuse(r, MCOS_E_VALUE, "", "an empty ip or device");
    else if ((size_t)n > MC_TEXT_MAX)
        refuse(r, MCOS_E_TOOBIG, "", "a name of more than %u bytes", MC_TEXT_MAX);
    device->name = own(r, name);
}

static void read_device(struct read *r, json_t *object, uint32_t slot,
                        struct mc_device *device)
{
    unsigned id;

    id = take_whole(r, object, "id", OPTIONAL, MC_RINGGZ_DEVICES_MAX - 1, slot);
    if (id != slot)
        refuse(r, MCOS_E_DEVICE, "id", "id %u in the place of device %u", id, slot);
    /* Files older than regions have none. */
    device->region = take_number_text(r, object, "region", OPTIONAL, 1);
    device->zone = take_number_text(r, object, "zone", NEEDED, 0);
    device->host = take_text(r, object, "ip", NEEDED, MC_TEXT_MAX);
    device->port = (uint16_t)take_whole(r, object, "port", NEEDED, UINT16_MAX, 0);
    device->replication_host =
        take_text(r, object, "replication_ip", OR_NULL, MC_TEXT_MAX);
    device->replication_port =
        (uint16_t)take_whole(r, object, "replication_port", OR_NULL, UINT16_MAX, 0);
    device->device = take_text(r, object, "device", NEEDED, MC_TEXT_MAX);
    device->meta = take_text(r, object, "meta", OR_NULL, MC_META_MAX);
    take_weight(r, object, device);
    leave(r);
    name_device(r, device);
}

static const struct mc_device hole = {
    .removed = true,
    .weight_text = "",
    .name = "",
    .cluster = "",
    .region = "",
    .zone = "",
    .host = "",
    .replication_host = "",
    .device = "",
    .meta = "",
};

/* The list of devices; a device that keeps unknown keys goes into `kept` by its id. */
static void read_devices(struct read *r, json_t *devs, json_t *kept)
{
    struct mc_draft *d = r->draft;
    const size_t count = json_array_size(devs);

    if (!json_is_array(devs))
        refuse(r, MCOS_E_JSON, "devs", "expected a list");
    else if (count > MC_RINGGZ_DEVICES_MAX)
        refuse(r, MCOS_E_TOOBIG, "devs", "more than %u devices", MC_RINGGZ_DEVICES_MAX);
    if (r->err != 0 || count == 0)
        return;
    d->devices = calloc(count, sizeof(*d->devices));
    if (d->devices == NULL) {
        refuse(r, MCOS_E_NOMEM, "", "out of memory");
        return;
    }
    d->device_count = (uint32_t)count;
    for (uint32_t slot = 0; slot < count; slot++) {
        json_t *object = json_array_get(devs, slot);
        char at[sizeof(r->at)];
        const char *id = at + sizeof("/devs/") - 1;

        d->devices[slot] = hole;
        if (json_is_null(object))
            continue;
        (void)snprintf(at, sizeof(at), "/devs/%u", slot);
        d->devices[slot].removed = false;
        enter(r, object, at);
        read_device(r, object, slot, &d->devices[slot]);
        if (json_object_size(object) != 0 && json_object_set(kept, id, object) != 0)
            refuse(r, MCOS_E_NOMEM, "", "out of memory");
        if (r->err != 0)
            return;
    }
    r->at[0] = '\0';
}

static bool take_byteorder(struct read *r, json_t *ring)
{
    json_t *value = take(r, ring, "byteorder", OPTIONAL);
    const char *text = json_string_value(value);
    bool big = text != NULL && strcmp(text, "big") == 0;

    if (value != NULL && !big && (text == NULL || strcmp(text, "little") != 0))
        refuse(r, MCOS_E_VALUE, "byteorder", "neither \"little\" nor \"big\"");
    json_decref(value);
    return big;
}

static void read_ring(struct read *r, json_t *ring, json_t *kept,
                      struct mc_ringjson *shape)
{
    const char *missing;
    json_t *devs;

    enter(r, ring, "");
    shape->part_power = 32 - take_whole(r, ring, "part_shift", NEEDED, 32, 32);
    if (shape->part_power > MC_PART_POWER_MAX)
        refuse(r, MCOS_E_PARTPOWER, "part_shift", "part power %u, at most %u",
               shape->part_power, MC_PART_POWER_MAX);
    shape->rows = take_whole(r, ring, "replica_count", NEEDED, MC_REPLICAS_MAX, 1);
    if (shape->rows == 0)
        refuse(r, MCOS_E_VALUE, "replica_count", "no replicas");
    shape->big_endian = take_byteorder(r, ring);
    shape->next_part_power =
        take_whole(r, ring, "next_part_power", OR_NULL, 32, MC_RINGJSON_NO_POWER);
    devs = take(r, ring, "devs", NEEDED);
    missing = r->missing;
    if (devs != NULL)
        read_devices(r, devs, kept);
    json_decref(devs);
    r->missing = missing;
    leave(r);
    if (shape->next_part_power != MC_RINGJSON_NO_POWER &&
        shape->next_part_power - shape->part_power > 1)
        refuse(r, MCOS_E_VALUE, "next_part_power", "%u with part power %u",
               shape->next_part_power, shape->part_power);
}

static int append(const char *bytes, size_t size, void *ctx)
{
    struct mc_buf *b = ctx;

    mc_buf_put(b, bytes, size);
    return b->err;
}

static void keep(struct read *r, json_t *ring, json_t *devs, struct mc_buf *b)
{
    json_t *root;

    if (r->err != 0 || json_object_size(ring) + json_object_size(devs) == 0)
        return;
    root = json_object();
    if (json_object_set(root, "ring", ring) != 0 ||
        json_object_set(root, "devs", devs) != 0)
        refuse(r, MCOS_E_NOMEM, "", "out of memory");
    else if (json_dump_callback(root, append, b,
                                JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT |
                                    JSON_REAL_PRECISION(REAL_PRECISION)) != 0)
        refuse(r, b->err != 0 ? b->err : MCOS_E_NOMEM, "",
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

int mc_ringjson_read(struct mc_bytes text, size_t base, struct mc_draft *draft,
                     struct mc_buf *kept, struct mc_ringjson *ret,
                     struct mcos_diag *diag)
{
    struct read r = {.draft = draft, .diag = diag};
    json_error_t error = {.position = 0};
    struct mc_ringjson shape;
    json_t *devs_kept;
    json_t *ring;
    int err = mc_json_scan(text, MC_RINGGZ_DEPTH_MAX, MC_RINGGZ_VALUES_MAX, diag);

    if (err != 0) {
        if (diag != NULL)
            diag->offset += (long long)base;
        return err;
    }
    ring = json_loadb((const char *)text.ptr, text.len,
                      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (ring == NULL)
        return bad_text(text, base, &error, diag);
    devs_kept = json_object();
    read_ring(&r, ring, devs_kept, &shape);
    keep(&r, ring, devs_kept, kept);
    if (r.err == 0)
        *ret = shape;
    json_decref(devs_kept);
    json_decref(ring);
    return r.err;
}
