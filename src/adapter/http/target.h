/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/http/target.h -- the target of a request line, `/path?name=value&...`,
 * taken apart and decoded. libmicrohttpd decodes %00 into the end of a string, so
 * this is done here, from the raw text.
 */
#ifndef MCOS_ADAPTER_HTTP_TARGET_H
#define MCOS_ADAPTER_HTTP_TARGET_H

#include "port/serve.h"

#include <stdbool.h>

/*
 * Decodes `target` in place and points request->path and ->query into it. In a
 * query + is a space. NULL if all is well, otherwise what is wrong, for a person:
 * no leading /, a bad escape, a NUL, bytes that are not UTF-8, too many parameters.
 * With `any_bytes` values may be no UTF-8 and hold NULs.
 */
const char *mc_target_parse(char *target, bool any_bytes, struct mc_request *request);

#endif /* MCOS_ADAPTER_HTTP_TARGET_H */
