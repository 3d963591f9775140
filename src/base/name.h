/* SPDX-License-Identifier: Apache-2.0 */
/* base/name.h -- names of rings and clusters: [a-z0-9][a-z0-9_-]{0,63}. */
#ifndef MCOS_BASE_NAME_H
#define MCOS_BASE_NAME_H

#include "base/bytes.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>

#define MC_UID_BYTES 16u

struct mc_name {
    char s[MC_NAME_MAX + 1];
};

bool mc_name_ok(const char *s);
/* False, and *ret untouched, if s is not a name. */
bool mc_name_set(struct mc_name *ret, const char *s);
/* As messages carry it: a byte of length, then the characters. What is no name makes
 * the reader bad and leaves *ret as it was. */
void mc_name_write(const struct mc_name *name, struct mc_buf *b);
void mc_name_read(struct mc_reader *r, struct mc_name *ret);
/*
 * Among `count` entries of `size` bytes each, sorted by the name that each begins with:
 * whether there is one of that name, and where it is or would be.
 */
bool mc_name_place(const void *entries, size_t count, size_t size, const char *name,
                   size_t *ret_at);

/* A list of such entries that grows. Starts as {0}; entries are freed with free(). */
struct mc_name_list {
    void *entries;
    size_t count;
    size_t room;
};

/*
 * The entry of `size` bytes of a name, lent until the next one is made: one of zeros
 * but for its name if there was none. NULL when memory is out.
 */
void *mc_name_entry(struct mc_name_list *list, size_t size, const struct mc_name *name);

#endif /* MCOS_BASE_NAME_H */
