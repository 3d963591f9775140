/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/file/identity.c -- who this data folder belongs to. */
#include "adapter/file/identity.h"

#include "adapter/file/folder.h"
#include "adapter/file/mapping.h"
#include "adapter/file/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

void mc_identity_format(const struct mc_identity *identity,
                        char dst[MC_IDENTITY_BYTES_MAX])
{
    char hex[2 * MC_UID_BYTES + 1];

    mc_hex(hex, identity->uid, MC_UID_BYTES);
    (void)snprintf(dst, MC_IDENTITY_BYTES_MAX, "mcos-cluster 1\nname %s\nuid %s\n",
                   identity->name.s, hex);
}

/* The line's value after "key ", NUL-terminated; NULL if the line is another one. */
static char *take_line(char **rest, const char *key)
{
    size_t n = strlen(key);
    char *line = *rest;
    char *end = strchr(line, '\n');

    if (end == NULL || strncmp(line, key, n) != 0)
        return NULL;
    *end = '\0';
    *rest = end + 1;
    return line + n;
}

int mc_identity_parse(struct mc_bytes text, struct mc_identity *ret_identity,
                      struct mcos_diag *diag)
{
    struct mc_identity identity;
    char copy[MC_IDENTITY_BYTES_MAX + 1];
    char *rest = copy;
    char *value;
    long line = 1;

    if (text.len > MC_IDENTITY_BYTES_MAX)
        goto bad;
    if (text.len != 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    value = take_line(&rest, "mcos-cluster ");
    if (value == NULL || strcmp(value, "1") != 0)
        goto bad;
    line++;
    value = take_line(&rest, "name ");
    if (value == NULL || !mc_name_set(&identity.name, value))
        goto bad;
    line++;
    value = take_line(&rest, "uid ");
    if (value == NULL || strlen(value) != 2 * MC_UID_BYTES ||
        !mc_unhex(identity.uid, value, MC_UID_BYTES))
        goto bad;
    line++;
    if (rest != copy + text.len)
        goto bad;
    *ret_identity = identity;
    return 0;
bad:
    (void)mcos_diag_set(diag, MCOS_E_FORMAT, MC_IDENTITY_FILE,
                        "cluster.id is damaged: put back a copy, or remove it to start "
                        "as a new cluster");
    if (diag != NULL)
        diag->line = line;
    return MCOS_E_FORMAT;
}

static int load(int data_fd, struct mc_identity *ret_identity, struct mcos_diag *diag)
{
    struct mc_blob *blob = NULL;
    int err = mc_mapping_open(data_fd, MC_IDENTITY_FILE, 1u << 16, &blob, NULL, diag);

    if (err == 0)
        err = mc_identity_parse(mc_blob_get(blob), ret_identity, diag);
    mc_blob_unref(blob);
    return err;
}

static int save(int data_fd, const struct mc_identity *identity, struct mcos_diag *diag)
{
    char text[MC_IDENTITY_BYTES_MAX];

    mc_identity_format(identity, text);
    return mc_replace(data_fd, MC_IDENTITY_FILE,
                      (struct mc_bytes){(const uint8_t *)text, strlen(text)}, diag);
}

static int make(int data_fd, struct mc_identity *identity, struct mcos_diag *diag)
{
    ssize_t n;

    do
        n = getrandom(identity->uid, MC_UID_BYTES, 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)MC_UID_BYTES)
        return mc_folder_fail(diag, "cannot make", "a uid");
    return save(data_fd, identity, diag);
}

static int check_name(const char *data, const struct mc_identity *identity,
                      const char *name, struct mcos_diag *diag)
{
    if (strcmp(identity->name.s, name) == 0)
        return 0;
    return mcos_diag_set(diag, MCOS_E_IDENTITY, "cluster",
                         "data folder %s belongs to cluster %s, not to %s", data,
                         identity->name.s, name);
}

int mc_identity_find(const char *data, const char *name, uint8_t ret_uid[MC_UID_BYTES],
                     struct mcos_diag *diag)
{
    struct mc_identity identity;
    int fd = -1;
    int err = mc_folder_open(data, true, &fd, diag);

    if (err == 0)
        err = load(fd, &identity, diag);
    mc_folder_close(fd);
    if (err == 0)
        err = check_name(data, &identity, name, diag);
    if (err == 0)
        memcpy(ret_uid, identity.uid, MC_UID_BYTES);
    return err;
}

int mc_identity_put(const char *data, const struct mc_identity *identity,
                    struct mcos_diag *diag)
{
    int fd = -1;
    int err = mc_folder_open(data, true, &fd, diag);

    if (err == 0)
        err = save(fd, identity, diag);
    mc_folder_close(fd);
    return err;
}

int mc_identity_open(const char *data, const char *name, uint8_t ret_uid[MC_UID_BYTES],
                     bool *ret_fresh, struct mcos_diag *diag)
{
    struct mc_identity identity;
    struct mc_name wanted;
    bool fresh = false;
    int fd = -1;
    int err;

    if (!mc_name_set(&wanted, name))
        return mcos_diag_set(diag, MCOS_E_NAME, "cluster", "\"%s\" is not a name",
                             name);
    err = mc_folder_open(data, true, &fd, diag);
    if (err == 0)
        err = load(fd, &identity, diag);
    if (err == MCOS_E_NOTFOUND) {
        identity.name = wanted;
        fresh = true;
        err = make(fd, &identity, diag);
    }
    mc_folder_close(fd);
    if (err == 0)
        err = check_name(data, &identity, name, diag);
    if (err != 0)
        return err;
    memcpy(ret_uid, identity.uid, MC_UID_BYTES);
    *ret_fresh = fresh;
    return 0;
}

int mc_identity_keep(const char *data, const struct mc_identity *identity,
                     bool *ret_made, struct mcos_diag *diag)
{
    bool made = false;
    struct stat st;
    int fd = -1;
    int err = mc_folder_open(data, false, &fd, diag);

    if (err == 0 && fstatat(fd, MC_IDENTITY_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        made = errno == ENOENT;
        err = made ? save(fd, identity, diag)
                   : mc_folder_fail(diag, "cannot look at", MC_IDENTITY_FILE);
    }
    mc_folder_close(fd);
    if (err == 0)
        *ret_made = made;
    return err;
}
