/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/*
 * asker CHAIN [poll_ms=N] [timeout_ms=N] [previous] [swift_conf=FILE] [system=NAME]: a
 * resolver that is asked line by line, and answers each with one line.
 *
 *     wait RING MS                     "ok", or "error SLUG TEXT"
 *     look RING ACCOUNT [CONTAINER [OBJECT]]   "STAMP PARTITION NAME:STATE ..."
 *     first, before RING ...           the same with MCOS_ACTIVE_FIRST; of the version before
 *     handoffs RING PARTITION N        "NAME ..."
 *     info RING                        "STAMP DELETED SOURCE CHECKED CONFIRMED"
 *     stats RING                       "KEY=VALUE ... trouble=TEXT"
 *     hammer RING THREADS              "ok"; they look up until:
 *     rest                             "LOOKS ERRORS BACKWARDS SPOILT": what they met
 *     memory                           "KB of the ring's mapping: Rss Pss Anonymous"
 */
/* clang-format on */
#include <mcos/resolver.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX   8
#define THREADS_MAX 16

static const char *const states[] = {"unknown", "ACTIVE", "silent", "left"};

static struct mcos_resolver *resolver;
static pthread_t threads[THREADS_MAX];
static int thread_count;
static atomic_bool stop;
static atomic_ullong looks, errors, backwards, spoilt;

static void fail(int err, const struct mcos_diag *diag)
{
    printf("error %s %s\n", mcos_err_slug(err), diag == NULL ? "" : diag->text);
}

/* NULL after it said why. */
static struct mcos_ring *find_ring(const char *name)
{
    struct mcos_diag diag = {.offset = -1};
    struct mcos_ring *ring = NULL;
    int err = mcos_resolver_ring(resolver, name, &ring, &diag);

    if (err != 0)
        fail(err, &diag);
    return ring;
}

static void look(const struct mcos_view *view, unsigned flags, char **words, int count)
{
    struct mcos_key key =
        mcos_key(words[0], count > 1 ? words[1] : NULL, count > 2 ? words[2] : NULL);
    struct mcos_answer answer;
    struct mcos_device device;
    int err = mcos_view_lookup(view, &key, flags, &answer);

    if (err != 0) {
        fail(err, NULL);
        return;
    }
    printf("%s %u", mcos_view_info(view)->stamp, answer.partition);
    for (unsigned i = 0; i < answer.device_count; i++) {
        err = mcos_view_device(view, answer.devices[i], &device);
        printf(" %s:%s", err == 0 ? device.name : "?", states[answer.states[i]]);
    }
    printf("\n");
}

static void handoffs(const struct mcos_view *view, const char *partition,
                     const char *want)
{
    static uint32_t ids[MCOS_HANDOFFS_MAX];
    struct mcos_device device;
    int count = mcos_view_handoffs(view, (uint32_t)strtoul(partition, NULL, 10),
                                   strtoul(want, NULL, 10), ids);

    if (count < 0) {
        fail(count, NULL);
        return;
    }
    for (int i = 0; i < count; i++)
        printf("%s%s", i > 0 ? " " : "",
               mcos_view_device(view, ids[i], &device) == 0 ? device.name : "?");
    printf("\n");
}

static void info(const struct mcos_view *view)
{
    const struct mcos_view_info *i = mcos_view_info(view);
    struct mcos_answer answer = {0};

    (void)mcos_view_partition(view, 0, 0, &answer);
    printf("%s %u %s %" PRId64 " %" PRId64 "\n", i->stamp, i->deleted, i->source,
           answer.checked_at, answer.confirmed_at);
}

static void stats(struct mcos_ring *ring)
{
    struct mcos_ring_stats s;

    mcos_ring_stats(ring, &s);
    printf("looks=%" PRIu64 " adopted=%" PRIu64 " missing=%" PRIu64 " away=%" PRIu64
           " damaged=%" PRIu64 " older=%" PRIu64 " foreign=%" PRIu64 " unread=%" PRIu64
           " spoilt=%" PRIu64 " views=%" PRIu64 " unclaimed=%" PRIu64
           " error=%s source=%d trouble=%s\n",
           s.looks, s.adopted, s.missing, s.away, s.damaged, s.older, s.foreign,
           s.unread, s.spoilt, s.views, s.unclaimed,
           s.error == 0 ? "none" : mcos_err_slug(s.error), (int)s.source, s.trouble);
}

static void *hammer(void *arg)
{
    struct mcos_ring *ring = arg;
    uint64_t version = 0;
    unsigned seed = 0;

    while (!atomic_load(&stop)) {
        const struct mcos_view *view = mcos_ring_hold(ring);
        char object[16];
        struct mcos_answer answer;
        struct mcos_device device;
        struct mcos_key key;
        int err;

        (void)snprintf(object, sizeof(object), "%u", seed++);
        key = mcos_key("AUTH_hammer", "c", object);
        err = view == NULL ? MCOS_E_NOTREADY : mcos_view_lookup(view, &key, 0, &answer);
        for (unsigned i = 0; err == 0 && i < answer.device_count; i++)
            err = mcos_view_device(view, answer.devices[i], &device);
        mcos_view_release(view);
        atomic_fetch_add(&looks, 1);
        if (err == MCOS_E_DIGEST)
            atomic_fetch_add(&spoilt, 1);
        else if (err != 0)
            atomic_fetch_add(&errors, 1);
        else if (answer.version < version)
            atomic_fetch_add(&backwards, 1);
        else
            version = answer.version;
    }
    return NULL;
}

static void start_hammers(struct mcos_ring *ring, int count)
{
    atomic_store(&stop, false);
    for (thread_count = 0; thread_count < count && thread_count < THREADS_MAX;
         thread_count++) {
        if (pthread_create(&threads[thread_count], NULL, hammer, ring) != 0)
            abort();
    }
    printf("ok\n");
}

static void rest(void)
{
    atomic_store(&stop, true);
    while (thread_count > 0)
        (void)pthread_join(threads[--thread_count], NULL);
    printf("%llu %llu %llu %llu\n", atomic_exchange(&looks, 0),
           atomic_exchange(&errors, 0), atomic_exchange(&backwards, 0),
           atomic_exchange(&spoilt, 0));
}

/* Sums over the mappings whose file ends in ".ring", and what is nobody's but ours. */
static void memory(void)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    unsigned long rss = 0;
    unsigned long pss = 0;
    unsigned long own = 0;
    unsigned long kb;
    bool ours = false;
    char line[4096];

    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        unsigned long start;

        if (sscanf(line, "%lx-%lx ", &start, &kb) == 2)
            ours = strstr(line, ".ring\n") != NULL;
        else if (ours && sscanf(line, "Rss: %lu", &kb) == 1)
            rss += kb;
        else if (ours && sscanf(line, "Pss: %lu", &kb) == 1)
            pss += kb;
        else if (sscanf(line, "Anonymous: %lu", &kb) == 1)
            own += kb;
    }
    if (maps != NULL)
        (void)fclose(maps);
    printf("%lu %lu %lu\n", rss, pss, own);
}

static void of_ring(char **words, int count)
{
    struct mcos_ring *ring = find_ring(words[1]);
    const struct mcos_view *view;

    if (ring == NULL)
        return;
    if (strcmp(words[0], "wait") == 0) {
        struct mcos_diag diag = {.offset = -1};
        int err = mcos_ring_wait(ring, (uint32_t)strtoul(words[2], NULL, 10), &diag);

        if (err != 0)
            fail(err, &diag);
        else
            printf("ok\n");
        return;
    }
    if (strcmp(words[0], "stats") == 0) {
        stats(ring);
        return;
    }
    if (strcmp(words[0], "hammer") == 0) {
        start_hammers(ring, (int)strtol(words[2], NULL, 10));
        return;
    }
    view = mcos_ring_hold(ring);
    if (view == NULL)
        printf("nothing\n");
    else if (strcmp(words[0], "look") == 0)
        look(view, 0, words + 2, count - 2);
    else if (strcmp(words[0], "first") == 0)
        look(view, MCOS_ACTIVE_FIRST, words + 2, count - 2);
    else if (strcmp(words[0], "before") != 0 && strcmp(words[0], "handoffs") != 0)
        info(view);
    else if (strcmp(words[0], "handoffs") == 0)
        handoffs(view, words[2], words[3]);
    else if (mcos_view_previous(view) == NULL)
        printf("nothing\n");
    else
        look(mcos_view_previous(view), 0, words + 2, count - 2);
    mcos_view_release(view);
}

static bool option(struct mcos_resolver_options *o, const char *text)
{
    const char *value = strchr(text, '=');

    value = value == NULL ? "" : value + 1;
    if (strncmp(text, "poll_ms=", 8) == 0)
        o->poll_ms = (uint32_t)strtoul(value, NULL, 10);
    else if (strncmp(text, "timeout_ms=", 11) == 0)
        o->timeout_ms = (uint32_t)strtoul(value, NULL, 10);
    else if (strncmp(text, "swift_conf=", 11) == 0)
        o->swift_conf = value;
    else if (strncmp(text, "system=", 7) == 0)
        o->system = value;
    else if (strcmp(text, "previous") == 0)
        o->flags |= MCOS_KEEP_PREVIOUS;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct mcos_resolver_options options = MCOS_RESOLVER_OPTIONS;
    struct mcos_diag diag = {.offset = -1};
    char line[4096];
    int err;

    if (argc < 2)
        return 2;
    for (int i = 2; i < argc; i++) {
        if (!option(&options, argv[i]))
            return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    err = mcos_resolver_open(argv[1], &options, &resolver, &diag);
    if (err != 0) {
        fail(err, &diag);
        return 1;
    }
    printf("ready\n");
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *words[WORDS_MAX];
        int count = 0;

        for (char *at = line; *at != '\0' && count < WORDS_MAX;) {
            words[count++] = at;
            at += strcspn(at, " \n");
            if (*at != '\0')
                *at++ = '\0';
        }
        if (count == 1 && strcmp(words[0], "rest") == 0)
            rest();
        else if (count == 1 && strcmp(words[0], "memory") == 0)
            memory();
        else if (count >= 2)
            of_ring(words, count);
        else
            printf("error usage\n");
    }
    rest();
    mcos_resolver_close(resolver);
    return 0;
}
