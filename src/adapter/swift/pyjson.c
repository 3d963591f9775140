/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/pyjson.c -- one function for each kind of value. */
#include "adapter/swift/pyjson.h"

#include "base/decimal.h"
#include "mcos/err.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct mc_buf *b, const char *text)
{
    mc_buf_put(b, text, strlen(text));
}

/* The next character of well-formed UTF-8 (jansson takes no other). */
static uint32_t next_character(const uint8_t **p)
{
    uint8_t first = *(*p)++;
    unsigned more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? first : first & (0x3fu >> more);

    for (; more != 0; more--)
        c = c << 6 | (*(*p)++ & 0x3fu);
    return c;
}

static void put_unit(struct mc_buf *b, uint32_t unit)
{
    char text[8];

    (void)snprintf(text, sizeof(text), "\\u%04x", unit & 0xffffu);
    put(b, text);
}

static void put_character(struct mc_buf *b, uint32_t c)
{
    static const char shorts[] =
        "\"\"\\\\\bb\ff\nn\rr\tt"; /* the character, its letter */

    for (const char *s = shorts; *s != '\0'; s += 2) {
        if (c == (uint32_t)*s) {
            mc_buf_u8(b, '\\');
            mc_buf_u8(b, (uint8_t)s[1]);
            return;
        }
    }
    if (c >= ' ' && c <= '~') {
        mc_buf_u8(b, (uint8_t)c);
    } else if (c > 0xffff) {
        put_unit(b, 0xd800u + ((c - 0x10000u) >> 10));
        put_unit(b, 0xdc00u + ((c - 0x10000u) & 0x3ffu));
    } else {
        put_unit(b, c);
    }
}

static void put_text(struct mc_buf *b, const char *text, size_t n)
{
    const uint8_t *p = (const uint8_t *)text;
    const uint8_t *end = p + n;

    mc_buf_u8(b, '"');
    while (p < end)
        put_character(b, next_character(&p));
    mc_buf_u8(b, '"');
}

static int cmp_keys(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;

    return strcmp(*x, *y);
}

static void put_object(struct mc_buf *b, const json_t *object)
{
    size_t count = json_object_size(object);
    const char **keys = calloc(count + 1, sizeof(*keys));
    const char *key;
    const json_t *value;
    size_t n = 0;

    if (keys == NULL) {
        b->err = b->err != 0 ? b->err : MCOS_E_NOMEM;
        return;
    }
    /* The iterator's type is not const; nothing is changed through it. */
    json_object_foreach((json_t *)(uintptr_t)object, key, value) keys[n++] = key;
    qsort(keys, n, sizeof(*keys), cmp_keys);
    mc_buf_u8(b, '{');
    for (size_t i = 0; i < n; i++) {
        put(b, i > 0 ? ", " : "");
        put_text(b, keys[i], strlen(keys[i]));
        put(b, ": ");
        mc_pyjson_put(b, json_object_get(object, keys[i]));
    }
    mc_buf_u8(b, '}');
    free(keys);
}

static void put_list(struct mc_buf *b, const json_t *list)
{
    mc_buf_u8(b, '[');
    for (size_t i = 0; i < json_array_size(list); i++) {
        put(b, i > 0 ? ", " : "");
        mc_pyjson_put(b, json_array_get(list, i));
    }
    mc_buf_u8(b, ']');
}

/* The shortest text that reads back, as Python's repr() gives it: with an exponent from
 * 1e16 on and below 1e-4. */
static void put_real(struct mc_buf *b, double value)
{
    char text[MC_DECIMAL_TEXT_MAX];
    int digits = 0;

    if (value == 0 || (fabs(value) >= 1e-6 && fabs(value) < 1e16)) {
        mc_decimal_of_double(value, text);
        put(b, text);
        return;
    }
    do
        (void)snprintf(text, sizeof(text), "%.*e", digits, value);
    while (strtod(text, NULL) != value && ++digits < 17);
    for (char *p = text; *p != '\0'; p++) {
        if ((*p < '0' || *p > '9') && strchr("+-e", *p) == NULL)
            *p = '.'; /* whatever the locale has */
    }
    put(b, text);
}

static void put_number(struct mc_buf *b, const json_t *value)
{
    char text[32];

    if (json_is_real(value)) {
        put_real(b, json_real_value(value));
        return;
    }
    (void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
                   json_integer_value(value));
    put(b, text);
}

void mc_pyjson_put(struct mc_buf *b, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(b, value);
        break;
    case JSON_ARRAY:
        put_list(b, value);
        break;
    case JSON_STRING:
        put_text(b, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        put_number(b, value);
        break;
    case JSON_TRUE:
        put(b, "true");
        break;
    case JSON_FALSE:
        put(b, "false");
        break;
    case JSON_NULL:
        put(b, "null");
        break;
    }
}
