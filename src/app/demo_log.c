/* SPDX-License-Identifier: Apache-2.0 */
/* app/demo_log.c -- the demo's timeline. */
#include "app/demo_log.h"

#include "app/api.h"
#include "app/matrix.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MAX 512u

void mc_demo_log_init(struct mc_demo_log *log, const struct mc_out *out)
{
    *log = (struct mc_demo_log){.out = out,
                                .start_ms = mc_api_now_ms(),
                                .events = json_array(),
                                .promises = json_array()};
}

void mc_demo_log_fini(struct mc_demo_log *log)
{
    json_decref(log->events);
    json_decref(log->promises);
}

double mc_demo_log_now(const struct mc_demo_log *log)
{
    return (double)(mc_api_now_ms() - log->start_ms) / 1000;
}

static void add(struct mc_demo_log *log, const char *kind, const char *text)
{
    (void)json_array_append_new(log->events, json_pack("{s:f, s:s, s:s}", "seconds",
                                                       mc_demo_log_now(log), "kind",
                                                       kind, "text", text));
}

void mc_demo_step(struct mc_demo_log *log, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add(log, "step", text);
    if (log->out->json)
        return;
    (void)printf("\n%7.2f s  %s%s%s\n", mc_demo_log_now(log),
                 log->out->color_out ? "\033[1m" : "", text,
                 mc_out_style(log->out, MC_STYLE_PLAIN));
    (void)fflush(stdout);
}

void mc_demo_say(struct mc_demo_log *log, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add(log, "note", text);
    if (log->out->json)
        return;
    (void)printf("%7.2f s    %s\n", mc_demo_log_now(log), text);
    (void)fflush(stdout);
}

void mc_demo_promise(struct mc_demo_log *log, bool kept, double seconds,
                     const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    log->broken += !kept;
    (void)json_array_append_new(log->promises,
                                json_pack("{s:s, s:b, s:f}", "promise", text, "kept",
                                          (int)kept, "seconds", seconds));
    add(log, kept ? "kept" : "broken", text);
    if (log->out->json)
        return;
    (void)printf("%7.2f s  %s%s%s %s%s", mc_demo_log_now(log),
                 mc_out_style(log->out, kept ? MC_STYLE_GOOD : MC_STYLE_BAD),
                 mc_out_glyph(log->out, kept ? MC_GLYPH_OK : MC_GLYPH_CONFLICT),
                 mc_out_style(log->out, MC_STYLE_PLAIN),
                 kept ? "" : "NOT KEPT: ", text);
    if (kept && seconds > 0)
        (void)printf(" (%.2f s)", seconds);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

void mc_demo_matrix(struct mc_demo_log *log, struct mc_api *api)
{
    json_t *clusters = NULL;
    json_t *rings = NULL;

    if (mc_api_get(api, &clusters, "/v1/clusters") == 0 &&
        mc_api_get(api, &rings, "/v1/convergence") == 0) {
        (void)json_array_append_new(
            log->events,
            json_pack("{s:f, s:s, s:O, s:O}", "seconds", mc_demo_log_now(log), "kind",
                      "matrix", "clusters", json_object_get(clusters, "clusters"),
                      "rings", json_object_get(rings, "rings")));
        if (!log->out->json)
            (void)mc_matrix_print(log->out, stdout,
                                  json_object_get(clusters, "clusters"),
                                  json_object_get(rings, "rings"));
        if (!log->out->json && !log->out->plain && !log->key_shown)
            mc_matrix_key(log->out, stdout);
        log->key_shown = true;
        (void)fflush(stdout);
    }
    json_decref(clusters);
    json_decref(rings);
}

int mc_demo_log_end(struct mc_demo_log *log, json_t *take_more)
{
    json_t *doc = json_pack("{s:b, s:f, s:O, s:O}", "kept", log->broken == 0, "seconds",
                            mc_demo_log_now(log), "promises", log->promises, "timeline",
                            log->events);

    if (doc == NULL) {
        json_decref(take_more);
        return MCOS_E_NOMEM;
    }
    (void)json_object_update_new(doc, take_more);
    if (log->out->json)
        return mc_out_json(doc);
    json_decref(doc);
    return 0;
}
