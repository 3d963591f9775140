/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/history.c -- records of one ring, named by stamp. */
#include "adapter/file/history.h"

#include "adapter/file/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct mc_entry mc_entry_of(const struct mc_head *head)
{
    struct mc_entry entry = {.epoch = head->epoch, .version = head->version};

    memcpy(entry.digest8, head->digest, sizeof(entry.digest8));
    return entry;
}

struct mc_folder_name mc_entry_format(const struct mc_entry *entry)
{
    struct mc_folder_name name;
    char hex[2 * sizeof(entry->digest8) + 1];

    mc_hex(hex, entry->digest8, sizeof(entry->digest8));
    (void)snprintf(name.s, sizeof(name.s), "%u-%llu-%s.ring", (unsigned)entry->epoch,
                   (unsigned long long)entry->version, hex);
    return name;
}

/* Digits up to `end`, at most max; NULL if that is not what is there. */
static const char *read_number(const char *s, char end, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (*s == end)
        return NULL;
    for (; *s != end; s++) {
        unsigned digit = (unsigned)(unsigned char)*s - '0';

        if (digit > 9 || value > (max - digit) / 10)
            return NULL;
        value = 10 * value + digit;
    }
    *ret = value;
    return s + 1;
}

bool mc_entry_parse(const char *text, struct mc_entry *ret_entry)
{
    struct mc_entry entry;
    struct mc_folder_name again;
    uint64_t epoch;
    const char *s = read_number(text, '-', MC_EPOCH_MAX, &epoch);

    if (s != NULL)
        s = read_number(s, '-', MC_VERSION_MAX, &entry.version);
    if (s == NULL || strlen(s) != 2 * sizeof(entry.digest8) + strlen(".ring") ||
        !mc_unhex(entry.digest8, s, sizeof(entry.digest8)))
        return false;
    entry.epoch = (uint16_t)epoch;
    again = mc_entry_format(&entry); /* one spelling only: no leading zeros */
    if (strcmp(again.s, text) != 0)
        return false;
    *ret_entry = entry;
    return true;
}

int mc_version_cmp(const struct mc_entry *a, const struct mc_entry *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    if (a->version != b->version)
        return a->version < b->version ? -1 : 1;
    return memcmp(a->digest8, b->digest8, sizeof(a->digest8));
}

static int cmp_greatest_first(const void *a, const void *b)
{
    return mc_version_cmp(b, a);
}

int mc_history_list(int dirfd, struct mc_entry **ret_entries, size_t *ret_count,
                    struct mcos_diag *diag)
{
    struct mc_folder_name *names = NULL;
    struct mc_entry *entries;
    size_t count = 0;
    size_t ours = 0;
    int err = mc_folder_list(dirfd, &names, &count, diag);

    if (err != 0)
        return err;
    entries = calloc(count + 1, sizeof(*entries));
    for (size_t i = 0; entries != NULL && i < count; i++) {
        if (mc_entry_parse(names[i].s, &entries[ours]))
            ours++;
    }
    free(names);
    if (entries == NULL)
        return MCOS_E_NOMEM;
    qsort(entries, ours, sizeof(*entries), cmp_greatest_first);
    *ret_entries = entries;
    *ret_count = ours;
    return 0;
}

int mc_history_ring(int dirfd, const struct mc_entry *entry, const char *ring_name,
                    struct mc_ring **ret_ring, ino_t *ret_inode, struct mcos_diag *diag)
{
    struct mc_folder_name file = mc_entry_format(entry);
    struct mc_ring *ring = NULL;
    struct mc_entry is;
    int err = mc_mapping_ring(dirfd, file.s, ring_name, &ring, ret_inode, diag);

    if (err != 0)
        return err;
    is = mc_entry_of(mc_ring_head(ring));
    if (mc_version_cmp(&is, entry) != 0) {
        mc_ring_unref(ring);
        return mcos_diag_set(diag, MCOS_E_DIGEST, file.s, "%s holds another record",
                             file.s);
    }
    *ret_ring = ring;
    return 0;
}

int mc_history_find(int dirfd, const uint8_t digest8[8], const char *ring_name,
                    struct mc_ring **ret_ring, struct mcos_diag *diag)
{
    struct mc_entry *entries = NULL;
    size_t count = 0;
    int err = mc_history_list(dirfd, &entries, &count, diag);

    if (err != 0)
        return err;
    err = MCOS_E_GONE;
    for (size_t i = 0; i < count && err == MCOS_E_GONE; i++) {
        if (memcmp(entries[i].digest8, digest8, 8) != 0)
            continue;
        err = mc_history_ring(dirfd, &entries[i], ring_name, ret_ring, NULL, diag);
        if (err == MCOS_E_NOTFOUND || mc_mapping_damaged(err))
            err = MCOS_E_GONE;
    }
    free(entries);
    return err;
}

static bool same_file(int a_dir, const char *a, int b_dir, const char *b)
{
    struct stat first;
    struct stat second;

    return fstatat(a_dir, a, &first, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(b_dir, b, &second, AT_SYMLINK_NOFOLLOW) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

int mc_history_link(int from, const char *file, int dirfd, const struct mc_entry *entry,
                    bool *ret_new, struct mcos_diag *diag)
{
    struct mc_folder_name name = mc_entry_format(entry);

    if (ret_new != NULL)
        *ret_new = false;
    if (linkat(from, file, dirfd, name.s, 0) == 0) { /* mostly */
        if (ret_new != NULL)
            *ret_new = true;
        return 0;
    }
    if (errno != EEXIST)
        return mc_folder_fail(diag, "cannot keep", name.s);
    if (same_file(from, file, dirfd, name.s))
        return 0;
    (void)mc_folder_remove(dirfd, name.s); /* a copy, or what a crash left */
    if (linkat(from, file, dirfd, name.s, 0) != 0)
        return mc_folder_fail(diag, "cannot keep", name.s);
    if (ret_new != NULL)
        *ret_new = true;
    return 0;
}

void mc_history_prune(int dirfd, const struct mc_entry *held, size_t keep)
{
    struct mc_entry *entries = NULL;
    size_t count = 0;
    size_t kept = 0;

    if (mc_history_list(dirfd, &entries, &count, NULL) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (held != NULL && mc_version_cmp(&entries[i], held) == 0)
            continue;
        if (kept < keep)
            kept++;
        else
            (void)mc_folder_remove(dirfd, mc_entry_format(&entries[i]).s);
    }
    free(entries);
}

bool mc_history_denies(int dirfd, ino_t inode, const uint8_t digest8[8])
{
    struct mc_entry *entries = NULL;
    size_t count = 0;
    bool denies = false;
    struct stat st;

    if (mc_history_list(dirfd, &entries, &count, NULL) != 0)
        return false;
    for (size_t i = 0; i < count && !denies; i++) {
        denies = memcmp(entries[i].digest8, digest8, 8) != 0 &&
                 fstatat(dirfd, mc_entry_format(&entries[i]).s, &st,
                         AT_SYMLINK_NOFOLLOW) == 0 &&
                 st.st_ino == inode;
    }
    free(entries);
    return denies;
}
