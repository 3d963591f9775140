/* SPDX-License-Identifier: Apache-2.0 */
/* app/shared_identity.c -- the uid of the folder and the one of the registry. */
#include "app/shared_identity.h"

#include "adapter/file/identity.h"
#include "adapter/os/clock.h"
#include "adapter/redis/store.h"

#include <string.h>

/* Whose database it is was said, and it is not ours to use. */
static bool is_refusal(int err)
{
    return err == MCOS_E_IDENTITY || err == MCOS_E_FORMAT;
}

int mc_shared_identity_open(struct mc_store *store, struct mc_log *log,
                            const char *data, const struct mc_name *cluster,
                            uint8_t ret_uid[MC_UID_BYTES], struct mcos_diag *diag)
{
    struct mc_identity identity = {.name = *cluster};
    struct mcos_diag why = {.offset = -1};
    uint8_t uid[MC_UID_BYTES];
    int found = mc_identity_find(data, cluster->s, identity.uid, diag);
    int err = found;

    if (found == MCOS_E_NOTFOUND)
        err = mc_os_random(identity.uid, MC_UID_BYTES);
    if (err != 0)
        return err;
    err = mc_redis_store_claim(store, cluster, identity.uid, uid, &why);
    if (err != 0 && !is_refusal(err) && found == 0) {
        memcpy(ret_uid, identity.uid, MC_UID_BYTES);
        mc_redis_store_assume(store, cluster, identity.uid);
        return 0;
    }
    if (err != 0)
        return mcos_diag_set(diag, err, "store", "%s%s", why.text,
                             is_refusal(err)
                                 ? ""
                                 : "; the first start of an agent needs it: it keeps "
                                   "the uid of the cluster");
    memcpy(ret_uid, uid, MC_UID_BYTES);
    if (found == 0 && memcmp(uid, identity.uid, MC_UID_BYTES) == 0)
        return 0;
    if (found == 0)
        log->line(
            log, MC_LOG_WARN,
            "event=identity-adopted file=cluster.id msg=\"the cluster has another "
            "uid than this folder; the folder has the cluster's from now on\"");
    memcpy(identity.uid, uid, MC_UID_BYTES);
    return mc_identity_put(data, &identity, diag);
}
