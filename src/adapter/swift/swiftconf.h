/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/swiftconf.h -- the hash prefix and suffix of a swift.conf.
 *
 * Reads [swift-hash] swift_hash_path_prefix and swift_hash_path_suffix exactly
 * as Swift does (Python's ConfigParser over Latin-1): the bytes of the file are
 * the bytes of the secret. Comments, continuation lines, [DEFAULT] and "%%" are
 * understood; "%(name)s" is refused. The values are never printed, not even in
 * a diag, and are wiped when freed.
 */
#ifndef MCOS_ADAPTER_SWIFT_SWIFTCONF_H
#define MCOS_ADAPTER_SWIFT_SWIFTCONF_H

#include "mcos/err.h"
#include "ring/lookup.h"

#define MC_SWIFTCONF_BYTES_MAX (1u << 20)

struct mc_swiftconf;

/* On success *ret_conf is yours. Fails with CONFIG (not such a file, or neither
 * value is set), TOOBIG, NOMEM; diag says the line. */
int mc_swiftconf_parse(struct mc_bytes text, struct mc_swiftconf **ret_conf,
                       struct mcos_diag *diag);

/* The same from a file. Fails also with NOTFOUND (no such file), IO. */
int mc_swiftconf_open(const char *path, struct mc_swiftconf **ret_conf,
                      struct mcos_diag *diag);

/* Lent by conf. */
struct mc_secret mc_swiftconf_secret(const struct mc_swiftconf *conf);
void mc_swiftconf_free(struct mc_swiftconf *conf); /* NULL is fine */

#endif /* MCOS_ADAPTER_SWIFT_SWIFTCONF_H */
