/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/http/target.c -- percent-decoding with nothing let through. */
#include "adapter/http/target.h"

#include <stdbool.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* In place, the result is never longer. False: a bad escape, one of NUL where none may
 * be, or in a path one of the / that parts it: the same path would be cut at other
 * places. */
static bool unescape(char *s, bool query, bool nul, size_t *ret_len)
{
    char *const start = s;
    char *to = s;

    while (*s != '\0') {
        if (*s == '%') {
            int high = hex_digit(s[1]);
            int low = high < 0 ? -1 : hex_digit(s[2]);

            if (low < 0 || (!nul && high + low == 0) ||
                (!query && high * 16 + low == '/'))
                return false;
            *to++ = (char)(high * 16 + low);
            s += 3;
        } else {
            *to++ = query && *s == '+' ? ' ' : *s;
            s++;
        }
    }
    *to = '\0';
    *ret_len = (size_t)(to - start);
    return true;
}

/* Well-formed UTF-8: shortest form, no surrogates, nothing past U+10FFFF. */
static bool is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    while (*p != 0) {
        unsigned more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
        unsigned low = 0x80;
        unsigned high = 0xbf;

        if (more > 0 && (*p < 0xc2 || *p > 0xf4))
            return false;
        if (*p == 0xe0)
            low = 0xa0;
        if (*p == 0xed)
            high = 0x9f;
        if (*p == 0xf0)
            low = 0x90;
        if (*p == 0xf4)
            high = 0x8f;
        for (p++; more > 0; more--, p++) {
            if (*p < low || *p > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}

static const char *decode(char *s, bool query)
{
    size_t len;

    if (!unescape(s, query, false, &len))
        return query ? "a % wants two hex digits, and not 00"
                     : "a % wants two hex digits, and neither 00 nor, in a path, 2F";
    if (!is_utf8(s))
        return "the target is not UTF-8";
    return NULL;
}

static const char *decode_value(char *s, bool any_bytes, size_t *ret_len)
{
    const char *wrong = NULL;

    if (!any_bytes)
        wrong = decode(s, true);
    else if (!unescape(s, true, true, ret_len))
        wrong = "a % wants two hex digits";
    if (wrong == NULL && !any_bytes)
        *ret_len = strlen(s);
    return wrong;
}

static const char *parse_query(char *rest, bool any_bytes, struct mc_request *request)
{
    const char *wrong = NULL;

    while (rest != NULL && wrong == NULL) {
        char *part = strsep(&rest, "&");
        char *value;
        size_t len = 0;

        if (*part == '\0')
            continue;
        if (request->query_count == MC_SERVE_PARAMS_MAX)
            return "too many parameters";
        value = strchr(part, '=');
        if (value != NULL)
            *value++ = '\0';
        else
            value = part + strlen(part);
        wrong = decode(part, true);
        if (wrong == NULL && *value != '\0')
            wrong = decode_value(value, any_bytes, &len);
        request->query[request->query_count++] = (struct mc_param){part, value, len};
    }
    return wrong;
}

const char *mc_target_parse(char *target, bool any_bytes, struct mc_request *request)
{
    char *query = strchr(target, '?');
    const char *wrong;

    if (target[0] != '/')
        return "the target wants to begin with /";
    if (query != NULL)
        *query++ = '\0';
    wrong = decode(target, false);
    if (wrong != NULL)
        return wrong;
    request->path = target;
    request->query_count = 0;
    return parse_query(query, any_bytes, request);
}
