/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/curl/source.h -- rings for resolvers, from an agent over HTTP
 * (docs/api.md): /v1/rings/NAME/file by its ETag, and /v1/clusters.
 *
 * Each call comes back within the time given, whatever is at the other end, and no
 * more of an answer is read than a record's head says, or MC_HEAD_BYTES_MAX while there
 * is none.
 */
#ifndef MCOS_ADAPTER_CURL_SOURCE_H
#define MCOS_ADAPTER_CURL_SOURCE_H

#include "port/source.h"

/* `server` is http://HOST:PORT or unix:PATH, copied. Does not connect yet. On success
 * *ret_source is yours (ops->close). Fails with USAGE (no such address), NOTFOUND
 * (libcurl is not installed), NOMEM. */
int mc_agent_source_open(const char *server, uint32_t timeout_ms,
                         struct mc_source **ret_source, struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_CURL_SOURCE_H */
