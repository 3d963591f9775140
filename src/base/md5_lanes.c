/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/md5_lanes.c -- MD5 (RFC 1321) with a message in each lane of a vector.
 *
 * A step of MD5 needs the one before it, so a processor idles through most of a
 * single message. The steps are written once, over vectors of eight words, of which
 * a compiler makes what the target has: one register of AVX2, two of SSE2 or NEON,
 * or eight words. With AVX2 two vectors take turns, which hides half of the waiting.
 */
#include "base/md5_lanes.h"

#include <assert.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#define HAS_AVX2 1
#else
#define HAS_AVX2 0
#endif

#define WIDTH     8u           /* lanes of a vector */
#define LANES_MAX (2u * WIDTH) /* of two vectors in turns */
#define WORDS     16u          /* of a block */
#define SLICE     64u          /* messages put in order at a time */

typedef uint32_t vec __attribute__((vector_size(4 * WIDTH)));

/* What is hashed side by side. Lanes without a message repeat the first. */
struct group {
    const uint8_t *at[LANES_MAX]; /* the next block */
    uint32_t blocks[LANES_MAX];
    uint8_t *ret[LANES_MAX];
    uint32_t most; /* blocks of any */
};

static const uint32_t init[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

/* floor(2^32 |sin(i + 1)|) */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613,
    0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
    0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d,
    0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
    0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122,
    0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
    0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244,
    0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
    0xeb86d391,
};

/*
 * The four functions of RFC 1321, two of them with an operation less, added to sum.
 * b was made by the step before and is what all wait for: what does not need it is
 * added first, and EARLY keeps a compiler from adding it later.
 */
#define F(b, c, d)                                                                     \
    EARLY(sum);                                                                        \
    sum += (d) ^ ((b) & ((c) ^ (d)))
#define G(b, c, d)                                                                     \
    sum += (c) & ~(d); /* no bit is in both: a sum is as good as an or */              \
    EARLY(sum);                                                                        \
    sum += (b) & (d)
#define H(b, c, d)                                                                     \
    EARLY(sum);                                                                        \
    sum += (b) ^ ((c) ^ (d))
#define I(b, c, d)                                                                     \
    EARLY(sum);                                                                        \
    sum += (c) ^ ((b) | ~(d))

/* A step: to = b + rotate(to + word + sine + f(b, c, d)). */
#define STEP(s, words, f, to, b, c, d, i, at, left)                                    \
    sum = s[to] + (words)[(at) % WORDS] + sines[i];                                    \
    f(s[b], s[c], s[d]);                                                               \
    s[to] = s[b] + ((sum << (left)) | (sum >> (32 - (left))));

/* Sixteen steps; `mul` and `add` say which word of the block each of them takes. */
#define ROUND(STEPS, f, first, mul, add, r0, r1, r2, r3)                               \
    _Pragma("GCC unroll 4") for (unsigned i = (first); i < (first) + 16; i += 4)       \
    {                                                                                  \
        STEPS(f, 0, 1, 2, 3, i, (mul)*i + (add), r0)                                   \
        STEPS(f, 3, 0, 1, 2, i + 1, (mul) * (i + 1) + (add), r1)                       \
        STEPS(f, 2, 3, 0, 1, i + 2, (mul) * (i + 2) + (add), r2)                       \
        STEPS(f, 1, 2, 3, 0, i + 3, (mul) * (i + 3) + (add), r3)                       \
    }

#define ROUNDS(STEPS)                                                                  \
    ROUND(STEPS, F, 0, 1, 0, 7, 12, 17, 22)                                            \
    ROUND(STEPS, G, 16, 5, 1, 5, 9, 14, 20)                                            \
    ROUND(STEPS, H, 32, 3, 5, 4, 11, 16, 23)                                           \
    ROUND(STEPS, I, 48, 7, 0, 6, 10, 15, 21)

/* A lane at its end stays at its last block; what comes of it there is masked out. */
static inline void advance(struct group *g, unsigned lanes, uint32_t done)
{
    for (unsigned i = 0; i < lanes; i++)
        g->at[i] += done < g->blocks[i] ? MC_MD5_BLOCK : 0;
}

static void hash_portable(struct group *g)
{
    uint32_t turned[WORDS][WIDTH];
    uint32_t digest[4][WIDTH];
    vec words[WORDS];
    vec state[4];
    vec blocks;
    vec s[4];
    vec sum;

    memcpy(&blocks, g->blocks, sizeof(blocks));
    for (unsigned j = 0; j < 4; j++)
        state[j] = init[j] - (vec){0};
    for (uint32_t done = 0; done < g->most;) {
        vec active = (vec)(blocks > done);

        for (unsigned lane = 0; lane < WIDTH; lane++) {
            for (unsigned j = 0; j < WORDS; j++)
                turned[j][lane] = mc_get_u32(g->at[lane] + 4 * (size_t)j);
        }
        memcpy(words, turned, sizeof(words));
        memcpy(s, state, sizeof(s));
#define EARLY(sum)      (void)0
#define ONE_STREAM(...) STEP(s, words, __VA_ARGS__)
        ROUNDS(ONE_STREAM)
        for (unsigned j = 0; j < 4; j++)
            state[j] += s[j] & active;
        advance(g, WIDTH, ++done);
    }
    memcpy(digest, state, sizeof(digest));
    for (unsigned lane = 0; lane < WIDTH; lane++) {
        for (unsigned j = 0; j < 4; j++)
            mc_set_u32(g->ret[lane] + 4 * (size_t)j, digest[j][lane]);
    }
}

#if HAS_AVX2
#define AVX2   __attribute__((target("avx2")))
#define UNROLL _Pragma("GCC unroll 8")

/* Words 0 to 7 from `byte` on of eight blocks: a square of words on its other side. */
AVX2 static inline void turn(vec ret[WIDTH], const uint8_t *const at[WIDTH],
                             size_t byte)
{
    __m256i row[WIDTH];
    __m256i pair[WIDTH];
    __m256i quad[WIDTH];

    UNROLL for (unsigned i = 0; i < WIDTH; i++) row[i] =
        _mm256_loadu_si256((const __m256i_u *)(at[i] + byte));
    UNROLL for (unsigned i = 0; i < WIDTH; i += 2)
    {
        pair[i] = _mm256_unpacklo_epi32(row[i], row[i + 1]);
        pair[i + 1] = _mm256_unpackhi_epi32(row[i], row[i + 1]);
    }
    UNROLL for (unsigned i = 0; i < WIDTH; i += 4)
    {
        quad[i] = _mm256_unpacklo_epi64(pair[i], pair[i + 2]);
        quad[i + 1] = _mm256_unpackhi_epi64(pair[i], pair[i + 2]);
        quad[i + 2] = _mm256_unpacklo_epi64(pair[i + 1], pair[i + 3]);
        quad[i + 3] = _mm256_unpackhi_epi64(pair[i + 1], pair[i + 3]);
    }
    UNROLL for (unsigned i = 0; i < 4; i++)
    {
        ret[i] = (vec)_mm256_permute2x128_si256(quad[i], quad[i + 4], 0x20);
        ret[i + 4] = (vec)_mm256_permute2x128_si256(quad[i], quad[i + 4], 0x31);
    }
}

/* Eight digests out of their words. */
AVX2 static inline void put(const vec state[4], uint8_t *const ret[WIDTH])
{
    __m256i ab_lo = _mm256_unpacklo_epi32((__m256i)state[0], (__m256i)state[1]);
    __m256i ab_hi = _mm256_unpackhi_epi32((__m256i)state[0], (__m256i)state[1]);
    __m256i cd_lo = _mm256_unpacklo_epi32((__m256i)state[2], (__m256i)state[3]);
    __m256i cd_hi = _mm256_unpackhi_epi32((__m256i)state[2], (__m256i)state[3]);
    __m256i digest[4] = {
        _mm256_unpacklo_epi64(ab_lo, cd_lo),
        _mm256_unpackhi_epi64(ab_lo, cd_lo),
        _mm256_unpacklo_epi64(ab_hi, cd_hi),
        _mm256_unpackhi_epi64(ab_hi, cd_hi),
    };

    UNROLL for (unsigned i = 0; i < 4; i++)
    {
        _mm_storeu_si128((__m128i_u *)ret[i], _mm256_castsi256_si128(digest[i]));
        _mm_storeu_si128((__m128i_u *)ret[i + 4],
                         _mm256_extracti128_si256(digest[i], 1));
    }
}

AVX2 static void hash_avx2(struct group *g)
{
    vec words[2][WORDS];
    vec state[2][4];
    vec blocks[2];
    vec s0[4];
    vec s1[4];
    vec sum;

    memcpy(blocks, g->blocks, sizeof(blocks));
    for (unsigned j = 0; j < 4; j++)
        state[0][j] = state[1][j] = init[j] - (vec){0};
    for (uint32_t done = 0; done < g->most;) {
        vec active[2] = {(vec)(blocks[0] > done), (vec)(blocks[1] > done)};

        for (unsigned n = 0; n < 2; n++) {
            turn(words[n], g->at + n * WIDTH, 0);
            turn(words[n] + WORDS / 2, g->at + n * WIDTH, MC_MD5_BLOCK / 2);
        }
        for (unsigned j = 0; j < 4; j++) {
            s0[j] = state[0][j];
            s1[j] = state[1][j];
        }
#undef EARLY
#define EARLY(sum) __asm__("" : "+x"(sum))
#define TWO_STREAMS(...)                                                               \
    STEP(s0, words[0], __VA_ARGS__)                                                    \
    STEP(s1, words[1], __VA_ARGS__)
        ROUNDS(TWO_STREAMS)
        for (unsigned j = 0; j < 4; j++) {
            state[0][j] += s0[j] & active[0];
            state[1][j] += s1[j] & active[1];
        }
        advance(g, LANES_MAX, ++done);
    }
    put(state[0], g->ret);
    put(state[1], g->ret + WIDTH);
}
#endif

bool mc_md5_has(enum mc_md5_way way)
{
    switch (way) {
    case MC_MD5_BEST:
    case MC_MD5_PORTABLE:
        return true;
    case MC_MD5_AVX2:
#if HAS_AVX2
        return __builtin_cpu_supports("avx2");
#else
        return false;
#endif
    }
    return false;
}

#define KINDS 16u /* of block counts; the last is for all that are longer */

static unsigned kind_of(const struct mc_md5_message *m)
{
    return m->block_count < KINDS ? m->block_count : KINDS;
}

/* Shorter messages first, so that a group's lanes end together. */
static void sort(uint8_t order[SLICE], const struct mc_md5_message *in, size_t count)
{
    uint64_t of_kind[KINDS + 1] = {0};
    unsigned differ = 0;
    uint64_t left;
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        differ |= in[i].block_count ^ in[0].block_count;
        order[i] = (uint8_t)i;
    }
    if (differ == 0)
        return;
    for (size_t i = 0; i < count; i++)
        of_kind[kind_of(&in[i])] |= 1ull << i;
    for (unsigned kind = 0; kind <= KINDS; kind++) {
        for (left = of_kind[kind]; left != 0; left &= left - 1)
            order[n++] = (uint8_t)__builtin_ctzll(left);
    }
}

static void hash_slice(void (*hash)(struct group *), unsigned lanes,
                       uint8_t (*ret)[MC_MD5_BYTES], const struct mc_md5_message *in,
                       size_t count)
{
    uint8_t order[SLICE];
    struct group g;

    sort(order, in, count);
    for (size_t first = 0; first < count; first += lanes) {
        g.most = 0;
        for (unsigned i = 0; i < lanes; i++) {
            uint8_t which = order[first + i < count ? first + i : first];

            g.at[i] = in[which].blocks;
            g.blocks[i] = in[which].block_count;
            g.ret[i] = ret[which];
            g.most = g.blocks[i] > g.most ? g.blocks[i] : g.most;
        }
        hash(&g);
    }
}

void mc_md5_lanes(enum mc_md5_way way, uint8_t (*ret)[MC_MD5_BYTES],
                  const struct mc_md5_message *in, size_t count)
{
    void (*hash)(struct group *) = hash_portable;
    unsigned lanes = WIDTH;

    assert(mc_md5_has(way));
#if HAS_AVX2
    if (way == MC_MD5_AVX2 || (way == MC_MD5_BEST && mc_md5_has(MC_MD5_AVX2))) {
        hash = hash_avx2;
        lanes = LANES_MAX;
    }
#endif
    for (size_t at = 0; at < count; at += SLICE)
        hash_slice(hash, lanes, ret + at, in + at,
                   count - at < SLICE ? count - at : SLICE);
}
