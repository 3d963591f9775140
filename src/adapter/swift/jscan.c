/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/jscan.c -- RFC 8259 by hand, bounded in depth and in memory. */
#include "adapter/swift/jscan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NO_CHAR UINT32_MAX

struct mc_jscan mc_jscan_init(struct mc_bytes text, size_t base, struct mcos_diag *diag)
{
    return (struct mc_jscan){
        .ptr = text.ptr, .len = text.len, .base = base, .diag = diag};
}

void mc_jscan_fail(struct mc_jscan *j, int code, const char *fmt, ...)
{
    char text[sizeof(j->diag->text)];
    va_list args;

    if (j->err != 0)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    j->err = mcos_diag_set(j->diag, code, j->where, "%s", text);
    if (j->diag != NULL)
        j->diag->offset = (long long)(j->base + j->pos);
}

uint8_t mc_jscan_peek(struct mc_jscan *j)
{
    while (j->err == 0 && j->pos < j->len) {
        uint8_t c = j->ptr[j->pos];

        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return c;
        j->pos++;
    }
    return 0;
}

static bool take(struct mc_jscan *j, char want)
{
    if (mc_jscan_peek(j) != (uint8_t)want || j->err != 0)
        return false;
    j->pos++;
    return true;
}

void mc_jscan_enter(struct mc_jscan *j, char open)
{
    if (!take(j, open))
        mc_jscan_fail(j, MCOS_E_JSON, "expected '%c'", open);
}

bool mc_jscan_more(struct mc_jscan *j, char close, size_t count)
{
    if (j->err != 0 || take(j, close))
        return false;
    if (count != 0 && !take(j, ','))
        mc_jscan_fail(j, MCOS_E_JSON, "expected ',' or '%c'", close);
    return j->err == 0;
}

static uint32_t hex4(struct mc_jscan *j)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 4; i++) {
        uint8_t c = j->pos < j->len ? j->ptr[j->pos] : 0;
        uint32_t digit;

        if (c >= '0' && c <= '9')
            digit = (uint32_t)c - '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)(c | 0x20) - 'a' + 10;
        else
            return NO_CHAR;
        v = v << 4 | digit;
        j->pos++;
    }
    return v;
}

/* What follows a backslash. */
static uint32_t escape(struct mc_jscan *j)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    uint8_t c = j->pos < j->len ? j->ptr[j->pos] : 0;
    const char *at = c == 0 ? NULL : strchr(from, c);
    uint32_t high;
    uint32_t low;

    j->pos++;
    if (at != NULL)
        return (uint8_t)to[at - from];
    if (c != 'u')
        return NO_CHAR;
    high = hex4(j);
    if (high == NO_CHAR || high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || j->len - j->pos < 6 || j->ptr[j->pos] != '\\' ||
        j->ptr[j->pos + 1] != 'u')
        return NO_CHAR;
    j->pos += 2;
    low = hex4(j);
    if (low == NO_CHAR || low < 0xdc00 || low > 0xdfff)
        return NO_CHAR;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* One character of UTF-8: shortest form, no surrogates. */
static uint32_t utf8(struct mc_jscan *j)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint8_t c = j->ptr[j->pos++];
    unsigned more = c < 0x80 ? 0 : c < 0xc0 ? 9 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    uint32_t v = more == 0 ? c : c & (0x3fu >> more);

    if (more > 3 || c > 0xf4)
        return NO_CHAR;
    for (unsigned i = 0; i < more; i++) {
        if (j->pos == j->len || (j->ptr[j->pos] & 0xc0) != 0x80)
            return NO_CHAR;
        v = v << 6 | (j->ptr[j->pos++] & 0x3fu);
    }
    if (v < least[more] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
        return NO_CHAR;
    return v;
}

static size_t put_utf8(uint8_t dst[4], uint32_t v)
{
    if (v < 0x80) {
        dst[0] = (uint8_t)v;
        return 1;
    }
    if (v < 0x800) {
        dst[0] = (uint8_t)(0xc0 | v >> 6);
        dst[1] = (uint8_t)(0x80 | (v & 0x3f));
        return 2;
    }
    if (v < 0x10000) {
        dst[0] = (uint8_t)(0xe0 | v >> 12);
        dst[1] = (uint8_t)(0x80 | (v >> 6 & 0x3f));
        dst[2] = (uint8_t)(0x80 | (v & 0x3f));
        return 3;
    }
    dst[0] = (uint8_t)(0xf0 | v >> 18);
    dst[1] = (uint8_t)(0x80 | (v >> 12 & 0x3f));
    dst[2] = (uint8_t)(0x80 | (v >> 6 & 0x3f));
    dst[3] = (uint8_t)(0x80 | (v & 0x3f));
    return 4;
}

/* A string; dst NULL: only checked. */
static void string(struct mc_jscan *j, char *dst, size_t cap)
{
    size_t n = 0;

    if (!take(j, '"')) {
        mc_jscan_fail(j, MCOS_E_JSON, "expected a text");
        return;
    }
    for (;;) {
        uint8_t out[4];
        size_t bytes;
        uint32_t c;

        if (j->pos >= j->len) {
            mc_jscan_fail(j, MCOS_E_JSON, "a text without an end");
            return;
        }
        if (j->ptr[j->pos] == '"')
            break;
        if (j->ptr[j->pos] < 0x20) {
            mc_jscan_fail(j, MCOS_E_JSON, "a control byte in a text");
            return;
        }
        if (j->ptr[j->pos] == '\\') {
            j->pos++;
            c = escape(j);
        } else {
            c = utf8(j);
        }
        if (c == NO_CHAR) {
            mc_jscan_fail(j, MCOS_E_JSON, "a text that is not Unicode");
            return;
        }
        if (dst == NULL)
            continue;
        bytes = put_utf8(out, c);
        if (c == 0) {
            mc_jscan_fail(j, MCOS_E_VALUE, "a NUL in a text");
            return;
        }
        if (bytes >= cap - n) {
            mc_jscan_fail(j, MCOS_E_TOOBIG, "a text of more than %zu bytes", cap - 1);
            return;
        }
        memcpy(dst + n, out, bytes);
        n += bytes;
    }
    j->pos++;
    if (dst != NULL)
        dst[n] = '\0';
}

void mc_jscan_text(struct mc_jscan *j, char *dst, size_t cap)
{
    dst[0] = '\0';
    string(j, dst, cap);
}

struct mc_bytes mc_jscan_key(struct mc_jscan *j, char dst[MC_JSCAN_KEY_MAX + 1])
{
    struct mc_bytes raw = {NULL, 0};
    size_t from;

    (void)mc_jscan_peek(j);
    from = j->pos;
    mc_jscan_text(j, dst, MC_JSCAN_KEY_MAX + 1);
    if (j->err == 0)
        raw = (struct mc_bytes){j->ptr + from, j->pos - from};
    if (!take(j, ':'))
        mc_jscan_fail(j, MCOS_E_JSON, "expected ':'");
    return raw;
}

static bool digits(struct mc_jscan *j)
{
    size_t from = j->pos;

    while (j->pos < j->len && j->ptr[j->pos] >= '0' && j->ptr[j->pos] <= '9')
        j->pos++;
    return j->pos != from;
}

static bool skip_byte(struct mc_jscan *j, char a, char b)
{
    if (j->pos >= j->len || (j->ptr[j->pos] != a && j->ptr[j->pos] != b))
        return false;
    j->pos++;
    return true;
}

struct mc_bytes mc_jscan_number(struct mc_jscan *j)
{
    const struct mc_bytes none = {NULL, 0};
    size_t from;
    bool ok;

    (void)mc_jscan_peek(j);
    if (j->err != 0)
        return none;
    from = j->pos;
    (void)skip_byte(j, '-', '-');
    /* No digit may follow a leading zero. */
    ok = skip_byte(j, '0', '0') ? !digits(j) : digits(j);
    if (ok && skip_byte(j, '.', '.'))
        ok = digits(j);
    if (ok && skip_byte(j, 'e', 'E')) {
        (void)skip_byte(j, '+', '-');
        ok = digits(j);
    }
    if (!ok) {
        mc_jscan_fail(j, MCOS_E_JSON, "not a number");
        return none;
    }
    return (struct mc_bytes){j->ptr + from, j->pos - from};
}

uint64_t mc_jscan_whole(struct mc_jscan *j, uint64_t max)
{
    struct mc_bytes text = mc_jscan_number(j);
    uint64_t v = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)text.ptr[i] - '0';

        if (digit > 9 || v > max / 10 || v * 10 > max - digit) {
            mc_jscan_fail(j, MCOS_E_VALUE, "not a whole number of 0 to %llu",
                          (unsigned long long)max);
            return 0;
        }
        v = v * 10 + digit;
    }
    return v;
}

static void word(struct mc_jscan *j, const char *want)
{
    size_t n = strlen(want);

    if (j->len - j->pos < n || memcmp(j->ptr + j->pos, want, n) != 0) {
        mc_jscan_fail(j, MCOS_E_JSON, "not a JSON value");
        return;
    }
    j->pos += n;
}

static void skip(struct mc_jscan *j, unsigned depth)
{
    uint8_t c = mc_jscan_peek(j);
    const char close = c == '{' ? '}' : ']';

    if (j->err != 0)
        return;
    if (c == '{' || c == '[') {
        if (depth == MC_JSCAN_DEPTH_MAX) {
            mc_jscan_fail(j, MCOS_E_TOOBIG, "nested more than %u deep",
                          MC_JSCAN_DEPTH_MAX);
            return;
        }
        j->pos++;
        for (size_t n = 0; mc_jscan_more(j, close, n); n++) {
            if (c == '{') {
                string(j, NULL, 0);
                if (!take(j, ':'))
                    mc_jscan_fail(j, MCOS_E_JSON, "expected ':'");
            }
            skip(j, depth + 1);
        }
    } else if (c == '"') {
        string(j, NULL, 0);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        (void)mc_jscan_number(j);
    } else {
        word(j, c == 't' ? "true" : c == 'f' ? "false" : "null");
    }
}

struct mc_bytes mc_jscan_value(struct mc_jscan *j)
{
    size_t from;

    (void)mc_jscan_peek(j);
    from = j->pos;
    skip(j, 0);
    if (j->err != 0)
        return (struct mc_bytes){NULL, 0};
    return (struct mc_bytes){j->ptr + from, j->pos - from};
}

void mc_jscan_end(struct mc_jscan *j)
{
    if (mc_jscan_peek(j) != 0 || (j->err == 0 && j->pos != j->len))
        mc_jscan_fail(j, MCOS_E_JSON, "more text after the end");
}
