/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/quarantine.c -- a bounded folder of evidence. */
#include "adapter/file/quarantine.h"

#include "adapter/file/folder.h"
#include "adapter/file/replace.h"
#include "base/hash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBER_DIGITS 10u
#define KEY_DIGITS    16u
#define NUMBER_MAX    9999999999ull

/* "0000000042-<key>-<reason>.bad": sorted by name is sorted by age. */
static bool is_ours(const char *name)
{
    size_t n = strlen(name);

    return n > NUMBER_DIGITS + KEY_DIGITS + 6 &&
           strspn(name, "0123456789") == NUMBER_DIGITS && name[NUMBER_DIGITS] == '-' &&
           strspn(name + NUMBER_DIGITS + 1, "0123456789abcdef") == KEY_DIGITS &&
           strcmp(name + n - 4, ".bad") == 0;
}

static void clean(char *dst, const char *reason)
{
    size_t n = 0;

    for (; *reason != '\0' && n < MC_QUARANTINE_REASON; reason++) {
        char c = *reason;
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        dst[n++] = fine ? c : '-';
    }
    dst[n] = '\0';
}

/*
 * Makes room for `size` bytes and finds the next name. *ret_known says that
 * the key is there already.
 */
static int make_room(int dirfd, uint64_t size, uint64_t key, const char *reason,
                     struct mc_folder_name *ret_name, bool *ret_known,
                     struct mcos_diag *diag)
{
    struct mc_folder_name *names = NULL;
    char text[MC_QUARANTINE_REASON + 1];
    char key_text[KEY_DIGITS + 1];
    size_t count = 0;
    size_t files = 0;
    uint64_t bytes = 0;
    unsigned long long last = 0;
    struct stat st;
    int err = mc_folder_list(dirfd, &names, &count, diag);

    if (err != 0)
        return err;
    (void)snprintf(key_text, sizeof(key_text), "%016llx", (unsigned long long)key);
    *ret_known = false;
    for (size_t i = count; i-- > 0;) { /* newest first */
        if (!is_ours(names[i].s) ||
            fstatat(dirfd, names[i].s, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (last == 0)
            last = strtoull(names[i].s, NULL, 10);
        if (strncmp(names[i].s + NUMBER_DIGITS + 1, key_text, KEY_DIGITS) == 0)
            *ret_known = true;
        files++;
        bytes += (uint64_t)st.st_size;
        if (files + 1 > MC_QUARANTINE_FILES || bytes + size > MC_QUARANTINE_BYTES)
            (void)mc_folder_remove(dirfd, names[i].s);
    }
    free(names);
    if (last >= NUMBER_MAX)
        return mcos_diag_set(diag, MCOS_E_FULL, "quarantine", "quarantine is worn out");
    clean(text, reason);
    (void)snprintf(ret_name->s, sizeof(ret_name->s), "%010llu-%s-%s.bad", last + 1,
                   key_text, text);
    return 0;
}

int mc_file_quarantine(const char *data, struct mc_bytes bytes, const char *reason,
                       struct mcos_diag *diag)
{
    struct mc_folder_name name;
    bool known = false;
    int data_fd = -1;
    int dirfd = -1;
    int err;

    if (bytes.len > MC_QUARANTINE_BYTES)
        bytes.len = MC_QUARANTINE_BYTES;
    err = mc_folder_open(data, false, &data_fd, diag);
    if (err == 0)
        err = mc_folder_sub(data_fd, "quarantine", true, &dirfd, diag);
    if (err == 0)
        err =
            make_room(dirfd, bytes.len, mc_xxh3_64(bytes), reason, &name, &known, diag);
    if (err == 0 && !known)
        err = mc_replace(dirfd, name.s, bytes, diag);
    mc_folder_close(dirfd);
    mc_folder_close(data_fd);
    return err;
}

int mc_quarantine_move(int data_fd, int dirfd, const char *file, const char *reason,
                       struct mcos_diag *diag)
{
    struct mc_folder_name name;
    struct stat st;
    bool known = false;
    int to = -1;
    int err;

    if (fstatat(dirfd, file, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return mc_folder_fail(diag, "cannot look at", file);
    err = mc_folder_sub(data_fd, "quarantine", true, &to, diag);
    if (err != 0)
        return err;
    if (!S_ISDIR(st.st_mode) && (uint64_t)st.st_size > MC_QUARANTINE_BYTES)
        known = true;
    else
        err = make_room(to, (uint64_t)st.st_size, (uint64_t)st.st_ino, reason, &name,
                        &known, diag);
    if (err == 0 && known && !mc_folder_remove(dirfd, file))
        err = mc_folder_fail(diag, "cannot remove", file);
    if (err == 0 && !known && renameat(dirfd, file, to, name.s) != 0)
        err = mc_folder_fail(diag, "cannot move to quarantine", file);
    mc_folder_close(to);
    return err;
}
