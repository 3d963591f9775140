/* SPDX-License-Identifier: Apache-2.0 */
/* redis/reply.c -- words, stamps, errors. */
#include "redis/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ERROR_MAX 512u

struct mc_bytes mc_arg(const struct rm_string *arg)
{
    size_t len;
    const char *ptr = rm.StringPtrLen(arg, &len);

    return (struct mc_bytes){(const uint8_t *)ptr, len};
}

bool mc_arg_is(const struct rm_string *arg, const char *word)
{
    struct mc_bytes text = mc_arg(arg);

    return text.len == strlen(word) &&
           strncasecmp((const char *)text.ptr, word, text.len) == 0;
}

bool mc_arg_number(const struct rm_string *arg, long long lo, long long hi,
                   long long *ret)
{
    long long n;

    if (rm.StringToLongLong(arg, &n) != RM_OK || n < lo || n > hi)
        return false;
    *ret = n;
    return true;
}

int mc_reply_error(struct rm_ctx *ctx, const char *word, const char *fmt, ...)
{
    char text[ERROR_MAX];
    int n = snprintf(text, sizeof(text), "%s ", word);
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, args);
    va_end(args);
    /* One line, whatever was quoted in it. */
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ')
            *c = '?';
    }
    return rm.ReplyWithError(ctx, text);
}

int mc_reply_held(struct rm_ctx *ctx, int err, const struct mcos_diag *diag)
{
    switch (err) {
    case MCOS_E_NOTFOUND:
        return mc_reply_error(ctx, "NORING", "no ring at this key");
    case MCOS_E_TYPE:
        return mc_reply_error(ctx, "WRONGTYPE", "the key holds something else");
    case MCOS_E_UPGRADE:
        return mc_reply_error(ctx, "UPGRADE", "%s",
                              diag == NULL ? mcos_err_text(err) : diag->text);
    case MCOS_E_NOMEM:
        return mc_reply_error(ctx, "NOMEM", "out of memory");
    default:
        return mc_reply_error(ctx, "CORRUPT", "the key holds no good ring record: %s",
                              diag == NULL || diag->text[0] == '\0' ? mcos_err_text(err)
                                                                    : diag->text);
    }
}

void mc_reply_text(struct rm_ctx *ctx, const char *text)
{
    (void)rm.ReplyWithStringBuffer(ctx, text, strlen(text));
}

void mc_reply_stamp(struct rm_ctx *ctx, const struct mc_stamp *stamp)
{
    char text[MC_STAMP_FULL_MAX];

    mc_stamp_write(stamp, text);
    mc_reply_text(ctx, text);
}

void mc_reply_stamp_of(struct rm_ctx *ctx, const struct mc_head *head)
{
    struct mc_stamp stamp = mc_stamp_of(head);

    mc_reply_stamp(ctx, &stamp);
}
