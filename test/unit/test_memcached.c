/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the memcached adapter that need no memcached: a manifest's bytes
 * (docs/format.md says them too, so each is written out here), what is refused,
 * addresses, and servers that are not what they should be.
 */
#include "adapter/memcached/cache.h"
#include "adapter/memcached/manifest.h"
#include "contract/records.h"
#include "contract/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t the_system[MC_UID_BYTES] = {0xab, 0xcd, 0xef, 0x01, 0x02};

/* ---- manifests ---- */

static struct mc_buf encoded(const struct mc_ring *ring)
{
    struct mc_manifest m = mc_manifest_of(ring, the_system);
    struct mc_buf b = {0};

    mc_manifest_encode(&b, &m);
    assert_int_equal(b.err, 0);
    return b;
}

static int decode(const struct mc_buf *b, struct mc_manifest *ret)
{
    return mc_manifest_decode((struct mc_bytes){b->ptr, b->len}, ret);
}

static void every_field_is_where_the_format_says(void **state)
{
    struct mc_ring *ring = record_mint("photos", NULL, NULL, "", 20);
    const struct mc_head *head = mc_ring_head(ring);
    struct mc_buf b = encoded(ring);

    (void)state;
    assert_memory_equal(b.ptr, "\x89MCMANI\n", 8);
    assert_int_equal(mc_get_u16(b.ptr + 8), 1);
    assert_int_equal(mc_get_u16(b.ptr + 10), 0);
    assert_int_equal(mc_get_u32(b.ptr + 12), b.len);
    assert_memory_equal(b.ptr + 16, the_system, 16);
    assert_memory_equal(b.ptr + 32, head->digest, 32);
    assert_int_equal(mc_get_u64(b.ptr + 64), head->version);
    assert_int_equal(mc_get_u64(b.ptr + 72), head->timestamp);
    assert_int_equal(mc_get_u16(b.ptr + 80), head->epoch);
    assert_int_equal(mc_get_u16(b.ptr + 82), 0);
    assert_int_equal(mc_get_u32(b.ptr + 84), head->head_bytes);
    assert_int_equal(mc_get_u64(b.ptr + 88), head->record_bytes);
    assert_int_equal(mc_get_u32(b.ptr + 96), 523776);
    assert_int_equal(mc_get_u32(b.ptr + 100), (head->record_bytes + 523775) / 523776);
    assert_memory_equal(b.ptr + 104, "\x06\x00photos\x00", 9);
    assert_memory_equal(b.ptr + 113, mc_blob_get(mc_ring_blob(ring)).ptr,
                        head->head_bytes);
    assert_int_equal(b.len, 113 + head->head_bytes);
    mc_buf_fini(&b);
    mc_ring_unref(ring);
}

static void what_was_encoded_decodes_the_same(void **state)
{
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", 4);
    struct mc_ring *gone = record_tombstone(ring);
    struct mc_ring *rings[2] = {ring, gone};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct mc_stamp stamp = mc_stamp_of(mc_ring_head(rings[i]));
        struct mc_buf b = encoded(rings[i]);
        struct mc_manifest m;

        assert_int_equal(decode(&b, &m), 0);
        assert_int_equal(mc_stamp_cmp(&m.stamp, &stamp), 0);
        assert_int_equal(m.tombstone, i == 1);
        assert_string_equal(m.name.s, "r");
        assert_int_equal(m.piece_count, 1);
        assert_int_equal(mc_manifest_piece(&m, 0), m.record_bytes);
        mc_buf_fini(&b);
    }
    mc_ring_unref(gone);
    mc_ring_unref(ring);
}

/* No bit of it can be wrong unseen; only the system has nothing to agree with. */
static void no_bit_of_it_can_be_wrong_unseen(void **state)
{
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", 4);
    struct mc_buf b = encoded(ring);
    struct mc_manifest m;

    (void)state;
    for (size_t i = 0; i < 8 * b.len; i++) {
        uint8_t bit = (uint8_t)(1u << (i % 8));
        int err;

        b.ptr[i / 8] ^= bit;
        err = decode(&b, &m);
        if (i / 8 >= 16 && i / 8 < 32) {
            assert_int_equal(err, 0);
            assert_memory_not_equal(m.system, the_system, MC_UID_BYTES);
        } else if (err == 0) {
            /* Cut otherwise, and still all in one piece: the same said again. */
            assert_in_range(i / 8, 96, 99);
            assert_int_equal(m.piece_count, 1);
        }
        b.ptr[i / 8] ^= bit;
    }
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(mc_manifest_decode((struct mc_bytes){b.ptr, n}, &m),
                         MCOS_E_FORMAT);
    mc_buf_u8(&b, 0);
    assert_int_equal(decode(&b, &m), MCOS_E_FORMAT);
    mc_buf_fini(&b);
    mc_ring_unref(ring);
}

static void pieces_of_another_size_are_read_within_limits(void **state)
{
    static const struct {
        uint32_t bytes;
        int err;
    } sizes[] = {{MC_PIECE_BYTES_MIN - 1, MCOS_E_FORMAT},
                 {MC_PIECE_BYTES_MIN, 0},
                 {MC_PIECE_BYTES_MAX, 0},
                 {MC_PIECE_BYTES_MAX + 1, MCOS_E_FORMAT},
                 {0, MCOS_E_FORMAT}};
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", 20);
    uint64_t record_bytes = mc_ring_head(ring)->record_bytes;
    struct mc_buf b = encoded(ring);
    struct mc_manifest m;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint32_t n = sizes[i].bytes;

        mc_set_u32(b.ptr + 96, n);
        mc_set_u32(b.ptr + 100, n == 0 ? 0 : (uint32_t)((record_bytes + n - 1) / n));
        assert_int_equal(decode(&b, &m), sizes[i].err);
    }
    mc_buf_fini(&b);
    mc_ring_unref(ring);
}

static void of_a_later_format_the_stamp_is_read_and_no_more(void **state)
{
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", 4);
    struct mc_stamp stamp = mc_stamp_of(mc_ring_head(ring));
    struct mc_buf b = encoded(ring);
    struct mc_manifest m = {0};

    (void)state;
    mc_set_u16(b.ptr + 8, 2);
    memset(b.ptr + 82, 0xff, b.len - 82);
    assert_int_equal(decode(&b, &m), MCOS_E_UPGRADE);
    assert_int_equal(mc_stamp_cmp(&m.stamp, &stamp), 0);
    assert_memory_equal(m.system, the_system, MC_UID_BYTES);
    assert_int_equal(m.piece_count, 0);
    mc_set_u16(b.ptr + 8, 0);
    assert_int_equal(decode(&b, &m), MCOS_E_FORMAT);
    mc_buf_fini(&b);
    mc_ring_unref(ring);
}

static void of_a_record_of_a_later_format_the_stamp_is_taken_too(void **state)
{
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", 4);
    struct mc_stamp stamp = mc_stamp_of(mc_ring_head(ring));
    struct mc_buf b = encoded(ring);
    size_t head = b.len - mc_ring_head(ring)->head_bytes;
    struct mc_manifest m = {0};

    (void)state;
    mc_set_u16(b.ptr + head + 8, 2);
    assert_int_equal(decode(&b, &m), MCOS_E_FORMAT); /* its digest is another one */
    mc_sha256(b.ptr + 32,
              (struct mc_bytes){b.ptr + head, mc_ring_head(ring)->head_bytes});
    assert_int_equal(decode(&b, &m), MCOS_E_UPGRADE);
    memcpy(stamp.digest, b.ptr + 32, MC_DIGEST_BYTES);
    assert_int_equal(mc_stamp_cmp(&m.stamp, &stamp), 0);
    b.ptr[64]++; /* not the head's version */
    assert_int_equal(decode(&b, &m), MCOS_E_FORMAT);
    mc_buf_fini(&b);
    mc_ring_unref(ring);
}

/* ---- keys ---- */

static void keys_name_the_system_and_the_whole_digest(void **state)
{
    char key[MC_CACHE_KEY_BYTES];
    char longest[MC_NAME_MAX + 1];
    uint8_t digest[MC_DIGEST_BYTES];

    (void)state;
    memset(digest, 0x5a, sizeof(digest));
    mc_cache_ring_key(key, the_system, "photos");
    assert_string_equal(key, "mcos:abcdef01:ring:photos");
    mc_cache_piece_key(key, the_system, digest, 12);
    assert_string_equal(key, "mcos:abcdef01:piece:"
                             "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
                             "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a:12");
    mc_cache_piece_key(key, the_system, digest, UINT32_MAX);
    assert_int_equal(strlen(key), 95); /* not cut */
    memset(longest, 'n', MC_NAME_MAX);
    longest[MC_NAME_MAX] = '\0';
    mc_cache_ring_key(key, the_system, longest);
    assert_int_equal(strlen(key), 19 + MC_NAME_MAX);
}

/* ---- addresses ---- */

static void addresses_are_read_as_written(void **state)
{
    struct mc_memcached_address a;
    char text[128];

    (void)state;
    assert_int_equal(mc_memcached_address_parse("memcached://cache", &a, NULL), 0);
    mc_memcached_address_format(&a, text, sizeof(text));
    assert_string_equal(text, "cache:11211");
    assert_string_equal(a.host, "cache");
    assert_int_equal(a.port, 11211);
    assert_int_equal(mc_memcached_address_parse("memcached://[::1]:65535", &a, NULL),
                     0);
    assert_string_equal(a.host, "::1");
    assert_int_equal(a.port, 65535);
    mc_memcached_address_format(&a, text, sizeof(text));
    assert_string_equal(text, "[::1]:65535");
    assert_int_equal(mc_memcached_address_parse("memcached:unix:/a/b", &a, NULL), 0);
    assert_string_equal(a.path, "/a/b");
    assert_string_equal(a.host, "");
    mc_memcached_address_format(&a, text, sizeof(text));
    assert_string_equal(text, "/a/b");
}

static void a_name_is_looked_up_without_waiting(void **state)
{
    struct mc_memcached_seek *seek = NULL;
    char digits[MC_MEMCACHED_DIGIT_MAX] = "";
    int err = MCOS_E_AWAY;

    (void)state;
    assert_int_equal(mc_memcached_find(&seek, "10.1.2.3", digits), 0);
    assert_string_equal(digits, "10.1.2.3");
    assert_int_equal(mc_memcached_find(&seek, "::1", digits), 0);
    assert_string_equal(digits, "::1");
    /* In /etc/hosts everywhere, and not a word we know ourselves. */
    for (unsigned i = 0; i < 500 && err != 0; i++) {
        err = mc_memcached_find(&seek, "LOCALHOST", digits);
        (void)usleep(err == 0 ? 0 : 10000);
    }
    assert_int_equal(err, 0);
    assert_true(strcmp(digits, "127.0.0.1") == 0 || strcmp(digits, "::1") == 0);
    mc_memcached_seek_free(seek);
}

/* Threads that look names up live for a while; in the child there are none. */
static void a_name_is_looked_up_in_the_child_of_a_fork(void **state)
{
    int status = -1;
    pid_t child;

    a_name_is_looked_up_without_waiting(state);
    child = fork();
    if (child == 0) {
        (void)alarm(60);
        a_name_is_looked_up_without_waiting(state);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- servers that are not what they should be ---- */

static struct {
    char folder[SCRATCH_MAX];
    char path[SCRATCH_MAX + 8];
    pid_t pid;
    struct mc_cache *cache;
} w;

/* Answers every command with the same bytes, then goes on or hangs up. */
static void serve(const void *answer, size_t bytes, bool hang_up)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", w.path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 8), 0);
    w.pid = fork();
    if (w.pid != 0) {
        (void)close(fd);
        return;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int peer = accept(fd, NULL, NULL);
        char in[4096];

        while (peer >= 0 && read(peer, in, sizeof(in)) > 0) {
            if (write(peer, answer, bytes) < 0 || hang_up)
                break;
        }
        (void)close(peer);
    }
}

static int setup(void **state)
{
    struct mc_memcached_config config = {.address = {.port = 1}};

    (void)state;
    memset(&w, 0, sizeof(w));
    if (!scratch_make(w.folder))
        return -1;
    (void)snprintf(w.path, sizeof(w.path), "%s/s", w.folder);
    (void)snprintf(config.address.path, sizeof(config.address.path), "%s", w.path);
    memcpy(config.system, the_system, MC_UID_BYTES);
    return mc_memcached_open(&config, &w.cache);
}

static int teardown(void **state)
{
    (void)state;
    w.cache->ops->close(w.cache);
    if (w.pid > 0) {
        (void)kill(w.pid, SIGKILL);
        (void)waitpid(w.pid, NULL, 0);
    }
    scratch_remove(w.folder);
    return 0;
}

/* Whatever it says: no answer that is taken for a ring, none that ends or holds us. */
static void bear(const void *answer, size_t bytes, bool hang_up)
{
    struct mc_ring *ring = record_mint("r", NULL, NULL, "", 4);
    struct mc_name name = record_name("r");
    struct mc_ring *out = NULL;
    enum mc_cache_put put;
    struct timespec a;
    struct timespec b;

    serve(answer, bytes, hang_up);
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    assert_int_not_equal(w.cache->ops->get(w.cache, &name, &out), 0);
    assert_null(out);
    (void)w.cache->ops->put(w.cache, ring, &put);
    (void)w.cache->ops->ping(w.cache);
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    assert_in_range(b.tv_sec - a.tv_sec, 0, 4);
    (void)kill(w.pid, SIGKILL);
    (void)waitpid(w.pid, NULL, 0);
    w.pid = 0;
    (void)unlink(w.path);
    mc_ring_unref(ring);
}

static void answers_that_are_not_memcacheds_are_a_miss_soon(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "VALUE mcos:abcdef01:ring:r 0 4294967295 1\r\nxx",
        "VALUE mcos:abcdef01:ring:r 0 5 1\r\nhello\r\nEND\r\n",
        "-ERR unknown command\r\n",
        "END\r\nEND\r\nEND\r\n",
        "x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        bear(answers[i], strlen(answers[i]), false);
        bear(answers[i], strlen(answers[i]), true);
    }
}

/* In the right protocol, with lengths that are lies. */
static void answers_that_lie_about_their_length_are_a_miss_soon(void **state)
{
    static const uint8_t opcodes[] = {0x00, 0x01, 0x09, 0x0a, 0x0c, 0x0d, 0x1c};
    static const struct {
        uint8_t key[2];
        uint8_t extras;
        uint8_t body[4];
    } lies[] = {
        {{0, 0}, 0, {0, 0, 0, 0}},       {{0, 0}, 4, {0xff, 0xff, 0xff, 0xff}},
        {{0xff, 0xff}, 0, {0, 0, 0, 4}}, {{0, 0}, 255, {0, 0, 0, 1}},
        {{0, 200}, 4, {0, 0, 0, 10}},    {{0, 0}, 0, {0x7f, 0xff, 0xff, 0xff}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint8_t answer[64] = {0x81};

        answer[1] = opcodes[i % sizeof(opcodes)];
        memcpy(answer + 2, lies[i].key, 2);
        answer[4] = lies[i].extras;
        memcpy(answer + 8, lies[i].body, 4);
        bear(answer, 24, false);
        answer[1] = 0x0d; /* to a get of several keys */
        bear(answer, sizeof(answer), true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_where_the_format_says),
        cmocka_unit_test(what_was_encoded_decodes_the_same),
        cmocka_unit_test(no_bit_of_it_can_be_wrong_unseen),
        cmocka_unit_test(pieces_of_another_size_are_read_within_limits),
        cmocka_unit_test(of_a_later_format_the_stamp_is_read_and_no_more),
        cmocka_unit_test(of_a_record_of_a_later_format_the_stamp_is_taken_too),
        cmocka_unit_test(keys_name_the_system_and_the_whole_digest),
        cmocka_unit_test(addresses_are_read_as_written),
        cmocka_unit_test(a_name_is_looked_up_without_waiting),
        cmocka_unit_test(a_name_is_looked_up_in_the_child_of_a_fork),
        cmocka_unit_test_setup_teardown(answers_that_are_not_memcacheds_are_a_miss_soon,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            answers_that_lie_about_their_length_are_a_miss_soon, setup, teardown),
    };

    return cmocka_run_group_tests_name("memcached", tests, NULL, NULL);
}
