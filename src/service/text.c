/* SPDX-License-Identifier: Apache-2.0 */
/* service/text.c -- JSON without a tree: an answer is a few hundred bytes, and there
 * are tens of thousands in a second. */
#include "service/text.h"

#include "mcos/resolver.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void mc_text_raw(struct mc_buf *b, const char *literal)
{
    mc_buf_put(b, literal, strlen(literal));
}

/* Something stands before it that wants a comma. */
static bool needs_comma(const struct mc_buf *b)
{
    return b->len > 0 && b->ptr[b->len - 1] != '{' && b->ptr[b->len - 1] != '[';
}

void mc_text_item(struct mc_buf *b)
{
    if (needs_comma(b))
        mc_buf_put(b, ", ", 2);
}

void mc_text_key(struct mc_buf *b, const char *name)
{
    mc_text_item(b);
    mc_buf_u8(b, '"');
    mc_text_raw(b, name);
    mc_buf_put(b, "\": ", 3);
}

static void put_escaped(struct mc_buf *b, uint8_t c)
{
    char text[8];

    switch (c) {
    case '"':
    case '\\':
        mc_buf_u8(b, '\\');
        mc_buf_u8(b, c);
        return;
    case '\n':
        mc_buf_put(b, "\\n", 2);
        return;
    case '\t':
        mc_buf_put(b, "\\t", 2);
        return;
    default:
        (void)snprintf(text, sizeof(text), "\\u%04x", c);
        mc_text_raw(b, text);
    }
}

void mc_text_string(struct mc_buf *b, const char *text)
{
    const char *from = text;
    const char *p = text;

    mc_buf_u8(b, '"');
    for (; *p != '\0'; p++) {
        if ((uint8_t)*p >= 0x20 && *p != '"' && *p != '\\')
            continue;
        mc_buf_put(b, from, (size_t)(p - from));
        put_escaped(b, (uint8_t)*p);
        from = p + 1;
    }
    mc_buf_put(b, from, (size_t)(p - from));
    mc_buf_u8(b, '"');
}

void mc_text_foreign(struct mc_buf *b, const char *text)
{
    const size_t from = b->len;

    mc_text_string(b, text);
    for (size_t i = from; i < b->len; i++) {
        if (b->ptr[i] >= 0x80)
            b->ptr[i] = '?';
    }
}

void mc_text_number(struct mc_buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    mc_buf_put(b, digits + at, sizeof(digits) - at);
}

void mc_text_bool(struct mc_buf *b, bool value)
{
    mc_text_raw(b, value ? "true" : "false");
}

void mc_text_hex(struct mc_buf *b, const uint8_t *bytes, size_t n)
{
    char text[2 * MCOS_DIGEST_BYTES + 1];

    mc_hex(text, bytes, n < MCOS_DIGEST_BYTES ? n : MCOS_DIGEST_BYTES);
    mc_buf_u8(b, '"');
    mc_text_raw(b, text);
    mc_buf_u8(b, '"');
}

void mc_text_time(struct mc_buf *b, int64_t ns)
{
    const time_t seconds = (time_t)(ns / 1000000000);
    struct tm tm;
    char date[32];
    char text[64];

    if (ns <= 0) {
        mc_text_raw(b, "null");
        return;
    }
    (void)gmtime_r(&seconds, &tm);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text, sizeof(text), "%s.%03dZ", date, (int)(ns / 1000000 % 1000));
    mc_buf_u8(b, '"');
    mc_text_raw(b, text);
    mc_buf_u8(b, '"');
}
