/* SPDX-License-Identifier: Apache-2.0 */
/* ring/spec.c -- what can be wrong with a spec, said before anything is built. */
#include "ring/spec.h"

#include "base/decimal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000u

struct named {
    const char *name;
    uint32_t index;
};

uint64_t mc_spec_assignments(const struct mc_spec *spec)
{
    assert(spec->part_power <= MC_PART_POWER_MAX);
    return (spec->replicas << spec->part_power) / MILLION;
}

static int check_text(const char *text, size_t max, uint32_t index, const char *key,
                      struct mcos_diag *diag)
{
    char field[64];

    assert(text != NULL);
    if (strnlen(text, max + 1) <= max)
        return 0;
    (void)snprintf(field, sizeof(field), "/devices/%u/%s", index, key);
    return mcos_diag_set(diag, MCOS_E_TOOBIG, field, "longer than %zu bytes", max);
}

static int check_device(const struct mc_device *d, uint32_t i, struct mcos_diag *diag)
{
    const struct {
        const char *key;
        const char *text;
        size_t max;
    } texts[] = {
        {"name", d->name, MC_TEXT_MAX},
        {"cluster", d->cluster, MC_NAME_MAX},
        {"region", d->region, MC_TEXT_MAX},
        {"zone", d->zone, MC_TEXT_MAX},
        {"host", d->host, MC_TEXT_MAX},
        {"replication_host", d->replication_host, MC_TEXT_MAX},
        {"device", d->device, MC_TEXT_MAX},
        {"weight", d->weight_text, MC_TEXT_MAX},
        {"meta", d->meta, MC_META_MAX},
    };
    char field[64];

    for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
        int r = check_text(texts[k].text, texts[k].max, i, texts[k].key, diag);

        if (r < 0)
            return r;
    }
    if (d->name[0] == '\0') {
        (void)snprintf(field, sizeof(field), "/devices/%u/name", i);
        return mcos_diag_set(diag, MCOS_E_DEVICE, field, "a device needs a name");
    }
    if (d->weight > MC_WEIGHT_MAX) {
        (void)snprintf(field, sizeof(field), "/devices/%u/weight", i);
        return mcos_diag_set(diag, MCOS_E_WEIGHT, field,
                             "device \"%s\": the weight is above %llu", d->name,
                             MC_WEIGHT_MAX / MILLION);
    }
    return 0;
}

static int cmp_named(const void *a, const void *b)
{
    const struct named *x = a;
    const struct named *y = b;
    int r = strcmp(x->name, y->name);

    return r != 0 ? r : (x->index > y->index) - (x->index < y->index);
}

/* Reports the first device, in the order given, whose name came before. */
static int check_names(const struct mc_spec *spec, struct mcos_diag *diag)
{
    struct named *all = calloc(spec->device_count, sizeof(*all));
    uint32_t twice = UINT32_MAX;
    char field[64];

    if (all == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t i = 0; i < spec->device_count; i++)
        all[i] = (struct named){spec->devices[i].name, i};
    qsort(all, spec->device_count, sizeof(*all), cmp_named);
    for (uint32_t i = 1; i < spec->device_count; i++) {
        if (all[i].index < twice && strcmp(all[i].name, all[i - 1].name) == 0)
            twice = all[i].index;
    }
    free(all);
    if (twice == UINT32_MAX)
        return 0;
    (void)snprintf(field, sizeof(field), "/devices/%u/name", twice);
    return mcos_diag_set(diag, MCOS_E_DEVICE, field,
                         "a device named \"%s\" is there already",
                         spec->devices[twice].name);
}

static int check_numbers(const struct mc_spec *spec, struct mcos_diag *diag)
{
    if (spec->part_power > MC_PART_POWER_MAX)
        return mcos_diag_set(diag, MCOS_E_PARTPOWER, "/partition_power",
                             "%u is not in 0 .. %u", spec->part_power,
                             MC_PART_POWER_MAX);
    if (spec->next_part_power != 0 && spec->next_part_power != spec->part_power &&
        (spec->next_part_power != spec->part_power + 1 ||
         spec->next_part_power > MC_PART_POWER_MAX))
        return mcos_diag_set(
            diag, MCOS_E_PARTPOWER, "/next_partition_power",
            "%u is neither the partition power, %u, nor one more, at most %u",
            spec->next_part_power, spec->part_power, MC_PART_POWER_MAX);
    if (spec->replicas < MILLION ||
        spec->replicas > (uint64_t)MC_REPLICAS_MAX * MILLION)
        return mcos_diag_set(diag, MCOS_E_VALUE, "/replicas",
                             "replicas are 1 to %u: the nearest is %u", MC_REPLICAS_MAX,
                             spec->replicas < MILLION ? 1 : MC_REPLICAS_MAX);
    if (spec->overload > MC_OVERLOAD_MAX)
        return mcos_diag_set(diag, MCOS_E_VALUE, "/overload", "not in 0 .. %u",
                             MC_OVERLOAD_MAX / MILLION);
    if (spec->hash != MC_HASH_XXH3 && spec->hash != MC_HASH_SWIFT_MD5)
        return mcos_diag_set(diag, MCOS_E_VALUE, "/hash", "not a hash we know");
    if (strnlen(spec->note, MC_NOTE_MAX + 1) > MC_NOTE_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "/note", "longer than %u bytes",
                             MC_NOTE_MAX);
    if (spec->device_count == 0)
        return mcos_diag_set(diag, MCOS_E_DEVICE, "/devices", "there is no device");
    if (spec->device_count > MC_DEVICES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "/devices", "more than %u devices",
                             MC_DEVICES_MAX);
    return 0;
}

/* Table and last moves must fit a record, whatever else is in it. */
static int check_size(const struct mc_spec *spec, struct mcos_diag *diag)
{
    uint64_t parts = 1ull << spec->part_power;
    uint64_t stride = (mc_spec_assignments(spec) + parts - 1) / parts;
    uint64_t id_bytes = spec->device_count < UINT16_MAX ? 2 : 4;

    uint64_t each = stride * id_bytes + sizeof(uint32_t);
    unsigned fits = spec->part_power;

    if (parts * each <= MC_RECORD_BYTES_MAX)
        return 0;
    while (each << fits > MC_RECORD_BYTES_MAX)
        fits--;
    return mcos_diag_set(
        diag, MCOS_E_TOOBIG, "/partition_power",
        "2^%u partitions of %llu replicas do not fit a record of %u "
        "MiB: 2^%u do, or %llu replicas",
        spec->part_power, (unsigned long long)stride, MC_RECORD_BYTES_MAX >> 20, fits,
        (unsigned long long)(MC_RECORD_BYTES_MAX / parts - sizeof(uint32_t)) /
            id_bytes);
}

/* A partition has a replica on a device once: that is the one bound on where they go,
 * for regions, zones and hosts hold as many as it takes. */
static int check_places(const struct mc_spec *spec, uint32_t weighted,
                        struct mcos_diag *diag)
{
    uint64_t parts = 1ull << spec->part_power;
    uint64_t row = (mc_spec_assignments(spec) + parts - 1) / parts;
    char replicas[MC_DECIMAL_TEXT_MAX];

    if (row <= weighted)
        return 0;
    if (weighted == 0)
        return mcos_diag_set(diag, MCOS_E_WEIGHT, "/devices",
                             "all weights are zero: at least %llu device%s need%s one "
                             "above 0",
                             (unsigned long long)row, row == 1 ? "" : "s",
                             row == 1 ? "s" : "");
    mc_decimal_format(spec->replicas, replicas);
    return mcos_diag_set(
        diag, MCOS_E_PLACEMENT, "/replicas",
        "%s replicas need %llu devices with weight, as a device holds one replica of a "
        "partition at most, and %u of the %u devices have weight: %u replicas can be "
        "placed, or give weight to %llu more",
        replicas, (unsigned long long)row, weighted, spec->device_count, weighted,
        (unsigned long long)(row - weighted));
}

int mc_spec_check(const struct mc_spec *spec, struct mcos_diag *diag)
{
    uint32_t weighted = 0;
    int r = check_numbers(spec, diag);

    if (r < 0)
        return r;
    r = check_size(spec, diag);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < spec->device_count; i++) {
        r = check_device(&spec->devices[i], i, diag);
        if (r < 0)
            return r;
        weighted += spec->devices[i].weight != 0;
    }
    r = check_names(spec, diag);
    if (r < 0)
        return r;
    return check_places(spec, weighted, diag);
}
