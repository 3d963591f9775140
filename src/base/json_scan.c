/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_scan.c -- one pass, a stack of sixteen frames, no allocation. */
#include "base/json_scan.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct frame {
    bool array;
    bool want_key; /* in an object: the next string is a key */
    size_t index;  /* in an array */
    struct mc_bytes key;
};

struct scan {
    struct mc_bytes text;
    size_t pos;
    size_t values;
    long line;
    unsigned depth; /* frames in use */
    bool too_deep;
    bool first; /* stop after it */
    struct frame frames[MC_JSON_DEPTH_MAX];
};

static void skip_string(struct scan *s, size_t end)
{
    size_t start = ++s->pos;
    struct frame *f = s->depth > 0 ? &s->frames[s->depth - 1] : NULL;

    while (s->pos < end && s->text.ptr[s->pos] != '"') {
        if (s->text.ptr[s->pos] == '\n')
            s->line++;
        s->pos += s->text.ptr[s->pos] == '\\' ? 2 : 1;
    }
    if (s->pos > end)
        s->pos = end;
    if (f != NULL && !f->array && f->want_key)
        f->key = (struct mc_bytes){s->text.ptr + start, s->pos - start};
}

static void open_frame(struct scan *s, bool array)
{
    s->values++;
    if (s->depth == MC_JSON_DEPTH_MAX) {
        s->too_deep = true;
        return;
    }
    s->frames[s->depth++] = (struct frame){.array = array, .want_key = true};
}

static void one_byte(struct scan *s, uint8_t c)
{
    struct frame *f = s->depth > 0 ? &s->frames[s->depth - 1] : NULL;

    switch (c) {
    case '\n':
        s->line++;
        break;
    case '{':
    case '[':
        open_frame(s, c == '[');
        break;
    case '}':
    case ']':
        if (s->depth > 0)
            s->depth--;
        break;
    case ',':
        s->values++;
        if (f != NULL) {
            f->index++;
            f->want_key = true;
            f->key = (struct mc_bytes){0};
        }
        break;
    case ':':
        if (f != NULL)
            f->want_key = false;
        break;
    default:
        break;
    }
}

/* Up to `end` or the end of the first value, or until a bound is passed. */
static void run(struct scan *s, size_t end, unsigned depth, size_t values)
{
    while (s->pos < end && !(s->first && s->pos > 0 && s->depth == 0)) {
        uint8_t c = s->text.ptr[s->pos];

        if (c == '"')
            skip_string(s, end);
        else
            one_byte(s, c);
        if (s->too_deep || s->depth > depth || s->values > values)
            return;
        s->pos++;
    }
}

void mc_json_pointer_add(char *dst, size_t cap, struct mc_bytes key)
{
    size_t len = strlen(dst);

    if (len + 2 > cap)
        return;
    dst[len++] = '/';
    for (size_t i = 0; i < key.len && len + 3 < cap; i++) {
        uint8_t c = key.ptr[i];

        if (c == '~' || c == '/') {
            dst[len++] = '~';
            dst[len++] = c == '~' ? '0' : '1';
        } else {
            dst[len++] = c < 0x20 || c > 0x7e ? '?' : (char)c;
        }
    }
    dst[len] = '\0';
}

static void put_pointer(const struct scan *s, struct mcos_diag *diag)
{
    char *dst = diag->field;
    size_t cap = sizeof(diag->field);

    dst[0] = '\0';
    for (unsigned i = 0; i < s->depth; i++) {
        const struct frame *f = &s->frames[i];
        size_t len = strlen(dst);

        if (!f->array && f->key.ptr == NULL)
            break;
        if (f->array)
            (void)snprintf(dst + len, cap - len, "/%zu", f->index);
        else
            mc_json_pointer_add(dst, cap, f->key);
    }
    diag->line = s->line;
    diag->offset = (long long)s->pos;
}

static int scan(struct scan *s, unsigned depth, size_t values, struct mcos_diag *diag)
{
    int r = 0;

    run(s, s->text.len, depth, values);
    if (s->too_deep || s->depth > depth)
        r = mcos_diag_set(diag, MCOS_E_JSON, "", "nested deeper than %u", depth);
    else if (s->values > values)
        r = mcos_diag_set(diag, MCOS_E_TOOBIG, "", "more than %zu values", values);
    if (r != 0 && diag != NULL) {
        if (s->depth > 0)
            s->depth--; /* the place that holds it */
        put_pointer(s, diag);
    }
    return r;
}

int mc_json_scan(struct mc_bytes text, unsigned depth, size_t values,
                 struct mcos_diag *diag)
{
    struct scan s = {.text = text, .line = 1};

    return scan(&s, depth, values, diag);
}

int mc_json_span(struct mc_bytes text, unsigned depth, size_t values, size_t *ret_bytes,
                 struct mcos_diag *diag)
{
    struct scan s = {.text = text, .line = 1, .first = true};
    int r = scan(&s, depth, values, diag);

    if (r == 0)
        *ret_bytes = s.pos;
    return r;
}

void mc_json_where(struct mc_bytes text, size_t offset, struct mcos_diag *diag)
{
    struct scan s = {.text = text, .line = 1};

    run(&s, offset < text.len ? offset : text.len, MC_JSON_DEPTH_MAX, SIZE_MAX);
    put_pointer(&s, diag);
}
