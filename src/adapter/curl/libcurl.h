/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/curl/libcurl.h -- libcurl, loaded when the first client is made.
 *
 * It brings thirty libraries of its own; to load them costs more than to build a
 * ring of 2^16 partitions, and what works on files alone asks no agent.
 */
#ifndef MCOS_ADAPTER_CURL_LIBCURL_H
#define MCOS_ADAPTER_CURL_LIBCURL_H

#include "mcos/err.h"

#include <curl/curl.h>

/* All that is called of it, under its own names. */
struct mc_libcurl {
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_perform) *easy_perform;
    __typeof__(curl_easy_reset) *easy_reset;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
    __typeof__(curl_url) *url;
    __typeof__(curl_url_cleanup) *url_cleanup;
    __typeof__(curl_url_set) *url_set;
    __typeof__(curl_url_strerror) *url_strerror;
};

/* The library, lent for the life of the process. Any thread. Fails with NOTFOUND
 * (it is not installed, or lacks something); diag says what. */
int mc_libcurl_load(const struct mc_libcurl **ret, struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_CURL_LIBCURL_H */
