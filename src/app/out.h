/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/out.h -- how `mcos` speaks: colour, glyphs, one JSON document.
 *
 * stdout carries the answer, stderr progress and hints. Colour never stands
 * alone: each state has a word or a glyph too. Without a UTF-8 locale the
 * glyphs are ASCII.
 */
#ifndef MCOS_APP_OUT_H
#define MCOS_APP_OUT_H

#include "mcos/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define MC_SCHEMA "mcos/v1"

enum mc_color_mode { MC_COLOR_AUTO, MC_COLOR_ALWAYS, MC_COLOR_NEVER };

enum mc_glyph {
    MC_GLYPH_OK,       /* equal, done */
    MC_GLYPH_WAY,      /* on its way */
    MC_GLYPH_BEHIND,   /* holds an older one */
    MC_GLYPH_CONFLICT, /* same version, other content; failed */
    MC_GLYPH_OFF,      /* INACTIVE */
    MC_GLYPH_NONE,     /* holds none */
};

enum mc_style {
    MC_STYLE_PLAIN,
    MC_STYLE_GOOD,
    MC_STYLE_WARN,
    MC_STYLE_BAD,
    MC_STYLE_DIM
};

struct mc_out {
    bool json;
    bool plain;
    bool no_header;
    bool quiet;
    bool verbose;
    bool utf8;
    bool color_out;
    bool color_err;
    bool live_err; /* stderr is a terminal that can be redrawn */
};

/* What the surroundings say; pure, so that it can be tested. */
struct mc_surroundings {
    const char *no_color; /* NO_COLOR; NULL: not set */
    const char *term;     /* TERM; NULL: not set */
    bool terminal;
};
bool mc_out_color(enum mc_color_mode mode, const struct mc_surroundings *around);

/* Reads the locale, the environment and the terminals. */
void mc_out_init(struct mc_out *out, enum mc_color_mode mode);

const char *mc_out_glyph(const struct mc_out *out, enum mc_glyph glyph);
/* Escape sequences for stdout and stderr; "" without colour. */
const char *mc_out_style(const struct mc_out *out, enum mc_style style);
const char *mc_out_style_err(const struct mc_out *out, enum mc_style style);

/*
 * Prints one document with "schema" first, on one line. Takes the reference.
 * Fails with NOMEM, IO.
 */
int mc_out_json(json_t *take_doc);

/* How to call this program again: "mcos", or the path that it was called by. Lent. */
extern const char *mc_out_self;
void mc_out_name_self(const char *argv0); /* borrowed for good */

/* A line on stderr, unless -q. */
void mc_out_hint(const struct mc_out *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Says that a command failed: the problem that a server sent, or one made of
 * code and diag; a document with --json, lines on stderr otherwise. `problem`
 * may be NULL and is borrowed. Returns the exit status.
 */
int mc_out_fail(const struct mc_out *out, int code, const struct mcos_diag *diag,
                const json_t *problem);

/* A problem document of code and diag. NULL when memory is out. */
json_t *mc_out_problem(int code, const struct mcos_diag *diag);

/* "4m12s", "0.4s", "3d", into a buffer of 16. */
void mc_out_age(char dst[16], double seconds);

#endif /* MCOS_APP_OUT_H */
