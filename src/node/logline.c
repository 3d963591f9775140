/* SPDX-License-Identifier: Apache-2.0 */
/* node/logline.c -- notes as text. */
#include "node/logline.h"

#include "mcos/err.h"

#include <stdarg.h>
#include <stdio.h>

struct line {
    char *dst;
    size_t len;
};

static void add(struct line *line, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *fmt, ...)
{
    size_t left = MC_LOGLINE_MAX - line->len;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(line->dst + line->len, left, fmt, args);
    va_end(args);
    if (n > 0)
        line->len += (size_t)n < left ? (size_t)n : left - 1;
}

void mc_logline_format(const struct mc_note *note, char dst[MC_LOGLINE_MAX])
{
    struct line line = {dst, 0};
    char stamp[MC_STAMP_TEXT_MAX];

    dst[0] = '\0';
    add(&line, "event=%s", mc_note_event(note->code));
    if (note->ring.s[0] != '\0')
        add(&line, " ring=%s", note->ring.s);
    if (note->stamp.version != 0) {
        mc_stamp_format(&note->stamp, stamp);
        add(&line, " stamp=%s", stamp);
    }
    if (note->other.version != 0) {
        mc_stamp_format(&note->other, stamp);
        add(&line, " other=%s", stamp);
    }
    if (note->cluster.s[0] != '\0')
        add(&line, " peer=%s", note->cluster.s);
    if (note->number != 0)
        add(&line, " number=%lld", (long long)note->number);
    if (note->err != 0)
        add(&line, " error=%s", mcos_err_slug(note->err));
    add(&line, " msg=\"%s\"", mc_note_text(note->code));
    if (mc_note_advice(note->code)[0] != '\0')
        add(&line, " do=\"%s\"", mc_note_advice(note->code));
}

enum mc_log_level mc_logline_level(const struct mc_note *note)
{
    switch (mc_note_level(note->code)) {
    case MC_NOTE_IS_ERROR:
        return MC_LOG_ERROR;
    case MC_NOTE_IS_WARN:
        return MC_LOG_WARN;
    case MC_NOTE_IS_INFO:
        return MC_LOG_INFO;
    case MC_NOTE_IS_DEBUG:
        return MC_LOG_DEBUG;
    }
    return MC_LOG_DEBUG;
}
