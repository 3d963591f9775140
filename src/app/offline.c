/* SPDX-License-Identifier: Apache-2.0 */
/* app/offline.c -- rings in files, without an agent. */
#include "app/offline.h"

#include "adapter/swift/ringgz.h"
#include "app/file.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static bool is_gzip(struct mc_bytes bytes)
{
    return bytes.len > 2 && bytes.ptr[0] == 0x1f && bytes.ptr[1] == 0x8b;
}

static int open_swift(struct mc_cli *cli, const char *path, struct mc_bytes gz,
                      const struct mc_secret *secret, struct mc_blob **ret_blob)
{
    struct mc_draft draft;
    struct mc_buf extra = {0};
    struct mc_name name;
    int rc;

    mc_offline_name(path, &name);
    mc_draft_init(&draft);
    rc = mc_offline_import(cli, gz, name.s, secret, &draft, &extra);
    if (rc == 0)
        rc = mc_offline_finish(cli, &draft, NULL, 1, ret_blob);
    mc_draft_fini(&draft);
    mc_buf_fini(&extra);
    return rc;
}

int mc_offline_open(struct mc_cli *cli, const char *path,
                    const struct mc_secret *secret, struct mc_ring **ret_ring)
{
    struct mc_buf bytes = {0};
    struct mc_blob *blob = NULL;
    enum mc_ring_check check = MC_CHECK_SHA256;
    int rc = mc_file_read(path, MC_RECORD_BYTES_MAX, &bytes, &cli->diag);

    if (rc < 0)
        goto out;
    if (is_gzip((struct mc_bytes){bytes.ptr, bytes.len})) {
        rc = open_swift(cli, path, (struct mc_bytes){bytes.ptr, bytes.len}, secret,
                        &blob);
        check = MC_CHECK_NONE;
    } else {
        rc = mc_blob_from_buf(&bytes, &blob);
    }
    if (rc == 0)
        rc = mc_ring_open(blob, check, ret_ring, &cli->diag);
    if (rc < 0)
        rc = mc_file_blame(path, rc, &cli->diag);
out:
    mc_blob_unref(blob);
    mc_buf_fini(&bytes);
    return rc;
}

int mc_offline_import(struct mc_cli *cli, struct mc_bytes gz, const char *name,
                      const struct mc_secret *secret, struct mc_draft *draft,
                      struct mc_buf *extra)
{
    int rc = mc_ringgz_decode(gz, secret, draft, extra, &cli->diag);

    if (rc < 0)
        return rc;
    if (!mc_name_set(&draft->head.name, name))
        return mc_cli_ring_name(cli, name);
    (void)snprintf(draft->head.note, sizeof(draft->head.note), "imported from Swift");
    return 0;
}

int mc_offline_finish(struct mc_cli *cli, struct mc_draft *draft,
                      const struct mc_ring *old, uint64_t wall_ns,
                      struct mc_blob **ret_blob)
{
    struct timespec now;
    uint8_t random[2 * MC_UID_BYTES];
    int rc;

    if (wall_ns == 0) {
        (void)clock_gettime(CLOCK_REALTIME, &now);
        wall_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
            return MCOS_E_IO;
    } else { /* a build that can be repeated: the ids follow from the input */
        struct mc_bytes name = {(const uint8_t *)draft->head.name.s,
                                strlen(draft->head.name.s)};

        mc_sha256(random, name);
    }
    memcpy(draft->head.uid, random, MC_UID_BYTES);
    memcpy(draft->head.operation, random + MC_UID_BYTES, MC_UID_BYTES);
    memset(draft->head.system, 0, MC_UID_BYTES);
    if (draft->head.author[0] == '\0')
        (void)snprintf(draft->head.author, sizeof(draft->head.author), "uid:%u",
                       (unsigned)getuid());
    rc = mc_draft_mint(draft, old, NULL, 0, wall_ns);
    if (rc < 0)
        return rc;
    return mc_draft_encode(draft, ret_blob, &cli->diag);
}

int mc_offline_secret(struct mc_cli *cli, struct mc_swiftconf **ret_conf)
{
    const char *path = mc_cli_opt(cli, "swift-conf");
    int rc;

    if (path == NULL)
        return 0;
    rc = mc_swiftconf_open(path, ret_conf, &cli->diag);
    /* One that cannot be opened is named already. */
    return rc == 0 || strcmp(cli->diag.field, path) == 0
               ? rc
               : mc_file_blame(path, rc, &cli->diag);
}

void mc_offline_stamp(const struct mc_head *head, char dst[64])
{
    char hex[9];
    char epoch[16] = "";

    mc_hex(hex, head->digest, 4);
    if (head->epoch > 0)
        (void)snprintf(epoch, sizeof(epoch), "e%u.", head->epoch);
    (void)snprintf(dst, 64, "%sv%llu.%s", epoch, (unsigned long long)head->version,
                   hex);
}

void mc_offline_name(const char *path, struct mc_name *ret)
{
    const char *slash = strrchr(path, '/');
    size_t n = 0;

    for (const char *p = slash == NULL ? path : slash + 1;
         *p != '\0' && *p != '.' && n < MC_NAME_MAX; p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    (n > 0 && (c == '_' || c == '-'));

        if (fits || n > 0)
            ret->s[n++] = fits ? c : '-';
    }
    ret->s[n] = '\0';
    if (n == 0)
        (void)mc_name_set(ret, "ring");
}
