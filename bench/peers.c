/* SPDX-License-Identifier: Apache-2.0 */
/* bench/peers.c -- ketama, jump hash, points on a circle, OpenSSL. */
#define OPENSSL_API_COMPAT 0x10101000L
#include "peers.h"

#include "base/hash.h"

#include <libmemcached/memcached.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <stdlib.h>

#define POINTS_EACH 160u

struct memcached_st *ketama_new(unsigned servers)
{
    memcached_st *m = memcached_create(NULL);
    memcached_server_list_st list = NULL;
    memcached_return_t rc = MEMCACHED_SUCCESS;

    if (m == NULL || memcached_behavior_set(m, MEMCACHED_BEHAVIOR_DISTRIBUTION,
                                            MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA) !=
                         MEMCACHED_SUCCESS)
        return NULL;
    for (unsigned i = 0; i < servers && rc == MEMCACHED_SUCCESS; i++)
        list =
            memcached_server_list_append(list, "127.0.0.1", (in_port_t)(1024 + i), &rc);
    if (rc == MEMCACHED_SUCCESS)
        rc = memcached_server_push(m, list);
    memcached_server_list_free(list);
    return rc == MEMCACHED_SUCCESS ? m : NULL;
}

uint32_t ketama_find(struct memcached_st *ketama, struct mc_bytes name)
{
    return memcached_generate_hash(ketama, (const char *)name.ptr, name.len);
}

uint32_t jump_find(struct mc_bytes name, uint32_t buckets)
{
    uint64_t key = mc_xxh3_64(name);
    int64_t bucket = 0;
    int64_t next = 0;

    while (next < buckets) {
        bucket = next;
        key = key * 2862933555777941757ull + 1;
        next = (int64_t)((double)(bucket + 1) *
                         ((double)(1ll << 31) / (double)((key >> 33) + 1)));
    }
    return (uint32_t)bucket;
}

struct point {
    uint64_t at;
    uint32_t device;
};

struct points {
    size_t count;
    struct point point[];
};

static int cmp_points(const void *a, const void *b)
{
    const struct point *p = a;
    const struct point *q = b;

    return p->at < q->at ? -1 : p->at > q->at;
}

struct points *points_new(uint32_t devices)
{
    const size_t count = (size_t)devices * POINTS_EACH;
    struct points *p = malloc(sizeof(*p) + count * sizeof(p->point[0]));

    if (p == NULL)
        return NULL;
    p->count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t bytes[4];

        mc_set_u32(bytes, i);
        p->point[i] =
            (struct point){mc_xxh3_64((struct mc_bytes){bytes, 4}), i / POINTS_EACH};
    }
    qsort(p->point, count, sizeof(p->point[0]), cmp_points);
    return p;
}

uint32_t points_find(const struct points *points, struct mc_bytes name)
{
    const uint64_t at = mc_xxh3_64(name);
    size_t lo = 0;
    size_t hi = points->count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (points->point[mid].at < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return points->point[lo == points->count ? 0 : lo].device;
}

void openssl_evp(struct mc_bytes name, uint8_t digest[16])
{
    (void)EVP_Digest(name.ptr, name.len, digest, NULL, EVP_md5(), NULL);
}

void openssl_md5(struct mc_bytes name, uint8_t digest[16])
{
    (void)MD5(name.ptr, name.len, digest);
}
