/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/ringdevice.c -- a device's keys, each checked where it is taken. */
#include "adapter/swift/ringdevice.h"

#include "base/decimal.h"

#include <stdio.h>
#include <string.h>

static const char *take_number_text(struct mc_taking *r, json_t *object,
                                    const char *key, enum mc_need need, unsigned absent)
{
    char text[16];

    (void)snprintf(
        text, sizeof(text), "%u",
        mc_take_whole(r, object, key, need, MC_RINGDEVICE_NUMBER_MAX, absent));
    return mc_take_own(r, text);
}

/* What is more than 0 never becomes 0: a device of weight 0 is a drained one. */
static void take_weight(struct mc_taking *r, json_t *object, struct mc_device *device)
{
    json_t *value = mc_take(r, object, "weight", MC_NEEDED);
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
        mc_take_refuse(r, MCOS_E_JSON, "weight", "expected a number");
    else if (weight > 0 && weight < 0.000001)
        device->weight = 1;
    else if (mc_decimal_parse(text, MC_WEIGHT_MAX, &device->weight) != 0)
        mc_take_refuse(r, MCOS_E_WEIGHT, "weight", "a weight of 0 to %llu is needed",
                       MC_WEIGHT_MAX / 1000000ull);
    json_decref(value);
    device->weight_text = mc_take_own(r, text);
}

static void name_device(struct mc_taking *r, struct mc_device *device)
{
    char name[MC_TEXT_MAX * 2 + 16];
    int n = snprintf(name, sizeof(name), "%s:%u/%s", device->host, device->port,
                     device->device);

    if (device->host[0] == '\0' || device->device[0] == '\0')
        mc_take_refuse(r, MCOS_E_VALUE, "", "an empty ip or device");
    else if ((size_t)n > MC_TEXT_MAX)
        mc_take_refuse(r, MCOS_E_TOOBIG, "", "a name of more than %u bytes",
                       MC_TEXT_MAX);
    device->name = mc_take_own(r, name);
}

static void read_device(struct mc_taking *r, json_t *object, uint32_t slot,
                        struct mc_device *device)
{
    unsigned id;

    id = mc_take_whole(r, object, "id", MC_OPTIONAL, INT32_MAX, slot);
    if (id != slot)
        mc_take_refuse(r, MCOS_E_DEVICE, "id", "id %u in the place of device %u", id,
                       slot);
    /* Files older than regions have none. */
    device->region = take_number_text(r, object, "region", MC_OPTIONAL, 1);
    device->zone = take_number_text(r, object, "zone", MC_NEEDED, 0);
    device->host = mc_take_text(r, object, "ip", MC_NEEDED, MC_TEXT_MAX);
    device->port = (uint16_t)mc_take_whole(r, object, "port", MC_NEEDED, UINT16_MAX, 0);
    device->replication_host =
        mc_take_text(r, object, "replication_ip", MC_OR_NULL, MC_TEXT_MAX);
    device->replication_port = (uint16_t)mc_take_whole(r, object, "replication_port",
                                                       MC_OR_NULL, UINT16_MAX, 0);
    device->device = mc_take_text(r, object, "device", MC_NEEDED, MC_TEXT_MAX);
    device->meta = mc_take_text(r, object, "meta", MC_OR_NULL, MC_META_MAX);
    take_weight(r, object, device);
    mc_take_leave(r);
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

void mc_ringdevice_read(struct mc_taking *r, json_t *object, uint32_t slot,
                        json_t *kept)
{
    struct mc_device *device = &r->draft->devices[slot];
    char at[sizeof(r->at)];
    const char *id = at + sizeof("/devs/") - 1;

    *device = hole;
    if (json_is_null(object))
        return;
    (void)snprintf(at, sizeof(at), "/devs/%u", slot);
    device->removed = false;
    mc_take_enter(r, object, at);
    read_device(r, object, slot, device);
    if (json_object_size(object) != 0 && json_object_set(kept, id, object) != 0)
        mc_take_refuse(r, MCOS_E_NOMEM, "", "out of memory");
}
