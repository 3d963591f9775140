/* SPDX-License-Identifier: Apache-2.0 */
/* base/err.c -- the error table as functions. */
#include "mcos/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct row {
    int code;
    enum mcos_err_class group;
    int http;
    int status;
    const char *slug;
    const char *text;
};

#define X(name, code, group, http, status, slug, text)                                 \
    {(code), MCOS_##group, (http), (status), (slug), (text)},
static const struct row rows[] = {MCOS_ERR_TABLE(X)};
#undef X

static const struct row unknown = {0, MCOS_BUG, 500, 9, "internal", "unknown error"};
static const struct row ok = {0, MCOS_OK, 200, 0, "ok", "ok"};

static const struct row *find(int code)
{
    if (code == 0)
        return &ok;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == code)
            return &rows[i];
    }
    return &unknown;
}

const char *mcos_err_text(int code)
{
    return find(code)->text;
}

enum mcos_err_class mcos_err_classify(int code)
{
    return find(code)->group;
}

const char *mcos_err_slug(int code)
{
    return find(code)->slug;
}

int mcos_err_http(int code)
{
    return find(code)->http;
}

int mcos_err_exit(int code)
{
    return find(code)->status;
}

int mcos_err_from_slug(const char *slug)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].slug, slug) == 0)
            return rows[i].code;
    }
    return 0;
}

int mcos_diag_set(struct mcos_diag *diag, int code, const char *field, const char *fmt,
                  ...)
{
    va_list args;

    if (diag == NULL)
        return code;
    *diag = (struct mcos_diag){.offset = -1};
    (void)snprintf(diag->field, sizeof(diag->field), "%s", field);
    va_start(args, fmt);
    (void)vsnprintf(diag->text, sizeof(diag->text), fmt, args);
    va_end(args);
    return code;
}
