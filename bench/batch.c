/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/batch.c -- our half of bench/bench_batch.py, and those peers that are C.
 *
 *     bench-batch FILE.ring SWIFT.CONF NAMES SECONDS
 *
 * NAMES has one account<TAB>container<TAB>object per line. All are asked the same names
 * in short turns, until each has had SECONDS of CPU time; the best turn of each counts.
 * Prints one JSON object: nanoseconds of CPU per name.
 */
#include "adapter/swift/swiftconf.h"
#include "names.h"
#include "peers.h"
#include "ring/batch.h"
#include "ringload.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH          1024u
#define TURN_NS        3e7  /* at least, of one subject */
#define KETAMA_SERVERS 100u /* the most that libmemcached takes */
#define JUMP_TO        1000u

struct bench {
    struct mc_ring *md5;
    struct mc_ring *xxh3;
    struct mc_secret secret;
    struct mc_key *keys;
    struct mc_key *whole;    /* the same names as accounts: xxh3 places them alike */
    struct mc_bytes *joined; /* account/container/object: what peers are given */
    struct mc_bytes *hashed; /* prefix/joined and suffix: what Swift hashes */
    size_t count;
    struct memcached_st *ketama;
    struct points *points;
    struct crush *crush;
};

/* One pass over all names. What it returns keeps the work from being left out. */
typedef uint64_t pass_fn(const struct bench *b);

/* Nanoseconds per name in one turn. */
typedef double turn_fn(const struct bench *b, pass_fn *pass);

struct subject {
    const char *name;
    turn_fn *turn;
    pass_fn *pass;
    double best;
    double spent; /* nanoseconds */
};

static double cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t in_batches(const struct bench *b, enum mc_md5_way way,
                           const struct mc_ring *ring, const struct mc_key *keys)
{
    const struct mc_secret secret =
        ring == b->md5 ? b->secret : (struct mc_secret){{NULL, 0}, {NULL, 0}};
    uint32_t parts[BATCH];
    uint32_t ids[BATCH * MC_REPLICAS_MAX];
    uint64_t sum = 0;

    for (size_t at = 0; at < b->count; at += BATCH) {
        size_t n = b->count - at < BATCH ? b->count - at : BATCH;

        sum += mc_batch_lookup_by(way, ring, &secret, keys + at, n, parts, ids, NULL);
        sum += parts[n / 2] + ids[n];
    }
    return sum;
}

/* Names in one piece, as peers get them. */
static uint64_t batch_xxh3(const struct bench *b)
{
    return in_batches(b, MC_MD5_BEST, b->xxh3, b->whole);
}

static uint64_t batch_xxh3_parts(const struct bench *b)
{
    return in_batches(b, MC_MD5_BEST, b->xxh3, b->keys);
}

static uint64_t batch_md5(const struct bench *b)
{
    return in_batches(b, MC_MD5_BEST, b->md5, b->keys);
}

static uint64_t batch_md5_portable(const struct bench *b)
{
    return in_batches(b, MC_MD5_PORTABLE, b->md5, b->keys);
}

static uint64_t singly(const struct bench *b, const struct mc_ring *ring)
{
    uint32_t row[MC_REPLICAS_MAX];
    uint64_t sum = 0;

    for (size_t i = 0; i < b->count; i++) {
        uint32_t part = 0;

        (void)mc_lookup_part_fast(ring, &b->secret, &b->keys[i], &part);
        sum += row[mc_ring_row(ring, part, row) - 1];
    }
    return sum;
}

static uint64_t single_xxh3(const struct bench *b)
{
    return singly(b, b->xxh3);
}

static uint64_t single_md5(const struct bench *b)
{
    return singly(b, b->md5);
}

#define EACH(function, names, call)                                                    \
    static uint64_t function(const struct bench *b)                                    \
    {                                                                                  \
        uint64_t sum = 0;                                                              \
                                                                                       \
        for (size_t i = 0; i < b->count; i++) {                                        \
            const struct mc_bytes name = b->names[i];                                  \
                                                                                       \
            call;                                                                      \
        }                                                                              \
        return sum;                                                                    \
    }

EACH(pass_ketama, joined, sum += ketama_find(b->ketama, name))
EACH(pass_jump, joined, sum += jump_find(name, JUMP_TO))
EACH(pass_points, joined, sum += points_find(b->points, name))
EACH(pass_crush, joined, uint32_t ids[3]; crush_find(b->crush, name, ids);
     sum += ids[0] ^ ids[2])
EACH(pass_evp, hashed, uint8_t digest[16]; openssl_evp(name, digest); sum += digest[0])
EACH(pass_openssl, hashed, uint8_t digest[16]; openssl_md5(name, digest);
     sum += digest[0])

static volatile uint64_t kept;

/* Of the thread's own CPU time. */
static double turn_of_one(const struct bench *b, pass_fn *pass)
{
    double began = cpu_ns();
    double spent;
    double passes = 0;

    do {
        kept = pass(b);
        passes++;
        spent = cpu_ns() - began;
    } while (spent < TURN_NS);
    return spent / passes / (double)b->count;
}

struct worker {
    const struct bench *bench;
    pass_fn *pass;
    pthread_barrier_t *together;
    double ns;
};

static void *work(void *arg)
{
    struct worker *w = arg;

    (void)pthread_barrier_wait(w->together);
    w->ns = turn_of_one(w->bench, w->pass);
    return NULL;
}

/* Of one thread, while a second asks the same ring. */
static double turn_of_two(const struct bench *b, pass_fn *pass)
{
    pthread_barrier_t together;
    struct worker w[2];
    pthread_t thread[2];

    (void)pthread_barrier_init(&together, NULL, 2);
    for (unsigned i = 0; i < 2; i++) {
        w[i] = (struct worker){b, pass, &together, 0};
        if (pthread_create(&thread[i], NULL, work, &w[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < 2; i++)
        (void)pthread_join(thread[i], NULL);
    (void)pthread_barrier_destroy(&together);
    return w[0].ns;
}

static void measure(const struct bench *b, double seconds)
{
    struct subject subjects[] = {
        {"xxh3_batch", turn_of_one, batch_xxh3, 0, 0},
        {"xxh3_batch_parts", turn_of_one, batch_xxh3_parts, 0, 0},
        {"xxh3_single", turn_of_one, single_xxh3, 0, 0},
        {"md5_batch", turn_of_one, batch_md5, 0, 0},
        {"md5_batch_portable", turn_of_one, batch_md5_portable, 0, 0},
        {"md5_single", turn_of_one, single_md5, 0, 0},
        {"ketama", turn_of_one, pass_ketama, 0, 0},
        {"jump", turn_of_one, pass_jump, 0, 0},
        {"points", turn_of_one, pass_points, 0, 0},
        {"crush", turn_of_one, pass_crush, 0, 0},
        {"openssl_evp_digest", turn_of_one, pass_evp, 0, 0},
        {"openssl_md5", turn_of_one, pass_openssl, 0, 0},
        {"xxh3_batch_two_threads", turn_of_two, batch_xxh3, 0, 0},
        {"md5_batch_two_threads", turn_of_two, batch_md5, 0, 0},
    };
    const size_t count = sizeof(subjects) / sizeof(subjects[0]);
    bool again = true;

    while (again) {
        again = false;
        for (struct subject *s = subjects; s < subjects + count; s++) {
            double began = cpu_ns();
            double ns;

            if (s->spent >= seconds * 1e9)
                continue;
            ns = s->turn(b, s->pass);
            s->best = s->spent == 0 || ns < s->best ? ns : s->best;
            s->spent += s->turn == turn_of_two ? TURN_NS : cpu_ns() - began;
            again = true;
        }
    }
    for (size_t i = 0; i < count; i++)
        printf("%s\"%s\": %.2f", i == 0 ? "" : ", ", subjects[i].name,
               subjects[i].best);
}

static void put(struct mc_buf *b, struct mc_bytes bytes)
{
    mc_buf_put(b, bytes.ptr, bytes.len);
}

/* The names once more in one piece each, as peers want them. */
static int join_names(struct bench *b, struct mc_buf *room)
{
    b->joined = calloc(b->count, sizeof(*b->joined));
    b->hashed = calloc(b->count, sizeof(*b->hashed));
    b->whole = calloc(b->count, sizeof(*b->whole));
    if (b->whole == NULL || b->joined == NULL || b->hashed == NULL)
        return MCOS_E_NOMEM;
    for (int round = 0; round < 2; round++) { /* the first finds out how much */
        size_t at = 0;

        for (size_t i = 0; i < b->count; i++) {
            const struct mc_key *key = &b->keys[i];
            size_t name;

            if (round == 0) {
                put(room, b->secret.prefix);
                mc_buf_u8(room, '/');
                put(room, key->account);
                mc_buf_u8(room, '/');
                put(room, key->container);
                mc_buf_u8(room, '/');
                put(room, key->object);
                put(room, b->secret.suffix);
                continue;
            }
            name = key->account.len + key->container.len + key->object.len + 2;
            b->hashed[i] = (struct mc_bytes){
                room->ptr + at, b->secret.prefix.len + 1 + name + b->secret.suffix.len};
            b->joined[i] =
                (struct mc_bytes){room->ptr + at + b->secret.prefix.len + 1, name};
            b->whole[i].account = b->joined[i];
            at += b->hashed[i].len;
        }
    }
    return room->err;
}

static int open_file(const char *path, struct mc_ring **ret_ring,
                     struct mcos_diag *diag)
{
    struct mc_buf file = {0};
    struct mc_blob *blob = NULL;
    int err = ringload_file(path, &file);

    if (err == 0)
        err = mc_blob_from_buf(&file, &blob);
    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_SHA256, ret_ring, diag);
    mc_blob_unref(blob);
    mc_buf_fini(&file);
    return err;
}

static int open_peers(struct bench *b)
{
    b->ketama = ketama_new(KETAMA_SERVERS);
    b->points = points_new(JUMP_TO);
    b->crush = crush_new(b->md5);
    if (b->ketama == NULL || b->points == NULL || b->crush == NULL)
        return MCOS_E_NOMEM;
    return 0;
}

int main(int argc, char **argv)
{
    struct bench b = {.md5 = NULL};
    struct mc_swiftconf *conf = NULL;
    struct mc_buf names = {0};
    struct mc_buf joined = {0};
    struct mcos_diag diag = {.text = ""};
    int err;

    if (argc != 5)
        return 2;
    err = mc_swiftconf_open(argv[2], &conf, &diag);
    if (err == 0) {
        b.secret = mc_swiftconf_secret(conf);
        err = open_file(argv[1], &b.md5, &diag);
    }
    if (err == 0)
        err = names_xxh3(b.md5, &b.xxh3);
    if (err == 0)
        err = names_read(argv[3], &names, &b.keys, &b.count);
    if (err == 0)
        err = join_names(&b, &joined);
    if (err == 0)
        err = open_peers(&b);
    if (err == 0) {
        printf("{\"avx2\": %d, ", mc_md5_has(MC_MD5_AVX2));
        measure(&b, strtod(argv[4], NULL));
        printf("}\n");
    } else {
        fprintf(stderr, "bench-batch: %s: %s %s\n", mcos_err_text(err), diag.field,
                diag.text);
    }
    mc_ring_unref(b.xxh3);
    mc_ring_unref(b.md5);
    mc_swiftconf_free(conf);
    mc_buf_fini(&names);
    mc_buf_fini(&joined);
    free(b.whole);
    free(b.joined);
    free(b.hashed);
    free(b.keys);
    return err == 0 ? 0 : 1;
}
