/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/devwrite.c -- one JSON object at a time, whatever their number. */
#include "adapter/swift/devwrite.h"

#include "adapter/swift/pyjson.h"
#include "adapter/swift/ringgz.h"
#include "base/decimal.h"
#include "base/json_scan.h"
#include "ring/extra.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where Swift finds a device. */
struct place {
    const struct mc_device *device;
    uint32_t slot;
};

static const char *device_of(const struct mc_device *d)
{
    return d->device[0] != '\0' ? d->device : d->name;
}

static int bad_device(const struct mc_devwrite *w, uint32_t slot, int code,
                      const char *key, const char *text)
{
    char field[64];

    (void)snprintf(field, sizeof(field), "/devices/%u%s%s", slot,
                   key[0] != '\0' ? "/" : "", key);
    return mcos_diag_set(w->diag, code, field, "device \"%.100s\": %s",
                         mc_ring_device(w->ring, slot)->name, text);
}

static bool is_among(char c, const char *marks)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(marks, c) != NULL);
}

static bool is_of(const char *text, const char *marks)
{
    for (; *text != '\0'; text++) {
        if (!is_among(*text, marks))
            return false;
    }
    return true;
}

/* A name, or an address in digits; Swift keeps IPv6 without brackets. */
static bool host_ok(const char *host)
{
    return is_of(host, ".-_:");
}

/* A folder under Swift's `devices`, and what its check_drive() takes. */
static bool folder_ok(const char *name)
{
    return is_of(name, "_.-~") && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int check_device(const struct mc_devwrite *w, uint32_t slot)
{
    const struct mc_device *d = mc_ring_device(w->ring, slot);
    char port[16];
    size_t n = (size_t)snprintf(port, sizeof(port), ":%u/", d->port);

    if (d->host[0] == '\0')
        return bad_device(w, slot, MCOS_E_VALUE, "host", "Swift needs one");
    if (!host_ok(d->host))
        return bad_device(w, slot, MCOS_E_VALUE, "host",
                          "not a host for Swift: letters, digits and . - _ :");
    if (!host_ok(d->replication_host))
        return bad_device(w, slot, MCOS_E_VALUE, "replication_host",
                          "not a host for Swift: letters, digits and . - _ :");
    if (d->port == 0)
        return bad_device(w, slot, MCOS_E_VALUE, "port", "Swift needs one, 1 to 65535");
    if (!folder_ok(device_of(d)))
        return bad_device(
            w, slot, MCOS_E_VALUE, "device",
            d->device[0] != '\0'
                ? "not a folder for Swift: letters, digits and _ . - ~"
                : "none is given, and the name cannot stand for it: Swift "
                  "takes letters, digits and _ . - ~");
    /* What an import would call it. */
    if (strlen(d->host) + n + strlen(device_of(d)) > MC_TEXT_MAX)
        return bad_device(w, slot, MCOS_E_TOOBIG, "host",
                          "host, port and device are too long together");
    return 0;
}

static int cmp_places(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    int order = strcmp(x->device->host, y->device->host);

    if (order == 0)
        order =
            (x->device->port > y->device->port) - (x->device->port < y->device->port);
    return order != 0 ? order : strcmp(device_of(x->device), device_of(y->device));
}

/* Two devices in one place would be two replicas on one disk. */
static int check_places(const struct mc_devwrite *w)
{
    const uint32_t slots = mc_ring_head(w->ring)->device_count;
    struct place *places = malloc(((size_t)slots + 1) * sizeof(*places));
    size_t count = 0;
    int err = places == NULL ? MCOS_E_NOMEM : 0;

    for (uint32_t slot = 0; err == 0 && slot < slots; slot++) {
        if (mc_ring_device(w->ring, slot)->removed)
            continue;
        places[count++] = (struct place){mc_ring_device(w->ring, slot), slot};
        err = check_device(w, slot);
    }
    if (err == 0)
        qsort(places, count, sizeof(*places), cmp_places);
    for (size_t i = 1; err == 0 && i < count; i++) {
        if (cmp_places(&places[i - 1], &places[i]) == 0)
            err = bad_device(w,
                             places[i].slot > places[i - 1].slot ? places[i].slot
                                                                 : places[i - 1].slot,
                             MCOS_E_DEVICE, "",
                             "another one has the same host, port and device");
    }
    free(places);
    return err;
}

/* What an import kept, or an empty object. */
static int load_kept(struct mc_devwrite *w)
{
    struct mc_bytes text = {(const uint8_t *)"{}", 2};
    json_error_t error;
    int err;

    (void)mc_extra_find(mc_ring_extra(w->ring), MC_EXTRA_SWIFT, &text);
    err = mc_json_scan(text, MC_RINGGZ_DEPTH_MAX, MC_EXTRA_MAX, NULL);
    if (err == 0)
        w->kept = json_loadb((const char *)text.ptr, text.len,
                             JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (err == 0 && w->kept == NULL &&
        json_error_code(&error) == json_error_out_of_memory)
        return MCOS_E_NOMEM;
    if (!json_is_object(w->kept))
        return mcos_diag_set(w->diag, MCOS_E_FORMAT, "extra",
                             "the keys that an import kept are no JSON object");
    return 0;
}

int mc_devwrite_init(struct mc_devwrite *w, const struct mc_ring *ring,
                     struct mcos_diag *diag)
{
    int err;

    *w = (struct mc_devwrite){.ring = ring, .diag = diag};
    err = load_kept(w);
    if (err == 0)
        err = check_places(w);
    if (err == 0)
        err = mc_tiernums_init(ring, false, &w->regions);
    if (err == 0)
        err = mc_tiernums_init(ring, true, &w->zones);
    return err;
}

void mc_devwrite_fini(struct mc_devwrite *w)
{
    json_decref(w->kept);
    mc_tiernums_fini(&w->regions);
    mc_tiernums_fini(&w->zones);
    *w = (struct mc_devwrite){.ring = NULL};
}

/* Does the text say what the weight is? What is below a millionth counts as one. */
static bool says(const char *text, const json_t *value, uint64_t weight)
{
    uint64_t millionths;

    if (!json_is_number(value))
        return false;
    if (weight == 1 && json_number_value(value) > 0 &&
        json_number_value(value) < 0.000001)
        return true;
    return mc_decimal_parse(text, MC_WEIGHT_MAX, &millionths) == 0 &&
           millionths == weight;
}

/* As the operator wrote it, if that is a number in JSON. */
static json_t *weight_of(const struct mc_device *d)
{
    char text[MC_DECIMAL_TEXT_MAX];
    json_t *value = json_loads(d->weight_text, JSON_DECODE_ANY, NULL);

    if (says(d->weight_text, value, d->weight))
        return value;
    json_decref(value);
    mc_decimal_format(d->weight, text);
    return json_loads(text, JSON_DECODE_ANY, NULL);
}

static json_t *object_of(const struct mc_devwrite *w, uint32_t slot)
{
    const struct mc_device *d = mc_ring_device(w->ring, slot);
    char id[16];
    json_t *kept;
    json_t *o;
    int r;

    (void)snprintf(id, sizeof(id), "%u", slot);
    kept = json_object_get(json_object_get(w->kept, "devs"), id);
    o = json_is_object(kept) ? json_copy(kept) : json_object();
    r = json_object_set_new(o, "id", json_integer((json_int_t)slot));
    r |= json_object_set_new(
        o, "region", json_integer((json_int_t)mc_tiernums_get(&w->regions, d->region)));
    r |= json_object_set_new(
        o, "zone", json_integer((json_int_t)mc_tiernums_get(&w->zones, d->zone)));
    r |= json_object_set_new(o, "ip", json_string(d->host));
    r |= json_object_set_new(o, "port", json_integer(d->port));
    r |= json_object_set_new(o, "device", json_string(device_of(d)));
    r |= json_object_set_new(o, "meta", json_string(d->meta));
    r |= json_object_set_new(o, "weight", weight_of(d));
    (void)json_object_del(o, "replication_ip");
    (void)json_object_del(o, "replication_port");
    if (d->replication_host[0] != '\0')
        r |= json_object_set_new(o, "replication_ip", json_string(d->replication_host));
    if (d->replication_port != 0)
        r |= json_object_set_new(o, "replication_port",
                                 json_integer(d->replication_port));
    if (r == 0)
        return o;
    json_decref(o);
    return NULL;
}

int mc_devwrite_list(const struct mc_devwrite *w, struct mc_buf *b)
{
    const uint32_t slots = mc_ring_head(w->ring)->device_count;

    mc_buf_u8(b, '[');
    for (uint32_t slot = 0; slot < slots; slot++) {
        json_t *o;

        if (slot > 0)
            mc_buf_put(b, ", ", 2);
        if (mc_ring_device(w->ring, slot)->removed) {
            mc_buf_put(b, "null", 4);
            continue;
        }
        o = object_of(w, slot);
        if (o == NULL)
            return MCOS_E_NOMEM;
        mc_pyjson_put(b, o);
        json_decref(o);
    }
    mc_buf_u8(b, ']');
    return b->err;
}
