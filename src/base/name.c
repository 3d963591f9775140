/* SPDX-License-Identifier: Apache-2.0 */
/* base/name.c -- the one place that says what a name is. */
#include "base/name.h"

#include <stdlib.h>
#include <string.h>

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool mc_name_ok(const char *s)
{
    size_t n = strnlen(s, MC_NAME_MAX + 1);

    if (n == 0 || n > MC_NAME_MAX || !is_alnum(s[0]))
        return false;
    for (size_t i = 1; i < n; i++) {
        if (!is_alnum(s[i]) && s[i] != '_' && s[i] != '-')
            return false;
    }
    return true;
}

bool mc_name_set(struct mc_name *ret, const char *s)
{
    if (!mc_name_ok(s))
        return false;
    *ret = (struct mc_name){{0}};
    memcpy(ret->s, s, strlen(s));
    return true;
}

void mc_name_write(const struct mc_name *name, struct mc_buf *b)
{
    size_t n = strlen(name->s);

    mc_buf_u8(b, (uint8_t)n);
    mc_buf_put(b, name->s, n);
}

void mc_name_read(struct mc_reader *r, struct mc_name *ret)
{
    size_t n = mc_reader_u8(r);
    struct mc_bytes text = mc_reader_take(r, n);
    char name[MC_NAME_MAX + 1];

    if (r->bad || n > MC_NAME_MAX) {
        r->bad = true;
        return;
    }
    memcpy(name, text.ptr, n);
    name[n] = '\0';
    if (memchr(name, 0, n) != NULL || !mc_name_set(ret, name))
        r->bad = true;
}

bool mc_name_place(const void *entries, size_t count, size_t size, const char *name,
                   size_t *ret_at)
{
    size_t lo = 0;
    size_t hi = count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct mc_name *at =
            (const void *)((const unsigned char *)entries + mid * size);
        int order = strcmp(at->s, name);

        if (order == 0) {
            *ret_at = mid;
            return true;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *ret_at = lo;
    return false;
}

void *mc_name_entry(struct mc_name_list *list, size_t size, const struct mc_name *name)
{
    unsigned char *entry;
    size_t at;

    if (mc_name_place(list->entries, list->count, size, name->s, &at))
        return (unsigned char *)list->entries + at * size;
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 8 : 2 * list->room;
        void *more = realloc(list->entries, room * size);

        if (more == NULL)
            return NULL;
        list->entries = more;
        list->room = room;
    }
    entry = (unsigned char *)list->entries + at * size;
    memmove(entry + size, entry, (list->count - at) * size);
    memset(entry, 0, size);
    memcpy(entry, name, sizeof(*name));
    list->count++;
    return entry;
}
