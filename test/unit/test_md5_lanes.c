/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MD5 side by side gives what libcrypto gives one by one: each way that this machine
 * has, every length, every lane, every alignment, any mixture of lengths.
 */
#include "base/md5_lanes.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LANES    16u /* of the widest way */
#define MESSAGES 700u
#define LENGTH   600u

static const enum mc_md5_way ways[] = {MC_MD5_BEST, MC_MD5_PORTABLE, MC_MD5_AVX2};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* Messages as they were, and padded in memory that ends where they end. */
struct sample {
    size_t count;
    struct mc_bytes plain[MESSAGES];
    struct mc_md5_message padded[MESSAGES];
    uint8_t *memory[MESSAGES];
};

static struct sample sample;

/* Puts the padding behind a message; room holds mc_md5_blocks(bytes) blocks. */
static void pad(uint8_t *room, size_t bytes)
{
    const size_t whole = (size_t)mc_md5_blocks(bytes) * MC_MD5_BLOCK;

    memset(room + bytes, 0, whole - bytes);
    room[bytes] = 0x80;
    mc_set_u64(room + whole - 8, (uint64_t)bytes * 8);
}

/* A message of that length, whose blocks begin `align` bytes after a boundary of 64. */
static void add(struct mc_rng *rng, size_t bytes, size_t align)
{
    const size_t whole = (size_t)mc_md5_blocks(bytes) * MC_MD5_BLOCK;
    uint8_t *room = calloc(whole, 1);
    uint8_t *memory = NULL;

    assert_non_null(room);
    assert_int_equal(posix_memalign((void **)&memory, 64, align + whole), 0);
    for (size_t i = 0; i < bytes; i++)
        room[i] = (uint8_t)mc_rng_next(rng);
    memcpy(memory + align, room, bytes);
    pad(room, bytes);
    assert_memory_equal(room, memory + align, bytes);
    memcpy(memory + align, room, whole);
    free(room);
    sample.memory[sample.count] = memory;
    sample.plain[sample.count] = (struct mc_bytes){memory + align, bytes};
    sample.padded[sample.count++] =
        (struct mc_md5_message){memory + align, mc_md5_blocks(bytes)};
}

static void check(void)
{
    static uint8_t got[MESSAGES + 1][MC_MD5_BYTES];
    uint8_t want[MC_MD5_BYTES];
    uint8_t guard[MC_MD5_BYTES];

    memset(guard, 0x5a, sizeof(guard));
    for (unsigned w = 0; w < WAYS; w++) {
        if (!mc_md5_has(ways[w]))
            continue;
        memset(got, 0x5a, sizeof(got));
        mc_md5_lanes(ways[w], got, sample.padded, sample.count);
        for (size_t i = 0; i < sample.count; i++) {
            mc_md5(want, &sample.plain[i], 1);
            if (memcmp(got[i], want, sizeof(want)) != 0)
                fail_msg("way %u, message %zu of %zu, %zu bytes", ways[w], i,
                         sample.count, sample.plain[i].len);
        }
        assert_memory_equal(got[sample.count], guard, sizeof(guard));
    }
    while (sample.count > 0)
        free(sample.memory[--sample.count]);
}

static void every_length_in_every_lane_at_every_alignment(void **state)
{
    struct mc_rng rng = mc_rng_init(1);

    (void)state;
    /* All lanes alike, each with a content of its own: 64 lengths of one number of
       blocks show each lane all alignments. */
    for (size_t bytes = 0; bytes <= LENGTH; bytes++) {
        for (size_t lane = 0; lane < LANES; lane++)
            add(&rng, bytes, (bytes + 4 * lane) % 64);
        check();
    }
}

static void all_lengths_at_once(void **state)
{
    struct mc_rng rng = mc_rng_init(2);

    (void)state;
    for (size_t bytes = 0; bytes <= LENGTH; bytes++)
        add(&rng, bytes, bytes % 64);
    check();
    for (size_t bytes = LENGTH + 1; bytes-- > 0;)
        add(&rng, bytes, 0);
    check();
}

static void any_number_of_messages_of_any_lengths(void **state)
{
    struct mc_rng rng = mc_rng_init(3);

    (void)state;
    for (size_t count = 0; count <= 140; count++) {
        for (size_t i = 0; i < count; i++)
            add(&rng, mc_rng_below(&rng, i % 3 == 0 ? LENGTH : 130),
                mc_rng_below(&rng, 64));
        check();
    }
}

static void one_long_message_among_short_ones_in_each_place(void **state)
{
    struct mc_rng rng = mc_rng_init(4);

    (void)state;
    for (size_t place = 0; place < 2 * LANES; place++) {
        for (size_t i = 0; i < 2 * LANES; i++)
            add(&rng, i == place ? 10000 + place : 30, 0);
        check();
    }
}

/* RFC 1321, A.5: should libcrypto ever be wrong with us. */
static void the_digests_are_those_of_the_rfc(void **state)
{
    static const struct {
        const char *text;
        const char *digest;
    } suite[] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234"
         "567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };

    (void)state;
    for (unsigned w = 0; w < WAYS; w++) {
        for (size_t i = 0; mc_md5_has(ways[w]) && i < 5; i++) {
            uint8_t room[4 * MC_MD5_BLOCK];
            struct mc_md5_message m = {room, mc_md5_blocks(strlen(suite[i].text))};
            uint8_t got[1][MC_MD5_BYTES];
            char hex[2 * MC_MD5_BYTES + 1];

            memcpy(room, suite[i].text, strlen(suite[i].text));
            pad(room, strlen(suite[i].text));
            mc_md5_lanes(ways[w], got, &m, 1);
            mc_hex(hex, got[0], MC_MD5_BYTES);
            assert_string_equal(hex, suite[i].digest);
        }
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(the_digests_are_those_of_the_rfc),
        cmocka_unit_test(every_length_in_every_lane_at_every_alignment),
        cmocka_unit_test(all_lengths_at_once),
        cmocka_unit_test(any_number_of_messages_of_any_lengths),
        cmocka_unit_test(one_long_message_among_short_ones_in_each_place),
    };

    if (!mc_md5_has(MC_MD5_AVX2))
        print_message("# no AVX2 here: the portable way alone\n");
    return cmocka_run_group_tests(cases, NULL, NULL);
}
