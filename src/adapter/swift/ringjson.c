/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/ringjson.c -- devices and shape out of a ring file's JSON. */
#include "adapter/swift/ringjson.h"

#include "adapter/swift/jscan.h"
#include "adapter/swift/ringgz.h"
#include "adapter/swift/weight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX INT32_MAX /* of a region or a zone */

enum ring_key { DEVS, PART_SHIFT, ROWS, BYTEORDER, NEXT_PART_POWER, RING_KEYS };
static const char *const ring_keys[RING_KEYS] = {
    "devs", "part_shift", "replica_count", "byteorder", "next_part_power",
};

enum device_key {
    ID,
    REGION,
    ZONE,
    IP,
    PORT,
    REPLICATION_IP,
    REPLICATION_PORT,
    DEVICE,
    WEIGHT,
    META,
    DEVICE_KEYS
};
static const char *const device_keys[DEVICE_KEYS] = {
    "id",     "region", "zone", "ip", "port", "replication_ip", "replication_port",
    "device", "weight", "meta",
};
static const enum device_key needed_of_device[] = {ZONE, IP, PORT, DEVICE, WEIGHT};

/* The keys of one object that were read. */
struct keys {
    unsigned known; /* bit by bit */
    size_t unknown_count;
    char *unknown[MC_RINGGZ_UNKNOWN_MAX];
};

struct read {
    struct mc_jscan j;
    struct mc_draft *draft;
    uint32_t device_cap;
    struct mc_buf ring_kept; /* members of {"ring": {...}} and {"devs": {...}} */
    struct mc_buf devs_kept;
    struct mc_ringjson shape;
    bool has_next;
};

static void keys_fini(struct keys *keys)
{
    for (size_t i = 0; i < keys->unknown_count; i++)
        free(keys->unknown[i]);
}

/* Which of `names` a key is, or `count`; a key that was there before is an error. */
static unsigned note_key(struct mc_jscan *j, struct keys *keys, const char *key,
                         const char *const *names, unsigned count)
{
    unsigned found = 0;
    bool twice = false;

    while (found < count && strcmp(key, names[found]) != 0)
        found++;
    if (found < count) {
        twice = (keys->known >> found & 1u) != 0;
        keys->known |= 1u << found;
    } else {
        for (size_t i = 0; i < keys->unknown_count; i++)
            twice = twice || strcmp(key, keys->unknown[i]) == 0;
        if (keys->unknown_count == MC_RINGGZ_UNKNOWN_MAX) {
            mc_jscan_fail(j, MCOS_E_TOOBIG, "more than %u unknown keys",
                          MC_RINGGZ_UNKNOWN_MAX);
            return count;
        }
        keys->unknown[keys->unknown_count] = strdup(key);
        if (keys->unknown[keys->unknown_count] == NULL)
            mc_jscan_fail(j, MCOS_E_NOMEM, "out of memory");
        else
            keys->unknown_count++;
    }
    if (twice)
        mc_jscan_fail(j, MCOS_E_JSON, "the key %.64s is there twice", key);
    return found;
}

static void keep_member(struct mc_buf *b, struct mc_bytes key, struct mc_bytes value)
{
    if (b->len != 0 && b->ptr[b->len - 1] != '{')
        mc_buf_put(b, ", ", 2);
    mc_buf_put(b, key.ptr, key.len);
    mc_buf_put(b, ": ", 2);
    mc_buf_put(b, value.ptr, value.len);
}

static bool take_null(struct mc_jscan *j)
{
    if (mc_jscan_peek(j) != 'n')
        return false;
    (void)mc_jscan_value(j);
    return true;
}

static const char *own(struct read *r, const char *text)
{
    const char *copy = mc_draft_text(r->draft, text);

    if (copy == NULL) {
        mc_jscan_fail(&r->j, MCOS_E_NOMEM, "out of memory");
        return "";
    }
    return copy;
}

static const char *read_text(struct read *r, size_t max)
{
    char text[MC_META_MAX + 1];

    mc_jscan_text(&r->j, text, max + 1);
    return r->j.err != 0 ? "" : own(r, text);
}

static const char *read_number_text(struct read *r)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu",
             (unsigned long long)mc_jscan_whole(&r->j, NUMBER_MAX));
    return r->j.err != 0 ? "" : own(r, text);
}

static void read_weight(struct read *r, struct mc_device *device)
{
    struct mc_bytes number = mc_jscan_number(&r->j);
    char text[MC_TEXT_MAX + 1];
    int err;

    if (r->j.err != 0)
        return;
    if (number.len > MC_TEXT_MAX) {
        mc_jscan_fail(&r->j, MCOS_E_TOOBIG, "a number of more than %u bytes",
                      MC_TEXT_MAX);
        return;
    }
    err = mc_weight_of_number(number, &device->weight);
    if (err != 0) {
        mc_jscan_fail(&r->j, err, "a weight of 0 to %llu is needed",
                      MC_WEIGHT_MAX / 1000000ull);
        return;
    }
    memcpy(text, number.ptr, number.len);
    text[number.len] = '\0';
    device->weight_text = own(r, text);
}

static void read_id(struct mc_jscan *j, uint32_t slot)
{
    uint64_t id = mc_jscan_whole(j, MC_RINGGZ_DEVICES_MAX - 1);

    if (j->err == 0 && id != slot)
        mc_jscan_fail(j, MCOS_E_DEVICE, "id %llu in the place of device %u",
                      (unsigned long long)id, slot);
}

static void read_field(struct read *r, enum device_key key, struct mc_device *device,
                       uint32_t slot)
{
    struct mc_jscan *j = &r->j;

    switch (key) {
    case ID:
        read_id(j, slot);
        break;
    case REGION:
        device->region = read_number_text(r);
        break;
    case ZONE:
        device->zone = read_number_text(r);
        break;
    case IP:
        device->host = read_text(r, MC_TEXT_MAX);
        break;
    case PORT:
        device->port = (uint16_t)mc_jscan_whole(j, UINT16_MAX);
        break;
    case REPLICATION_IP:
        if (!take_null(j))
            device->replication_host = read_text(r, MC_TEXT_MAX);
        break;
    case REPLICATION_PORT:
        if (!take_null(j))
            device->replication_port = (uint16_t)mc_jscan_whole(j, UINT16_MAX);
        break;
    case DEVICE:
        device->device = read_text(r, MC_TEXT_MAX);
        break;
    case WEIGHT:
        read_weight(r, device);
        break;
    case META:
        if (!take_null(j))
            device->meta = read_text(r, MC_META_MAX);
        break;
    case DEVICE_KEYS:
        break;
    }
}

static void name_device(struct read *r, struct mc_device *device)
{
    char name[MC_TEXT_MAX * 2 + 16];
    int n;

    if (device->host[0] == '\0' || device->device[0] == '\0') {
        mc_jscan_fail(&r->j, MCOS_E_VALUE, "an empty ip or device");
        return;
    }
    n = snprintf(name, sizeof(name), "%s:%u/%s", device->host, device->port,
                 device->device);
    if ((size_t)n > MC_TEXT_MAX)
        mc_jscan_fail(&r->j, MCOS_E_TOOBIG, "a name of more than %u bytes",
                      MC_TEXT_MAX);
    else
        device->name = own(r, name);
}

static void check_needed(struct read *r, unsigned known)
{
    for (size_t i = 0; i < sizeof(needed_of_device) / sizeof(*needed_of_device); i++) {
        if ((known >> needed_of_device[i] & 1u) == 0)
            mc_jscan_fail(&r->j, MCOS_E_FIELD, "%s is missing",
                          device_keys[needed_of_device[i]]);
    }
}

/* Members of {"devs": {...}}: "<id>": {key: value, ...} */
static void keep_of_device(struct read *r, uint32_t slot, bool first,
                           struct mc_bytes key, struct mc_bytes value)
{
    struct mc_buf *b = &r->devs_kept;
    char id[24];

    if (first) {
        int n = snprintf(id, sizeof(id), "%s\"%u\": {", b->len == 0 ? "" : ", ", slot);

        mc_buf_put(b, id, (size_t)n);
    }
    keep_member(b, key, value);
}

static void read_device(struct read *r, uint32_t slot, struct mc_device *device)
{
    struct mc_jscan *j = &r->j;
    struct keys keys = {.known = 0};
    size_t n = 0;

    device->region = "1"; /* in files older than regions */
    mc_jscan_enter(j, '{');
    for (; mc_jscan_more(j, '}', n); n++) {
        char key[MC_JSCAN_KEY_MAX + 1];
        struct mc_bytes raw = mc_jscan_key(j, key);
        unsigned which;

        snprintf(j->where, sizeof(j->where), "/devs/%u/%.64s", slot, key);
        which = note_key(j, &keys, key, device_keys, DEVICE_KEYS);
        if (j->err != 0)
            break;
        if (which < DEVICE_KEYS) {
            read_field(r, (enum device_key)which, device, slot);
        } else {
            struct mc_bytes value = mc_jscan_value(j);

            if (j->err == 0)
                keep_of_device(r, slot, keys.unknown_count == 1, raw, value);
        }
        snprintf(j->where, sizeof(j->where), "/devs/%u", slot);
    }
    if (keys.unknown_count != 0)
        mc_buf_u8(&r->devs_kept, '}');
    check_needed(r, keys.known);
    keys_fini(&keys);
    if (j->err == 0)
        name_device(r, device);
}

static struct mc_device *add_slot(struct read *r)
{
    struct mc_draft *d = r->draft;
    struct mc_device *device;

    if (d->device_count == MC_RINGGZ_DEVICES_MAX) {
        mc_jscan_fail(&r->j, MCOS_E_TOOBIG, "more than %u devices",
                      MC_RINGGZ_DEVICES_MAX);
        return NULL;
    }
    if (d->device_count == r->device_cap) {
        uint32_t cap = r->device_cap == 0 ? 64 : r->device_cap * 2;
        struct mc_device *grown = realloc(d->devices, cap * sizeof(*grown));

        if (grown == NULL) {
            mc_jscan_fail(&r->j, MCOS_E_NOMEM, "out of memory");
            return NULL;
        }
        d->devices = grown;
        r->device_cap = cap;
    }
    device = &d->devices[d->device_count++];
    *device = (struct mc_device){
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
    return device;
}

static void read_devices(struct read *r)
{
    struct mc_jscan *j = &r->j;

    mc_jscan_enter(j, '[');
    for (uint32_t slot = 0; mc_jscan_more(j, ']', slot); slot++) {
        struct mc_device *device;

        snprintf(j->where, sizeof(j->where), "/devs/%u", slot);
        device = add_slot(r);
        if (device == NULL || take_null(j))
            continue;
        device->removed = false;
        read_device(r, slot, device);
    }
}

static void read_byteorder(struct read *r)
{
    char text[16];

    mc_jscan_text(&r->j, text, sizeof(text));
    r->shape.big_endian = strcmp(text, "big") == 0;
    if (!r->shape.big_endian && strcmp(text, "little") != 0)
        mc_jscan_fail(&r->j, MCOS_E_VALUE, "neither \"little\" nor \"big\"");
}

static void read_member(struct read *r, enum ring_key key)
{
    struct mc_jscan *j = &r->j;

    switch (key) {
    case DEVS:
        read_devices(r);
        break;
    case PART_SHIFT:
        r->shape.part_power = 32 - (unsigned)mc_jscan_whole(j, 32);
        if (j->err == 0 && r->shape.part_power > MC_PART_POWER_MAX)
            mc_jscan_fail(j, MCOS_E_PARTPOWER, "part power %u, at most %u",
                          r->shape.part_power, MC_PART_POWER_MAX);
        break;
    case ROWS:
        r->shape.rows = (unsigned)mc_jscan_whole(j, MC_REPLICAS_MAX);
        if (r->shape.rows == 0)
            mc_jscan_fail(j, MCOS_E_VALUE, "no replicas");
        break;
    case BYTEORDER:
        read_byteorder(r);
        break;
    case NEXT_PART_POWER:
        if (take_null(j))
            break;
        r->shape.next_part_power = (unsigned)mc_jscan_whole(j, 32);
        r->has_next = true;
        break;
    case RING_KEYS:
        break;
    }
}

static void check_whole(struct read *r, unsigned known)
{
    struct mc_jscan *j = &r->j;
    const unsigned power = r->shape.part_power;
    const unsigned next = r->shape.next_part_power;

    for (unsigned key = DEVS; key <= ROWS; key++) {
        if ((known >> key & 1u) == 0)
            mc_jscan_fail(j, MCOS_E_FIELD, "%s is missing", ring_keys[key]);
    }
    if (r->has_next && next != power && next != power + 1)
        mc_jscan_fail(j, MCOS_E_VALUE, "next_part_power %u with part power %u", next,
                      power);
}

static void read_ring(struct read *r)
{
    struct mc_jscan *j = &r->j;
    struct keys keys = {.known = 0};
    size_t n = 0;

    mc_jscan_enter(j, '{');
    for (; mc_jscan_more(j, '}', n); n++) {
        char key[MC_JSCAN_KEY_MAX + 1];
        struct mc_bytes raw = mc_jscan_key(j, key);
        unsigned which;

        snprintf(j->where, sizeof(j->where), "/%.64s", key);
        which = note_key(j, &keys, key, ring_keys, RING_KEYS);
        if (j->err != 0)
            break;
        if (which < RING_KEYS) {
            read_member(r, (enum ring_key)which);
        } else {
            struct mc_bytes value = mc_jscan_value(j);

            if (j->err == 0)
                keep_member(&r->ring_kept, raw, value);
        }
        if (j->err == 0)
            j->where[0] = '\0';
    }
    mc_jscan_end(j);
    check_whole(r, keys.known);
    keys_fini(&keys);
}

static void keep(const struct read *r, struct mc_buf *b)
{
    static const char ring_open[] = "{\"ring\": {";
    static const char devs_open[] = "}, \"devs\": {";

    if (r->ring_kept.len == 0 && r->devs_kept.len == 0)
        return;
    mc_buf_put(b, ring_open, sizeof(ring_open) - 1);
    mc_buf_put(b, r->ring_kept.ptr, r->ring_kept.len);
    mc_buf_put(b, devs_open, sizeof(devs_open) - 1);
    mc_buf_put(b, r->devs_kept.ptr, r->devs_kept.len);
    mc_buf_put(b, "}}", 2);
}

int mc_ringjson_read(struct mc_bytes text, size_t base, struct mc_draft *draft,
                     struct mc_buf *kept, struct mc_ringjson *ret,
                     struct mcos_diag *diag)
{
    struct read r = {
        .j = mc_jscan_init(text, base, diag),
        .draft = draft,
        .ring_kept = {.max = MC_EXTRA_MAX},
        .devs_kept = {.max = MC_EXTRA_MAX},
        .shape = {.next_part_power = MC_RINGJSON_NO_POWER},
    };
    int err;

    read_ring(&r);
    err = r.j.err;
    if (err == 0)
        err = r.ring_kept.err != 0 ? r.ring_kept.err : r.devs_kept.err;
    if (err == 0) {
        keep(&r, kept);
        err = kept->err;
    }
    if (err != 0 && r.j.err == 0)
        (void)mcos_diag_set(diag, err, "", "unknown keys of more than %u bytes",
                            MC_EXTRA_MAX);
    if (err == 0)
        *ret = r.shape;
    mc_buf_fini(&r.ring_kept);
    mc_buf_fini(&r.devs_kept);
    return err;
}
