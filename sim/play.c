/* SPDX-License-Identifier: Apache-2.0 */
/* sim/play.c -- runs a play and compares its text with what came. */
#include "sim/play.h"

#include "sim/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct play {
    struct sim_stage stage;
    struct mc_buf text; /* the play with the trace that came */
    struct mc_buf held; /* comments that belong to the next statement */
    unsigned line;
    bool failed;
};

static void put(struct mc_buf *b, const char *s)
{
    mc_buf_put(b, s, strlen(s));
}

static void show(void *ctx, const char *line)
{
    struct play *play = ctx;

    put(&play->text, line);
    put(&play->text, "\n");
}

static void fail(struct play *play, const char *why)
{
    char line[320];

    (void)snprintf(line, sizeof(line), "      FAILED %s\n", why);
    put(&play->text, line);
    play->failed = true;
}

static void release(struct play *play)
{
    mc_buf_put(&play->text, play->held.ptr, play->held.len);
    mc_buf_clear(&play->held);
}

static void perform(struct play *play, const char *line)
{
    struct sim_statement st;
    struct sim_world *world;
    char *copy = strdup(line);

    if (copy == NULL)
        abort();
    if (!sim_stage_parse(&play->stage, copy, &st)) {
        fail(play, play->stage.error);
        free(copy);
        return;
    }
    world = play->stage.world;
    if (world != NULL && st.at_ms != SIM_NEVER) {
        if (SIM_START_MS + st.at_ms < world->now_ms)
            fail(play, "the next statement is in the past");
        sim_world_run(world, SIM_START_MS + st.at_ms);
        if (world->violations != 0)
            fail(play, world->violation);
    }
    release(play);
    put(&play->text, line);
    put(&play->text, "\n");
    if (!play->failed && !sim_stage_do(&play->stage, &st))
        fail(play, play->stage.error);
    free(copy);
}

static void run_lines(struct play *play, char *text)
{
    char *save = text;
    char *line;

    while (!play->failed && (line = strsep(&save, "\n")) != NULL) {
        play->line++;
        if (line[0] == ' ' || (save == NULL && line[0] == '\0'))
            continue; /* trace, or after the last newline */
        if (line[0] == '#' || line[0] == '\0') {
            put(&play->held, line);
            put(&play->held, "\n");
        } else {
            perform(play, line);
        }
    }
    release(play);
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t cap = 1u << 20;
    char *text = f == NULL ? NULL : malloc(cap + 1);
    size_t n = text == NULL ? 0 : fread(text, 1, cap, f);

    if (f != NULL)
        (void)fclose(f);
    if (text != NULL)
        text[n] = '\0';
    return text;
}

/* From the first line that differs to the last one, both sides. */
static void print_difference(const char *was, const char *is)
{
    size_t head = 0;
    size_t a = strlen(was);
    size_t b = strlen(is);

    for (size_t i = 0; was[i] != '\0' && was[i] == is[i]; i++)
        head = was[i] == '\n' ? i + 1 : head;
    while (a > head && b > head && was[a - 1] == is[b - 1]) {
        a--;
        b--;
    }
    for (int side = 0; side < 2; side++) {
        const char *text = side == 0 ? was : is;
        size_t end = side == 0 ? a : b;
        size_t at = head;

        while (at < end) {
            size_t len = strcspn(text + at, "\n");

            printf("%c%.*s\n", side == 0 ? '-' : '+', (int)len, text + at);
            at += len + 1;
        }
    }
}

static int settle(const char *path, const char *was, const struct play *play,
                  const struct sim_play_options *options)
{
    const char *is = (const char *)play->text.ptr;
    FILE *f;

    if (play->failed) {
        const char *why = strstr(is, "      FAILED ");

        printf("%s:%u:%s", path, play->line, why == NULL ? " failed\n" : why + 12);
        printf("--- the end of the trace\n");
        print_difference("", strlen(is) > 3000 ? is + strlen(is) - 3000 : is);
        return 1;
    }
    if (options->no_trace || strcmp(was, is) == 0)
        return 0;
    print_difference(was, is);
    if (!options->bless) {
        printf("%s: another trace; mcos-sim --bless %s accepts it\n", path, path);
        return 1;
    }
    f = fopen(path, "wb");
    if (f == NULL || fwrite(is, 1, strlen(is), f) != strlen(is) || fclose(f) != 0) {
        printf("%s: cannot be written\n", path);
        return 1;
    }
    printf("%s: blessed\n", path);
    return 0;
}

int sim_play_run(const char *path, const struct sim_play_options *options)
{
    struct play play = {0};
    char *was = read_file(path);
    char *copy = was == NULL ? NULL : strdup(was);
    int status;

    if (copy == NULL) {
        printf("%s: cannot be read\n", path);
        free(was);
        return 1;
    }
    play.stage.show = show;
    play.stage.ctx = &play;
    play.stage.change_mode = options->change_mode;
    play.stage.mode = options->mode;
    run_lines(&play, copy);
    mc_buf_u8(&play.text, 0);
    if (play.text.err != 0)
        abort();
    status = settle(path, was, &play, options);
    sim_stage_fini(&play.stage);
    mc_buf_fini(&play.text);
    mc_buf_fini(&play.held);
    free(copy);
    free(was);
    return status;
}
