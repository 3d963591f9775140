/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/curl/libcurl.c -- dlopen and dlsym. */
#include "adapter/curl/libcurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#define FILE_NAME "libcurl.so.4" /* its ABI since 2006; headers and library agree */

static const struct {
    const char *name;
    size_t at;
} functions[] = {
    {"curl_easy_cleanup", offsetof(struct mc_libcurl, easy_cleanup)},
    {"curl_easy_getinfo", offsetof(struct mc_libcurl, easy_getinfo)},
    {"curl_easy_init", offsetof(struct mc_libcurl, easy_init)},
    {"curl_easy_perform", offsetof(struct mc_libcurl, easy_perform)},
    {"curl_easy_reset", offsetof(struct mc_libcurl, easy_reset)},
    {"curl_easy_setopt", offsetof(struct mc_libcurl, easy_setopt)},
    {"curl_easy_strerror", offsetof(struct mc_libcurl, easy_strerror)},
    {"curl_slist_append", offsetof(struct mc_libcurl, slist_append)},
    {"curl_slist_free_all", offsetof(struct mc_libcurl, slist_free_all)},
    {"curl_url", offsetof(struct mc_libcurl, url)},
    {"curl_url_cleanup", offsetof(struct mc_libcurl, url_cleanup)},
    {"curl_url_set", offsetof(struct mc_libcurl, url_set)},
    {"curl_url_strerror", offsetof(struct mc_libcurl, url_strerror)},
};

_Static_assert(sizeof(functions) / sizeof(functions[0]) ==
                   sizeof(struct mc_libcurl) / sizeof(void *),
               "each function is looked up");

/* Under the lock. */
static int load(struct mc_libcurl *lib, struct mcos_diag *diag)
{
    void *handle = dlopen(FILE_NAME, RTLD_LAZY | RTLD_LOCAL);

    if (handle == NULL)
        return mcos_diag_set(diag, MCOS_E_NOTFOUND, "", "%.200s", dlerror());
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *function = dlsym(handle, functions[i].name);

        if (function == NULL) {
            (void)dlclose(handle);
            return mcos_diag_set(diag, MCOS_E_NOTFOUND, "", "%s has no %s", FILE_NAME,
                                 functions[i].name);
        }
        memcpy((char *)lib + functions[i].at, &function, sizeof(function));
    }
    return 0;
}

int mc_libcurl_load(const struct mc_libcurl **ret, struct mcos_diag *diag)
{
    static struct mc_libcurl lib;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static atomic_bool
        loaded; /* then nobody needs the lock, no child of a fork either */
    int err = 0;

    if (!atomic_load(&loaded)) {
        (void)pthread_mutex_lock(&lock);
        if (!atomic_load(&loaded))
            err = load(&lib, diag);
        atomic_store(&loaded, err == 0);
        (void)pthread_mutex_unlock(&lock);
    }
    if (err == 0)
        *ret = &lib;
    return err;
}
