/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/lookup_lines.c -- a line of answer for each line of standard input, in order, so
 * that two million answers can be put beside two million questions. A line that is no
 * question gets an answer too: an error that carries its number.
 */
#include "app/lookup_lines.h"

#include "ring/batch.h"
#include "ring/handoff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH       1024u
#define INPUT_BYTES (2 * MC_LOOKUP_LINE_MAX)

struct batch {
    struct mc_cli *cli;
    const struct mc_ring *ring;
    const struct mc_secret *secret;
    struct mc_tiers *tiers; /* NULL: no handoffs */
    size_t handoffs;
    size_t stride;
    char **texts; /* devices as JSON, by id; made when first asked for */
    long number;  /* of the line that was taken last */
    bool bad;     /* some line was no question */
    size_t count; /* pending; keys point into the input */
    struct mc_key keys[BATCH];
    uint32_t parts[BATCH];
    uint32_t ids[BATCH * MC_REPLICAS_MAX];
};

struct input {
    uint8_t *room;
    size_t start; /* of what was not taken yet */
    size_t end;
    bool told; /* of the line that has begun: it is too long, the rest is dropped */
    bool over;
};

int mc_lookup_line(struct mc_bytes line, struct mc_key *ret_key, struct mcos_diag *diag)
{
    struct mc_bytes parts[3] = {{0}, {0}, {0}};
    size_t start = 0;
    unsigned count = 0;

    for (size_t i = 0; i <= line.len; i++) {
        struct mc_bytes part = {line.ptr + start, i - start};

        if (i < line.len && line.ptr[i] != '\t')
            continue;
        if (count == 3)
            return mcos_diag_set(diag, MCOS_E_VALUE, "",
                                 "more than account, container and object");
        if (part.len == 0 || (part.len == 2 && memcmp(part.ptr, "\\N", 2) == 0))
            part = (struct mc_bytes){0};
        parts[count++] = part;
        start = i + 1;
    }
    if (parts[0].ptr == NULL)
        return mcos_diag_set(diag, MCOS_E_VALUE, "account", "the line has no account");
    if (parts[2].ptr != NULL && parts[1].ptr == NULL)
        return mcos_diag_set(diag, MCOS_E_VALUE, "container",
                             "an object needs a container");
    *ret_key = (struct mc_key){parts[0], parts[1], parts[2]};
    return 0;
}

static void print_ids(const uint32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)printf("%s%u", i > 0 ? "," : "", ids[i]);
}

/* A device as JSON, made once: answers by the million share it. NULL: no memory. */
static const char *device_text(const struct batch *b, uint32_t id)
{
    json_t *item;

    if (b->texts[id] == NULL) {
        item = json_pack("{s:I, s:s}", "id", (json_int_t)id, "name",
                         mc_ring_device(b->ring, id)->name);
        b->texts[id] = item == NULL ? NULL : json_dumps(item, JSON_COMPACT);
        json_decref(item);
    }
    return b->texts[id];
}

static int print_devices(const struct batch *b, const uint32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = device_text(b, ids[i]);

        if (text == NULL)
            return MCOS_E_NOMEM;
        if (i > 0)
            (void)fputc(',', stdout);
        (void)fputs(text, stdout);
    }
    return 0;
}

/* One answer: a document, or `partition<TAB>ids<TAB>handoffs`. */
static int print_line(const struct batch *b, size_t i)
{
    const uint32_t *ids = b->ids + i * b->stride;
    static uint32_t more[MC_LOOKUP_HANDOFFS_MAX];
    size_t count = 0;
    long found = 0;
    int rc;

    while (count < b->stride && ids[count] != MC_DEVICE_NONE)
        count++;
    if (b->tiers != NULL)
        found = mc_tiers_handoffs(b->tiers, b->parts[i], more, b->handoffs);
    if (found < 0)
        return (int)found;
    if (!b->cli->out.json) {
        (void)printf("%u\t", b->parts[i]);
        print_ids(ids, count);
        (void)fputc('\t', stdout);
        print_ids(more, (size_t)found);
        return fputc('\n', stdout) == EOF ? MCOS_E_IO : 0;
    }
    (void)printf("{\"schema\":\"" MC_SCHEMA "\",\"partition\":%u,\"devices\":[",
                 b->parts[i]);
    rc = print_devices(b, ids, count);
    (void)fputs("],\"handoffs\":[", stdout);
    if (rc == 0)
        rc = print_devices(b, more, (size_t)found);
    return rc < 0 ? rc : fputs("]}\n", stdout) == EOF ? MCOS_E_IO : 0;
}

/* What is pending is answered: keys point into the input no longer. */
static int answer(struct batch *b)
{
    int rc = 0;

    (void)mc_batch_lookup(b->ring, b->secret, b->keys, b->count, b->parts, b->ids,
                          NULL);
    for (size_t i = 0; rc == 0 && i < b->count; i++)
        rc = print_line(b, i);
    b->count = 0;
    return rc;
}

/* A line that is no question is answered in its place and passed over. */
static int answer_bad(struct batch *b, int code)
{
    int rc = answer(b);

    if (rc < 0)
        return rc;
    b->bad = true;
    b->cli->diag.line = b->number;
    if (!b->cli->out.json) {
        (void)fprintf(stderr, "mcos: line %ld: %s\n", b->number, b->cli->diag.text);
        return fputs("error\t\t\n", stdout) == EOF ? MCOS_E_IO : 0;
    }
    return mc_out_json(
        json_pack("{s:o}", "error", mc_out_problem(code, &b->cli->diag)));
}

static int take_line(struct batch *b, struct mc_bytes line)
{
    int rc;

    b->number++;
    b->cli->diag = (struct mcos_diag){.offset = -1};
    if (line.len > MC_LOOKUP_LINE_MAX)
        rc = mcos_diag_set(&b->cli->diag, MCOS_E_TOOBIG, "",
                           "the line is longer than %u bytes", MC_LOOKUP_LINE_MAX);
    else
        rc = mc_lookup_line(line, &b->keys[b->count], &b->cli->diag);
    if (rc < 0)
        return answer_bad(b, rc);
    return ++b->count == BATCH ? answer(b) : 0;
}

/* Takes the whole lines of what has come. */
static int take_lines(struct batch *b, struct input *in)
{
    const uint8_t *end;
    int rc = 0;

    while (rc == 0 &&
           (end = memchr(in->room + in->start, '\n', in->end - in->start)) != NULL) {
        const uint8_t *line = in->room + in->start;

        if (!in->told)
            rc = take_line(b, (struct mc_bytes){line, (size_t)(end - line)});
        in->told = false;
        in->start = (size_t)(end + 1 - in->room);
    }
    return rc;
}

/* Makes room behind a line that has begun; of one that is too long nothing is kept. */
static int make_room(struct batch *b, struct input *in)
{
    const size_t begun = in->end - in->start;
    int rc = 0;

    if (begun > MC_LOOKUP_LINE_MAX && !in->told) {
        rc = take_line(b, (struct mc_bytes){in->room + in->start, begun});
        in->told = true;
    }
    if (in->told)
        in->end = in->start;
    memmove(in->room, in->room + in->start, in->end - in->start);
    in->end -= in->start;
    in->start = 0;
    return rc;
}

static int read_more(struct batch *b, struct input *in)
{
    ssize_t n;

    if (fflush(stdout) != 0)
        return MCOS_E_IO;
    do {
        n = read(STDIN_FILENO, in->room + in->end, INPUT_BYTES - in->end);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return mcos_diag_set(&b->cli->diag, MCOS_E_IO, "",
                             "reading standard input failed: %s", strerror(errno));
    in->end += (size_t)n;
    in->over = n == 0;
    return 0;
}

static int take_all(struct batch *b, struct input *in)
{
    int rc = 0;

    while (rc == 0 && !in->over) {
        rc = read_more(b, in);
        if (rc == 0)
            rc = take_lines(b, in);
        if (rc == 0 && in->over && in->end > in->start && !in->told) {
            rc = take_line(
                b, (struct mc_bytes){in->room + in->start, in->end - in->start});
            in->start = in->end;
        }
        if (rc == 0)
            rc = answer(b);
        if (rc == 0)
            rc = make_room(b, in);
    }
    return rc;
}

int mc_lookup_lines(struct mc_cli *cli, const struct mc_ring *ring,
                    const struct mc_secret *secret, size_t handoffs)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct input in = {.room = malloc(INPUT_BYTES)};
    struct batch *b = calloc(1, sizeof(*b));
    int rc = MCOS_E_NOMEM;

    if (b == NULL || in.room == NULL)
        goto out;
    b->cli = cli;
    b->ring = ring;
    b->secret = secret;
    b->stride = head->stride;
    b->handoffs = handoffs;
    b->texts = calloc((size_t)head->device_count + 1, sizeof(*b->texts));
    if (b->texts == NULL || (handoffs > 0 && mc_tiers_new(ring, &b->tiers) != 0))
        goto out;
    rc = take_all(b, &in);
    if (rc == 0 && b->bad)
        rc = mcos_err_exit(MCOS_E_VALUE);
out:
    for (uint32_t i = 0; b != NULL && b->texts != NULL && i < head->device_count; i++)
        free(b->texts[i]);
    if (b != NULL) {
        mc_tiers_free(b->tiers);
        free(b->texts);
    }
    free(b);
    free(in.room);
    return rc;
}
