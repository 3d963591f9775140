/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcos/err.h -- every way a call can fail, in one table.
 *
 * A function that can fail returns int: 0, or one of these (negative). The
 * table also says what each one is over HTTP (status and the stable `code` of
 * a problem document) and as an exit status of `mcos`.
 */
#ifndef MCOS_ERR_H
#define MCOS_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a caller does about it:
 * RETRY    the world may change: back off, try again, count it
 * REJECT   this input will never work: tell whoever sent it
 * CORRUPT  stored or received bytes are damaged: quarantine, fall back, raise it
 * BUG      the caller broke the contract
 */
enum mcos_err_class { MCOS_OK, MCOS_RETRY, MCOS_REJECT, MCOS_CORRUPT, MCOS_BUG };

/* name, code, class, HTTP status, exit status, problem code, text.
 * A code is never reused or renumbered. */
#define MCOS_ERR_TABLE(X)                                                              \
    X(NOMEM, -1, RETRY, 503, 9, "out-of-memory", "out of memory")                      \
    X(TOOBIG, -2, REJECT, 413, 8, "too-large", "larger than the stated limit")         \
    X(FORMAT, -3, REJECT, 422, 8, "bad-format", "not in a format we know")             \
    X(DIGEST, -4, CORRUPT, 422, 8, "bad-digest", "content does not match its digest")  \
    X(UPGRADE, -5, REJECT, 422, 8, "upgrade-needed", "made by a newer version")        \
    X(JSON, -6, REJECT, 400, 8, "bad-json", "not valid JSON")                          \
    X(FIELD, -7, REJECT, 400, 8, "unknown-field", "unknown or missing field")          \
    X(NAME, -8, REJECT, 400, 8, "bad-name", "not a name: [a-z0-9][a-z0-9_-]{0,63}")    \
    X(VALUE, -9, REJECT, 422, 8, "bad-value", "value out of range")                    \
    X(WEIGHT, -10, REJECT, 422, 8, "bad-weight", "weight out of range")                \
    X(PLACEMENT, -11, REJECT, 422, 8, "placement-impossible", "cannot be placed")      \
    X(PARTPOWER, -12, REJECT, 422, 8, "part-power-range", "part power out of range")   \
    X(DEVICE, -13, REJECT, 422, 8, "bad-device", "device list is not consistent")      \
    X(NOTFOUND, -14, REJECT, 404, 3, "not-found", "no such thing")                     \
    X(DELETED, -15, REJECT, 404, 3, "deleted", "the ring was deleted")                 \
    X(GONE, -16, REJECT, 410, 3, "version-gone", "that version is no longer kept")     \
    X(PRECOND, -17, REJECT, 428, 4, "precondition-required",                           \
      "a precondition is needed")                                                      \
    X(STALE, -18, REJECT, 412, 4, "stale", "somebody else was first")                  \
    X(EXISTS, -19, REJECT, 412, 4, "exists", "the name is taken")                      \
    X(FORCE, -20, REJECT, 409, 4, "needs-force", "a number is at its limit")           \
    X(CLOCK, -21, RETRY, 503, 9, "clock-off", "the clock is far from its peers'")      \
    X(NOTREADY, -22, RETRY, 503, 6, "not-ready", "not ready yet")                      \
    X(AWAY, -23, RETRY, 503, 9, "bus-down", "the bus is away")                         \
    X(IO, -24, RETRY, 500, 9, "store-failed", "reading or writing failed")             \
    X(FULL, -25, RETRY, 507, 9, "disk-full", "no space left")                          \
    X(LOCKED, -26, RETRY, 503, 9, "locked", "in use by another process")               \
    X(IDENTITY, -27, REJECT, 503, 9, "name-in-use", "another cluster uses this name")  \
    X(SECRET, -28, REJECT, 409, 8, "secret-needed",                                    \
      "the hash secret is missing or wrong")                                           \
    X(CONFIG, -29, REJECT, 400, 2, "bad-config", "configuration is not valid")         \
    X(USAGE, -30, REJECT, 400, 2, "usage", "wrong usage")                              \
    X(UNREACHABLE, -31, RETRY, 502, 6, "unreachable", "cannot reach the agent")        \
    X(TIMEOUT, -32, RETRY, 504, 5, "not-yet-everywhere",                               \
      "accepted, not yet everywhere")                                                  \
    X(METHOD, -33, REJECT, 405, 2, "method-not-allowed", "method not allowed here")    \
    X(EMPTY, -34, RETRY, 503, 9, "empty", "nothing is waiting")                        \
    X(BUSY, -35, RETRY, 503, 9, "busy", "too much at once")                            \
    X(TYPE, -36, REJECT, 415, 8, "bad-media-type", "media type not accepted here")     \
    X(CONFLICT, -37, REJECT, 409, 4, "conflict", "two records claim the same place")   \
    X(OLD, -38, REJECT, 409, 4, "agent-too-old", "this agent is too old for that")     \
    X(PLANSTALE, -39, REJECT, 409, 4, "plan-stale", "not what was planned any more")

#define X(name, code, group, http, status, slug, text) MCOS_E_##name = (code),
enum mcos_err { MCOS_ERR_TABLE(X) };
#undef X

/* Never NULL, never freed. A code we do not know has a text too, and class BUG. */
const char *mcos_err_text(int code);
enum mcos_err_class mcos_err_classify(int code);

/* Stable problem code ("bad-json"), HTTP status and exit status of a code. */
const char *mcos_err_slug(int code);
int mcos_err_http(int code);
int mcos_err_exit(int code);

/* The code of a problem slug, or 0 if no row has it. */
int mcos_err_from_slug(const char *slug);

/*
 * Where and why, for a person. Parsers and checks fill it in when it is not
 * NULL; untouched on success. `field` is a JSON pointer, a config key or a
 * header name ("" when none applies); line counts from 1, 0 means unknown;
 * offset is a byte offset, -1 means unknown.
 */
struct mcos_diag {
    char field[128];
    long line;
    long long offset;
    char text[256];
};

/* Fills *diag (may be NULL) and returns code, so a caller can return it. */
int mcos_diag_set(struct mcos_diag *diag, int code, const char *field, const char *fmt,
                  ...) __attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif
#endif /* MCOS_ERR_H */
