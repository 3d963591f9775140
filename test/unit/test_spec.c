/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spec is what people write, so each rule is tried at its limit and one past
 * it, and what is wrong is named by a pointer that they can follow.
 */
#include "ring/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 5u

static struct mc_device devices[COUNT];
static char names[COUNT][16];

static struct mc_spec good(void)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "d%u", i);
        devices[i] = (struct mc_device){.weight = 1000000,
                                        .weight_text = "1",
                                        .name = names[i],
                                        .cluster = "",
                                        .region = "",
                                        .zone = "",
                                        .host = "",
                                        .replication_host = "",
                                        .device = "",
                                        .meta = ""};
    }
    return (struct mc_spec){.part_power = 8,
                            .replicas = 3000000,
                            .hash = MC_HASH_XXH3,
                            .note = "",
                            .devices = devices,
                            .device_count = COUNT};
}

static void refused(const struct mc_spec *spec, int code, const char *field)
{
    struct mcos_diag diag = {{0}, 0, 0, {0}};

    assert_int_equal(mc_spec_check(spec, &diag), code);
    assert_string_equal(diag.field, field);
    assert_int_not_equal(diag.text[0], '\0');
    assert_int_equal(mc_spec_check(spec, NULL), code);
}

/* The nearest that can be is told, and can be. */
static void told(const struct mc_spec *spec, const char *words)
{
    struct mcos_diag diag = {{0}, 0, 0, {0}};

    assert_int_not_equal(mc_spec_check(spec, &diag), 0);
    if (strstr(diag.text, words) == NULL)
        fail_msg("\"%s\" says nothing of \"%s\"", diag.text, words);
    assert_true(strlen(diag.text) + 1 < sizeof(diag.text));
}

static void accepted(const struct mc_spec *spec)
{
    assert_int_equal(mc_spec_check(spec, NULL), 0);
}

static void assignments_are_the_whole_rows_and_the_short_one(void **state)
{
    struct mc_spec spec = good();

    (void)state;
    assert_int_equal(mc_spec_assignments(&spec), 768);
    spec.replicas = 3250000;
    assert_int_equal(mc_spec_assignments(&spec), 832);
    spec.replicas = 3000001; /* less than one partition more */
    assert_int_equal(mc_spec_assignments(&spec), 768);
    spec.part_power = 24;
    spec.replicas = 16000000;
    assert_int_equal(mc_spec_assignments(&spec), 16ull << 24);
}

static void numbers_are_refused_one_past_their_limit(void **state)
{
    struct mc_spec spec = good();

    (void)state;
    accepted(&spec);
    spec.part_power = 24;
    accepted(&spec);
    spec.part_power = 25;
    refused(&spec, MCOS_E_PARTPOWER, "/partition_power");
    spec = good();
    spec.part_power = 0;
    accepted(&spec);
    spec.replicas = 999999;
    refused(&spec, MCOS_E_VALUE, "/replicas");
    spec.replicas = 1000000;
    accepted(&spec);
    spec.replicas = 16000001;
    refused(&spec, MCOS_E_VALUE, "/replicas");
    told(&spec, "the nearest is 16");
    spec.replicas = 16000000;
    refused(&spec, MCOS_E_PLACEMENT, "/replicas"); /* in range, devices are few */
    spec = good();
    spec.overload = MC_OVERLOAD_MAX;
    accepted(&spec);
    spec.overload++;
    refused(&spec, MCOS_E_VALUE, "/overload");
    spec = good();
    spec.hash = (enum mc_hash_kind)3;
    refused(&spec, MCOS_E_VALUE, "/hash");
    spec = good();
    spec.device_count = 0;
    refused(&spec, MCOS_E_DEVICE, "/devices");
    spec.device_count = MC_DEVICES_MAX + 1; /* refused before any is looked at */
    refused(&spec, MCOS_E_TOOBIG, "/devices");
}

static void weights_are_refused_when_too_large_or_all_zero(void **state)
{
    struct mc_spec spec = good();

    (void)state;
    devices[3].weight = MC_WEIGHT_MAX;
    accepted(&spec);
    devices[3].weight++;
    refused(&spec, MCOS_E_WEIGHT, "/devices/3/weight");
    devices[3].weight = 0;
    accepted(&spec);
    for (uint32_t i = 0; i < COUNT; i++)
        devices[i].weight = 0;
    refused(&spec, MCOS_E_WEIGHT, "/devices");
    told(&spec, "at least 3 devices need one above 0");
    spec.replicas = 1000000;
    told(&spec, "at least 1 device needs one above 0");
}

static void a_name_must_be_there_and_once(void **state)
{
    struct mc_spec spec = good();

    (void)state;
    devices[2].name = "";
    refused(&spec, MCOS_E_DEVICE, "/devices/2/name");
    devices[2].name = "d4";
    refused(&spec, MCOS_E_DEVICE, "/devices/4/name"); /* the later of the two */
    devices[2].name = "d2";
    accepted(&spec);
}

static void texts_have_limits(void **state)
{
    static char text[MC_META_MAX + 2];
    struct mc_spec spec = good();

    (void)state;
    memset(text, 'x', MC_TEXT_MAX);
    devices[1].zone = text;
    accepted(&spec);
    text[MC_TEXT_MAX] = 'x';
    refused(&spec, MCOS_E_TOOBIG, "/devices/1/zone");
    spec = good();
    memset(text, 'x', MC_META_MAX);
    devices[4].meta = text;
    accepted(&spec);
    text[MC_META_MAX] = 'x';
    refused(&spec, MCOS_E_TOOBIG, "/devices/4/meta");
    spec = good();
    spec.note = text;
    text[MC_NOTE_MAX] = '\0';
    accepted(&spec);
    text[MC_NOTE_MAX] = 'x';
    refused(&spec, MCOS_E_TOOBIG, "/note");
}

static void every_replica_needs_a_device_with_weight(void **state)
{
    struct mc_spec spec = good();

    (void)state;
    spec.replicas = 5000000;
    accepted(&spec);
    spec.replicas = 5000000 + 1000000 / 256 - 1; /* no partition has a sixth yet */
    accepted(&spec);
    spec.replicas = 5000000 + 1000000 / 256 + 1;
    refused(&spec, MCOS_E_PLACEMENT, "/replicas");
    spec.replicas = 4500000;
    accepted(&spec);
    devices[0].weight = 0; /* 4.5 replicas on four devices */
    refused(&spec, MCOS_E_PLACEMENT, "/replicas");
    told(&spec, "4.5 replicas need 5 devices with weight,");
    told(&spec, "4 of the 5 devices have weight: 4 replicas can be placed, or give "
                "weight to 1 more");
    spec.replicas = 4000000;
    accepted(&spec);
    spec.replicas = 16000000;
    told(&spec, "16 replicas need 16 devices");
    told(&spec, "give weight to 12 more");
}

static void a_table_that_fits_no_record_is_refused(void **state)
{
    static struct mc_device many[8];
    struct mc_spec spec = good();

    (void)state;
    for (uint32_t i = 0; i < 8; i++)
        many[i] = devices[0];
    for (uint32_t i = 0; i < 8; i++)
        many[i].name = (const char *[]){"a", "b", "c", "d", "e", "f", "g", "h"}[i];
    spec.devices = many;
    spec.device_count = 8;
    spec.part_power = 24;
    spec.replicas = 6000000; /* 2^24 x (6 ids of 2 bytes and a last move) */
    accepted(&spec);
    spec.replicas = 7000000;
    refused(&spec, MCOS_E_TOOBIG, "/partition_power");
    told(&spec, "2^23 do, or 6 replicas");
    spec.part_power = 23;
    accepted(&spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assignments_are_the_whole_rows_and_the_short_one),
        cmocka_unit_test(numbers_are_refused_one_past_their_limit),
        cmocka_unit_test(weights_are_refused_when_too_large_or_all_zero),
        cmocka_unit_test(a_name_must_be_there_and_once),
        cmocka_unit_test(texts_have_limits),
        cmocka_unit_test(every_replica_needs_a_device_with_weight),
        cmocka_unit_test(a_table_that_fits_no_record_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
