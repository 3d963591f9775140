/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/swift_dir.h -- the folder in which Swift finds its rings (--export-swift).
 *
 * Every ring that the agent holds and that Swift can use is there as NAME.ring.gz,
 * replaced whole, and only if its bytes are others: Swift reads a ring anew when the
 * file's time changes. One ring at a time is written, by the worker; one that fails is
 * tried again, after 1 s, doubling to 60 s. Every two seconds it is looked whether the
 * files are still those that were written.
 */
#ifndef MCOS_APP_SWIFT_DIR_H
#define MCOS_APP_SWIFT_DIR_H

#include "node/agent.h"
#include "port/work.h"
#include "ring/lookup.h"

#define MC_SWIFT_DIR_RETRY_MS_0   1000u
#define MC_SWIFT_DIR_RETRY_MS_MAX 60000u
#define MC_SWIFT_DIR_LOOK_MS      2000u
#define MC_SWIFT_DIR_BUSY_MS      200u /* the worker has too much to do: ask again */

struct mc_swift_dir;

/* Is the folder there, and ours to write into? Fails with CONFIG. */
int mc_swift_dir_check(const char *path, struct mcos_diag *diag);

/*
 * The folder must be as mc_swift_dir_check wants it. A ring that was made with another
 * secret is not written; empty: any is. path, the secret's bytes, work and log are
 * borrowed.
 * *ret is yours. Fails with CONFIG, NOMEM.
 */
int mc_swift_dir_open(const char *path, const struct mc_secret *secret,
                      struct mc_work *work, struct mc_log *log,
                      struct mc_swift_dir **ret, struct mcos_diag *diag);
/* After the worker is closed. NULL is fine. */
void mc_swift_dir_close(struct mc_swift_dir *dir);

/* Does what is to be done; returns when to be called again at the latest. */
uint64_t mc_swift_dir_turn(struct mc_swift_dir *dir, const struct mc_agent *agent);

/* Why a ring of the agent's is not in the folder, in a sentence, the i-th of these;
 * NULL: no more. Lent until the next call. */
const char *mc_swift_dir_trouble(struct mc_swift_dir *dir, size_t i);

#endif /* MCOS_APP_SWIFT_DIR_H */
