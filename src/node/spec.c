/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/spec.c -- spec text to a spec: every key is in one of two tables, every
 * refusal names its place as a JSON pointer.
 */
#include "node/spec.h"

#include "base/decimal.h"
#include "base/json_scan.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPEC_DEPTH       4u /* spec, devices, a device, and one to tell what is wrong */
#define SPEC_KEYS        10u
#define DEVICE_KEYS      11u
#define REPLICAS_DEFAULT 3000000u

struct weight_text {
    char s[MC_DECIMAL_TEXT_MAX];
};

struct mc_spec_doc {
    struct mc_spec spec;
    json_t *root;                /* its strings are the spec's texts */
    struct weight_text *weights; /* of numbers, by device */
    struct mcos_diag *diag;
    char at[64]; /* pointer of what is being read */
    bool has_power;
};

struct key {
    const char *name;
    int (*read)(struct mc_spec_doc *doc, struct mc_device *device, json_t *value,
                const char *name);
};

static int refuse(struct mc_spec_doc *doc, int code, const char *name, const char *text)
{
    char field[sizeof(doc->diag->field)];

    (void)snprintf(field, sizeof(field), "%s", doc->at);
    mc_json_pointer_add(field, sizeof(field),
                        (struct mc_bytes){(const uint8_t *)name, strlen(name)});
    return mcos_diag_set(doc->diag, code, field, "%s: %s", name, text);
}

/* A number as text: its own if it is written as one, dst otherwise. */
static const char *number_text(json_t *value, struct weight_text *dst)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        (void)snprintf(dst->s, sizeof(dst->s), "%" JSON_INTEGER_FORMAT,
                       json_integer_value(value));
    else if (json_is_real(value))
        mc_decimal_of_double(json_real_value(value), dst->s);
    else
        return NULL;
    return dst->s;
}

static int read_decimal(struct mc_spec_doc *doc, json_t *value, const char *name,
                        uint64_t min, uint64_t max, uint64_t *ret)
{
    struct weight_text room;
    const char *text = json_is_string(value) ? NULL : number_text(value, &room);

    if (text == NULL)
        return refuse(doc, MCOS_E_VALUE, name, "wants a number");
    if (mc_decimal_parse(text, max, ret) != 0 || *ret < min) {
        char least[MC_DECIMAL_TEXT_MAX];
        char most[MC_DECIMAL_TEXT_MAX];
        char why[2 * MC_DECIMAL_TEXT_MAX + 32];

        mc_decimal_format(min, least);
        mc_decimal_format(max, most);
        (void)snprintf(why, sizeof(why), "wants a number from %s to %s", least, most);
        return refuse(doc, MCOS_E_VALUE, name, why);
    }
    return 0;
}

static int read_whole(struct mc_spec_doc *doc, json_t *value, const char *name,
                      json_int_t max, json_int_t *ret)
{
    if (!json_is_integer(value))
        return refuse(doc, MCOS_E_VALUE, name, "wants a whole number");
    if (json_integer_value(value) < 0 || json_integer_value(value) > max) {
        char why[64];

        (void)snprintf(why, sizeof(why), "wants 0 to %" JSON_INTEGER_FORMAT, max);
        return refuse(doc, MCOS_E_VALUE, name, why);
    }
    *ret = json_integer_value(value);
    return 0;
}

static int read_power(struct mc_spec_doc *doc, struct mc_device *device, json_t *value,
                      const char *name)
{
    json_int_t v = 0;

    (void)device;
    if (!json_is_integer(value))
        return refuse(doc, MCOS_E_VALUE, name, "wants a whole number");
    v = json_integer_value(value);
    if (v < 0 || v > (json_int_t)MC_PART_POWER_MAX)
        return refuse(doc, MCOS_E_PARTPOWER, name, "wants 0 to 24");
    doc->spec.part_power = (unsigned)v;
    doc->has_power = true;
    return 0;
}

static int read_next_power(struct mc_spec_doc *doc, struct mc_device *device,
                           json_t *value, const char *name)
{
    json_int_t v = json_is_integer(value) ? json_integer_value(value) : 0;

    (void)device;
    if (v < 1 || v > (json_int_t)MC_PART_POWER_MAX)
        return refuse(doc, MCOS_E_PARTPOWER, name, "wants 1 to 24");
    doc->spec.next_part_power = (unsigned)v;
    return 0;
}

static int read_replicas(struct mc_spec_doc *doc, struct mc_device *device,
                         json_t *value, const char *name)
{
    (void)device;
    return read_decimal(doc, value, name, 1000000, MC_REPLICAS_MAX * 1000000ull,
                        &doc->spec.replicas);
}

static int read_overload(struct mc_spec_doc *doc, struct mc_device *device,
                         json_t *value, const char *name)
{
    uint64_t v = 0;
    int r = read_decimal(doc, value, name, 0, MC_OVERLOAD_MAX, &v);

    (void)device;
    if (r == 0)
        doc->spec.overload = (uint32_t)v;
    return r;
}

static int read_min_move(struct mc_spec_doc *doc, struct mc_device *device,
                         json_t *value, const char *name)
{
    json_int_t v = 0;
    int r = read_whole(doc, value, name, UINT32_MAX, &v);

    (void)device;
    if (r == 0)
        doc->spec.min_move_seconds = (uint32_t)v;
    return r;
}

static int read_hash(struct mc_spec_doc *doc, struct mc_device *device, json_t *value,
                     const char *name)
{
    const char *s = json_string_value(value);

    (void)device;
    if (s != NULL && strcmp(s, "xxh3") == 0)
        doc->spec.hash = MC_HASH_XXH3;
    else if (s != NULL && strcmp(s, "swift-md5") == 0)
        doc->spec.hash = MC_HASH_SWIFT_MD5;
    else
        return refuse(doc, MCOS_E_VALUE, name, "wants \"xxh3\" or \"swift-md5\"");
    return 0;
}

static int read_spread(struct mc_spec_doc *doc, struct mc_device *device, json_t *value,
                       const char *name)
{
    const char *s = json_string_value(value);

    (void)device;
    if (s == NULL || (strcmp(s, "ceil") != 0 && strcmp(s, "strict") != 0))
        return refuse(doc, MCOS_E_VALUE, name, "wants \"ceil\" or \"strict\"");
    doc->spec.strict = strcmp(s, "strict") == 0;
    return 0;
}

static int read_note(struct mc_spec_doc *doc, struct mc_device *device, json_t *value,
                     const char *name)
{
    (void)device;
    if (!json_is_string(value))
        return refuse(doc, MCOS_E_VALUE, name, "wants text");
    if (json_string_length(value) > MC_NOTE_MAX)
        return refuse(doc, MCOS_E_TOOBIG, name, "more than 512 bytes");
    doc->spec.note = json_string_value(value);
    return 0;
}

static int read_devices(struct mc_spec_doc *doc, struct mc_device *device,
                        json_t *value, const char *name);

static int read_weight(struct mc_spec_doc *doc, struct mc_device *device, json_t *value,
                       const char *name)
{
    const char *text = number_text(value, &doc->weights[device - doc->spec.devices]);

    if (text == NULL)
        return refuse(doc, MCOS_E_WEIGHT, name,
                      "wants a number, or a text that is one");
    if (text[0] == '-')
        return refuse(doc, MCOS_E_WEIGHT, name, "negative; weights are 0 or greater");
    if (strlen(text) > MC_TEXT_MAX)
        return refuse(doc, MCOS_E_WEIGHT, name, "too many digits");
    switch (mc_decimal_parse(text, MC_WEIGHT_MAX, &device->weight)) {
    case 0:
        break;
    case MCOS_E_FORMAT:
        return refuse(doc, MCOS_E_WEIGHT, name, "not a finite number");
    default:
        return refuse(doc, MCOS_E_WEIGHT, name, "wants 0, or 0.000001 to 10^9");
    }
    device->weight_text = text;
    return 0;
}

static int read_port(struct mc_spec_doc *doc, struct mc_device *device, json_t *value,
                     const char *name)
{
    json_int_t v = 0;
    int r = read_whole(doc, value, name, UINT16_MAX, &v);

    if (r == 0)
        device->port = (uint16_t)v;
    return r;
}

static int read_replication_port(struct mc_spec_doc *doc, struct mc_device *device,
                                 json_t *value, const char *name)
{
    json_int_t v = 0;
    int r = read_whole(doc, value, name, UINT16_MAX, &v);

    if (r == 0)
        device->replication_port = (uint16_t)v;
    return r;
}

static int read_text(struct mc_spec_doc *doc, struct mc_device *device, json_t *value,
                     const char *name)
{
    const struct {
        const char *name;
        const char **text;
        size_t max;
    } places[] = {
        {"name", &device->name, MC_TEXT_MAX},
        {"cluster", &device->cluster, MC_TEXT_MAX},
        {"region", &device->region, MC_TEXT_MAX},
        {"zone", &device->zone, MC_TEXT_MAX},
        {"host", &device->host, MC_TEXT_MAX},
        {"replication_host", &device->replication_host, MC_TEXT_MAX},
        {"device", &device->device, MC_TEXT_MAX},
        {"meta", &device->meta, MC_META_MAX},
    };

    if (json_is_number(value))
        return refuse(doc, MCOS_E_VALUE, name, "wants text; put the number in quotes");
    if (!json_is_string(value))
        return refuse(doc, MCOS_E_VALUE, name, "wants text");
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strcmp(places[i].name, name) != 0)
            continue;
        if (json_string_length(value) > places[i].max)
            return refuse(doc, MCOS_E_TOOBIG, name, "too long");
        *places[i].text = json_string_value(value);
    }
    return 0;
}

static const struct key spec_keys[SPEC_KEYS] = {
    {"partition_power", read_power},
    {"replicas", read_replicas},
    {"overload", read_overload},
    {"hash", read_hash},
    {"min_move_seconds", read_min_move},
    {"note", read_note},
    {"devices", read_devices},
    {"spread", read_spread},
    {"next_partition_power", read_next_power},
    {NULL, NULL},
};

static const struct key device_keys[DEVICE_KEYS + 1] = {
    {"name", read_text},
    {"weight", read_weight},
    {"cluster", read_text},
    {"region", read_text},
    {"zone", read_text},
    {"host", read_text},
    {"port", read_port},
    {"device", read_text},
    {"meta", read_text},
    {"replication_host", read_text},
    {"replication_port", read_replication_port},
    {NULL, NULL},
};

static int read_object(struct mc_spec_doc *doc, struct mc_device *device,
                       json_t *object, const struct key *keys)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        const struct key *key = keys;
        int r;

        while (key->name != NULL && strcmp(key->name, name) != 0)
            key++;
        if (key->name == NULL)
            return refuse(doc, MCOS_E_FIELD, name, "unknown field");
        r = key->read(doc, device, value, name);
        if (r != 0)
            return r;
    }
    return 0;
}

static int read_device(struct mc_spec_doc *doc, struct mc_device *d, json_t *object)
{
    int r;

    if (!json_is_object(object))
        return mcos_diag_set(doc->diag, MCOS_E_VALUE, doc->at, "a device is an object");
    *d = (struct mc_device){.weight_text = "",
                            .name = "",
                            .cluster = "",
                            .region = "",
                            .zone = "",
                            .host = "",
                            .replication_host = "",
                            .device = "",
                            .meta = ""};
    r = read_object(doc, d, object, device_keys);
    if (r != 0)
        return r;
    if (d->name[0] == '\0')
        return refuse(doc, MCOS_E_FIELD, "name", "a device needs one");
    if (d->weight_text[0] == '\0')
        return refuse(doc, MCOS_E_FIELD, "weight", "a device needs one");
    if (d->cluster[0] != '\0' && !mc_name_ok(d->cluster))
        return refuse(doc, MCOS_E_NAME, "cluster",
                      "not a name: [a-z0-9][a-z0-9_-]{0,63}");
    if (d->cluster[0] == '\0' && mc_name_ok(d->name))
        d->cluster = d->name;
    if (d->host[0] == '\0')
        d->host = d->name;
    return 0;
}

static int read_devices(struct mc_spec_doc *doc, struct mc_device *device,
                        json_t *value, const char *name)
{
    size_t count = json_array_size(value);
    int r = 0;

    (void)device;
    if (!json_is_array(value))
        return refuse(doc, MCOS_E_VALUE, name, "wants a list");
    if (count == 0)
        return refuse(doc, MCOS_E_DEVICE, name, "a ring needs at least one device");
    if (count > MC_DEVICES_MAX)
        return refuse(doc, MCOS_E_TOOBIG, name, "too many devices");
    doc->spec.devices = calloc(count, sizeof(*doc->spec.devices));
    doc->weights = calloc(count, sizeof(*doc->weights));
    if (doc->spec.devices == NULL || doc->weights == NULL)
        return MCOS_E_NOMEM;
    doc->spec.device_count = (uint32_t)count;
    for (size_t i = 0; i < count && r == 0; i++) {
        (void)snprintf(doc->at, sizeof(doc->at), "/devices/%zu", i);
        r = read_device(doc, &doc->spec.devices[i], json_array_get(value, i));
    }
    if (r == 0)
        doc->at[0] = '\0';
    return r;
}

/* What jansson refused, in our words: the code by its kind, the place by offset. */
static int bad_text(struct mc_bytes text, const json_error_t *error,
                    struct mcos_diag *diag)
{
    struct mcos_diag place = {.offset = -1};
    size_t offset = error->position < 0 ? 0 : (size_t)error->position;
    int code = MCOS_E_JSON;
    const char *last;

    mc_json_where(text, offset, &place);
    last = strrchr(place.field, '/');
    switch (json_error_code(error)) {
    case json_error_out_of_memory:
        return MCOS_E_NOMEM;
    case json_error_numeric_overflow:
        code =
            last != NULL && strcmp(last, "/weight") == 0 ? MCOS_E_WEIGHT : MCOS_E_VALUE;
        break;
    default:
        break;
    }
    (void)mcos_diag_set(diag, code, place.field, "%s", error->text);
    if (diag != NULL) {
        diag->line = place.line;
        diag->offset = place.offset;
    }
    return code;
}

int mc_spec_parse(struct mc_bytes text, struct mc_spec_doc **ret_doc,
                  struct mcos_diag *diag)
{
    struct mc_spec_doc *doc = NULL;
    json_error_t error = {.position = 0};
    int r;

    if (text.len == 0)
        return mcos_diag_set(diag, MCOS_E_JSON, "",
                             "it is empty: a spec, which is a JSON object, is wanted");
    if (text.len > MC_SPEC_BYTES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "", "more than %u bytes",
                             MC_SPEC_BYTES_MAX);
    r = mc_json_scan(text, SPEC_DEPTH,
                     MC_DEVICES_MAX * (DEVICE_KEYS + 1) + 2 * SPEC_KEYS, diag);
    if (r != 0)
        return r;
    doc = calloc(1, sizeof(*doc));
    if (doc == NULL)
        return MCOS_E_NOMEM;
    doc->diag = diag;
    doc->spec.replicas = REPLICAS_DEFAULT;
    doc->spec.hash = MC_HASH_XXH3;
    doc->spec.note = "";
    doc->root =
        json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (doc->root == NULL) {
        r = bad_text(text, &error, diag);
        goto out;
    }
    if (!json_is_object(doc->root)) {
        r = mcos_diag_set(diag, MCOS_E_JSON, "", "a spec is an object");
        goto out;
    }
    r = read_object(doc, NULL, doc->root, spec_keys);
    if (r == 0 && !doc->has_power)
        r = refuse(doc, MCOS_E_FIELD, "partition_power", "needed");
    if (r == 0 && doc->spec.devices == NULL)
        r = refuse(doc, MCOS_E_FIELD, "devices", "needed");
    if (r == 0)
        r = mc_spec_check(&doc->spec, diag);
    if (r != 0)
        goto out;
    doc->diag = NULL;
    *ret_doc = doc;
    doc = NULL;
out:
    mc_spec_doc_free(doc);
    return r;
}

const struct mc_spec *mc_spec_doc_get(const struct mc_spec_doc *doc)
{
    return &doc->spec;
}

void mc_spec_doc_free(struct mc_spec_doc *doc)
{
    if (doc == NULL)
        return;
    json_decref(doc->root);
    free(doc->spec.devices);
    free(doc->weights);
    free(doc);
}
