/* SPDX-License-Identifier: Apache-2.0 */
/* sync/notes.c -- the table of notes as functions. */
#include "sync/effect.h"

#include <assert.h>

struct row {
    enum mc_note_level level;
    const char *event;
    const char *text;
    const char *advice;
};

#define MC_LEVEL_ERROR MC_NOTE_IS_ERROR
#define MC_LEVEL_WARN  MC_NOTE_IS_WARN
#define MC_LEVEL_INFO  MC_NOTE_IS_INFO
#define MC_LEVEL_DEBUG MC_NOTE_IS_DEBUG
#define X(name, level, event, text, advice)                                            \
    [MC_NOTE_##name] = {MC_LEVEL_##level, (event), (text), (advice)},
static const struct row rows[MC_NOTE_COUNT] = {
#include "sync/notes.def"
};
#undef X

static const struct row *row_of(enum mc_note_code code)
{
    assert((unsigned)code < MC_NOTE_COUNT);
    return &rows[code];
}

const char *mc_note_event(enum mc_note_code code)
{
    return row_of(code)->event;
}

const char *mc_note_text(enum mc_note_code code)
{
    return row_of(code)->text;
}

const char *mc_note_advice(enum mc_note_code code)
{
    return row_of(code)->advice;
}

enum mc_note_level mc_note_level(enum mc_note_code code)
{
    return row_of(code)->level;
}
