/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/http/exchange.c -- head, body, answer.
 *
 * A body beyond its bound is not kept, but up to a MiB of it is read, for a client
 * that is cut while it writes often never sees the answer.
 */
#include "adapter/http/exchange.h"

#include "adapter/http/listen.h"
#include "adapter/http/target.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define DISCARD_BYTES_MAX (1u << 20)
#define RETRY_S           5u
#define BELIEVED_BYTES    (1u << 20) /* of a length that was only told */
#define SMALL_BYTES       65536u     /* an answer that is sent however full it is */
#define CROWDED           "too many bodies are arriving at once"
#define TOO_LONG          "the body is too long"
#define PROBLEM_TYPE      "application/problem+json"
#define IDEMPOTENCY_KEY   "Idempotency-Key"
#define PROBLEM_BYTES     512u

/*
 * Kept for a later answer, its connection sleeps: libmicrohttpd neither reads nor
 * watches it, and learns at its end whether the client is still there. If the
 * connection ends first (the server closes) what is left here waits for the answer,
 * to throw it away.
 */
struct mc_exchange {
    struct mc_later later; /* first */
    struct mc_exchange_home home;
    struct mc_request request;
    struct mc_buf body;
    struct mc_blob *blob;           /* the whole body */
    struct MHD_Connection *sleeper; /* kept: the connection, until it is over */
    struct mc_exchange *next;       /* among the sleepers of the home */
    struct mc_exchange **link;      /* what points here */
    struct mc_response answer;      /* given later */
    bool kept;
    bool given; /* `answer` is there */
    bool over;  /* the connection is gone */
    size_t body_max;
    size_t discarded;
    size_t counted; /* in the home's bodies */
    bool crowded;   /* there was no room for it */
    bool begun;
    bool answered;
    bool closing; /* the connection ends with the answer */
    bool told;    /* the answer was sent past libmicrohttpd */
    char author[32];
    char target[]; /* decoded in place */
};

static void keep(struct mc_later *later);
static void give(struct mc_later *later, struct mc_response *take_response);

struct mc_exchange *mc_exchange_new(const struct mc_exchange_home *home,
                                    const char *target)
{
    size_t len = strnlen(target, MC_HTTP_TARGET_BYTES_MAX + 1);
    struct mc_exchange *x = calloc(1, sizeof(*x) + len + 1);

    if (x == NULL)
        return NULL;
    x->later.keep = keep;
    x->later.answer = give;
    x->home = *home;
    memcpy(x->target, target, len);
    (*x->home.busy)++;
    return x;
}

static void fini_response(struct mc_response *response)
{
    mc_buf_fini(&response->body);
    mc_blob_unref(response->blob);
    response->blob = NULL;
}

static void wake(struct mc_exchange *x)
{
    *x->link = x->next;
    if (x->next != NULL)
        x->next->link = x->link;
    x->link = NULL;
    *x->home.woken = true;
    MHD_resume_connection(x->sleeper);
}

void mc_exchange_free(struct mc_exchange *x)
{
    if (x == NULL)
        return;
    (*x->home.busy)--;
    *x->home.bodies -= x->counted;
    mc_blob_unref(x->blob);
    mc_buf_fini(&x->body);
    x->blob = NULL;
    x->over = true;
    if (x->kept && !x->given)
        return; /* give() ends it */
    fini_response(&x->answer);
    free(x);
}

void mc_exchange_wake_all(struct mc_exchange *sleepers)
{
    while (sleepers != NULL) {
        struct mc_exchange *next = sleepers->next;

        wake(sleepers);
        sleepers = next;
    }
}

/* ---- later ---- */

static void keep(struct mc_later *later)
{
    struct mc_exchange *x = (struct mc_exchange *)later;

    assert(!x->kept);
    x->kept = true;
}

static void give(struct mc_later *later, struct mc_response *take_response)
{
    struct mc_exchange *x = (struct mc_exchange *)later;

    assert(x->kept && !x->given);
    x->given = true;
    x->answer = *take_response;
    if (x->over) {
        fini_response(&x->answer);
        free(x);
    } else if (x->link != NULL) {
        wake(x);
    }
}

/* Puts the connection to sleep until the answer is given. */
static enum MHD_Result sleep_on(struct mc_exchange *x, struct MHD_Connection *c)
{
    x->sleeper = c;
    x->next = *x->home.sleepers;
    x->link = x->home.sleepers;
    if (x->next != NULL)
        x->next->link = &x->next;
    *x->home.sleepers = x;
    MHD_suspend_connection(c);
    return MHD_YES;
}

bool mc_exchange_answered(const struct mc_exchange *x)
{
    return x->answered;
}

bool mc_exchange_asleep(const struct mc_exchange *x)
{
    return x->kept && !x->given;
}

void mc_exchange_desert(struct mc_exchange *x)
{
    atomic_store(&x->later.gone, true);
}

/* ---- answer ---- */

static void add_header(struct MHD_Response *response, const char *name,
                       const char *value)
{
    if (value != NULL && value[0] != '\0')
        (void)MHD_add_response_header(response, name, value);
}

static void release_blob(void *cls)
{
    mc_blob_unref(cls);
}

/* Takes what the answer owns, whether it succeeds or not. */
static struct MHD_Response *make_response(struct mc_response *in)
{
    struct MHD_Response *out = NULL;
    struct mc_bytes bytes;

    if (in->blob != NULL) {
        bytes = mc_blob_get(in->blob);
        out = MHD_create_response_from_buffer_with_free_callback_cls(
            bytes.len, (void *)(uintptr_t)bytes.ptr, release_blob, in->blob);
        if (out != NULL)
            in->blob = NULL;
    } else if (in->body.err == 0) {
        out = MHD_create_response_from_buffer_with_free_callback(in->body.len,
                                                                 in->body.ptr, free);
        if (out != NULL)
            in->body = (struct mc_buf){0};
    }
    fini_response(in);
    return out;
}

/* Bytes that bodies and large answers may still have. */
static size_t room(const struct mc_exchange *x)
{
    return *x->home.bodies < x->home.bodies_max ? x->home.bodies_max - *x->home.bodies
                                                : 0;
}

static void count_bytes(struct mc_exchange *x, size_t n)
{
    x->counted += n;
    *x->home.bodies += n;
}

static enum MHD_Result refuse(struct mc_exchange *x, struct MHD_Connection *c, int code,
                              const char *detail);

static enum MHD_Result send_answer(struct mc_exchange *x, struct MHD_Connection *c,
                                   struct mc_response *in)
{
    struct MHD_Response *out;
    enum MHD_Result r;
    char retry[16] = "";

    if (in->body.cap > SMALL_BYTES && in->body.cap > room(x) &&
        *x->home.bodies > x->counted) {
        fini_response(in);
        return refuse(x, c, MCOS_E_BUSY, "too many answers are being sent at once");
    }
    count_bytes(x, in->body.cap);
    out = make_response(in);
    if (out == NULL)
        return MHD_NO;
    if (in->retry_after_s != 0)
        (void)snprintf(retry, sizeof(retry), "%u", in->retry_after_s);
    add_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, in->content_type);
    add_header(out, MHD_HTTP_HEADER_ETAG, in->etag);
    add_header(out, MHD_HTTP_HEADER_LOCATION, in->location);
    add_header(out, MHD_HTTP_HEADER_RETRY_AFTER, retry);
    add_header(out, MHD_HTTP_HEADER_ALLOW, in->allow);
    add_header(out, "Mcos-Answered-By", in->answered_by);
    add_header(out, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add_header(out, "X-Content-Type-Options", "nosniff");
    if (x->closing || *x->home.stopping)
        add_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
    r = MHD_queue_response(c, (unsigned)in->status, out);
    x->answered = true;
    MHD_destroy_response(out);
    return r;
}

static void format_problem(char text[PROBLEM_BYTES], int code, const char *detail)
{
    (void)snprintf(text, PROBLEM_BYTES,
                   "{\"type\": \"/problems/%s\", \"title\": \"%s\", \"status\": %d, "
                   "\"code\": \"%s\", \"detail\": \"%s\"}\n",
                   mcos_err_slug(code), mcos_err_text(code), mcos_err_http(code),
                   mcos_err_slug(code), detail);
}

static enum MHD_Result refuse(struct mc_exchange *x, struct MHD_Connection *c, int code,
                              const char *detail)
{
    struct mc_response answer = {.status = mcos_err_http(code),
                                 .content_type = PROBLEM_TYPE};
    char text[PROBLEM_BYTES];

    if (answer.status == 503)
        answer.retry_after_s = RETRY_S;
    format_problem(text, code, detail);
    mc_buf_put(&answer.body, text, strlen(text));
    x->closing = true;
    return send_answer(x, c, &answer);
}

void mc_exchange_refuse_unread(int fd, int code, const char *detail)
{
    char problem[PROBLEM_BYTES];
    char text[2 * PROBLEM_BYTES];
    char retry[32] = "";

    if (mcos_err_http(code) == 503)
        (void)snprintf(retry, sizeof(retry), "Retry-After: %u\r\n", RETRY_S);
    format_problem(problem, code, detail);
    (void)snprintf(text, sizeof(text),
                   "HTTP/1.1 %d %s\r\nContent-Type: " PROBLEM_TYPE "\r\n%s"
                   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                   mcos_err_http(code), mcos_err_slug(code), retry, strlen(problem),
                   problem);
    (void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
}

/*
 * While a body comes, libmicrohttpd takes no answer, and a body of chunks may never
 * end. So this one goes to the socket directly; what still comes is read for a while,
 * that it may be seen, and then the connection is cut.
 */
static void tell_early(struct mc_exchange *x, struct MHD_Connection *c, int code,
                       const char *detail)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

    x->told = true;
    x->discarded = 0;
    if (info != NULL)
        mc_exchange_refuse_unread(info->connect_fd, code, detail);
}

/* ---- head ---- */

struct heads {
    bool odd; /* a name or a value with what belongs into neither */
    unsigned host;
    unsigned length;
    unsigned coding;
    unsigned most; /* of any one of them */
    unsigned if_match;
    unsigned if_none_match;
    unsigned type;
    unsigned key;
};

/* As RFC 9110 has it. Another server on the way may understand `Content-Length :` or a
 * value that goes on after a lone CR in its own way. */
static bool is_odd(const char *name, size_t name_len, const char *value,
                   size_t value_len)
{
    for (size_t i = 0; i < name_len; i++) {
        if (!isalnum((unsigned char)name[i]) &&
            (name[i] == '\0' || strchr("!#$%&'*+-.^_`|~", name[i]) == NULL))
            return true;
    }
    for (size_t i = 0; i < value_len; i++) {
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return true;
    }
    return name_len == 0;
}

static enum MHD_Result count_head(void *cls, enum MHD_ValueKind kind, const char *name,
                                  size_t name_len, const char *value, size_t value_len)
{
    struct heads *h = cls;
    const struct {
        const char *name;
        unsigned *count;
    } rows[] = {
        {MHD_HTTP_HEADER_HOST, &h->host},
        {MHD_HTTP_HEADER_CONTENT_LENGTH, &h->length},
        {MHD_HTTP_HEADER_TRANSFER_ENCODING, &h->coding},
        {MHD_HTTP_HEADER_IF_MATCH, &h->if_match},
        {MHD_HTTP_HEADER_IF_NONE_MATCH, &h->if_none_match},
        {MHD_HTTP_HEADER_CONTENT_TYPE, &h->type},
        {IDEMPOTENCY_KEY, &h->key},
    };

    (void)kind;
    h->odd = h->odd || is_odd(name, name_len, value, value_len);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcasecmp(rows[i].name, name) == 0 && ++*rows[i].count > h->most)
            h->most = *rows[i].count;
    }
    return MHD_YES;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* NULL, or what is wrong with the headers as such. */
static const char *check_heads(const struct mc_exchange *x, struct MHD_Connection *c)
{
    struct heads h = {0};
    const char *host = header(c, MHD_HTTP_HEADER_HOST);
    const char *coding = header(c, MHD_HTTP_HEADER_TRANSFER_ENCODING);

    (void)MHD_get_connection_values_n(c, MHD_HEADER_KIND, count_head, &h);
    if (h.odd)
        return "a header's name or value holds a character that may not be there";
    if (h.most > 1)
        return "a header that may come once came twice";
    if (h.coding > 0 && h.length > 0)
        return "Content-Length and Transfer-Encoding exclude each other";
    if (coding != NULL && strcasecmp(coding, "chunked") != 0)
        return "of transfer codings only chunked is taken";
    if (!x->home.local && (host == NULL || !mc_listen_host_ok(host)))
        return "the Host header wants a loopback name, like localhost or 127.0.0.1";
    return NULL;
}

static void find_author(struct mc_exchange *x, struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (x->home.local && info != NULL &&
        getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
        (void)snprintf(x->author, sizeof(x->author), "uid:%u", cred.uid);
}

static enum MHD_Result begin(struct mc_exchange *x, struct MHD_Connection *c,
                             const char *method)
{
    struct mc_request *q = &x->request;
    const char *length = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);
    unsigned long long bytes;
    const char *wrong;

    x->begun = true;
    if (strlen(x->target) > MC_HTTP_TARGET_BYTES_MAX)
        return refuse(x, c, MCOS_E_TOOBIG, "the target is too long");
    wrong = check_heads(x, c);
    if (wrong == NULL)
        wrong = mc_target_parse(x->target, x->home.any_bytes, q);
    if (wrong != NULL)
        return refuse(x, c, MCOS_E_USAGE, wrong);
    /* libmicrohttpd leaves the body of an answer to HEAD away. */
    q->method = strcmp(method, "HEAD") == 0 ? "GET" : method;
    q->if_match = header(c, MHD_HTTP_HEADER_IF_MATCH);
    q->if_none_match = header(c, MHD_HTTP_HEADER_IF_NONE_MATCH);
    q->content_type = header(c, MHD_HTTP_HEADER_CONTENT_TYPE);
    q->idempotency_key = header(c, IDEMPOTENCY_KEY);
    find_author(x, c);
    q->author = x->author;
    x->body_max = x->home.handler->body_max(x->home.handler, q->method, q->path);
    x->body.max = x->body_max;
    if (length == NULL)
        return MHD_YES;
    /* libmicrohttpd has read this number before, so it is one. */
    bytes = strtoull(length, NULL, 10);
    if (bytes > x->body_max + DISCARD_BYTES_MAX)
        return refuse(x, c, MCOS_E_TOOBIG, TOO_LONG);
    if (bytes <= x->body_max && bytes > room(x))
        return refuse(x, c, MCOS_E_BUSY, CROWDED);
    if (bytes <= x->body_max) {
        /* In one go, as far as a stranger is believed. */
        (void)mc_buf_reserve(&x->body, bytes < BELIEVED_BYTES ? bytes : BELIEVED_BYTES);
        mc_buf_clear(&x->body);
    }
    return MHD_YES;
}

/* ---- body and end ---- */

static enum MHD_Result take_body(struct mc_exchange *x, struct MHD_Connection *c,
                                 const char *data, size_t *size)
{
    size_t left = x->body_max - x->body.len;
    size_t taken = *size < left ? *size : left;

    if (taken > room(x))
        x->crowded = true;
    if (x->crowded)
        taken = 0;
    if (taken > 0)
        mc_buf_put(&x->body, data, taken);
    count_bytes(x, taken);
    x->discarded += *size - taken;
    *size = 0;
    if (x->discarded <= DISCARD_BYTES_MAX)
        return MHD_YES;
    if (x->told)
        return MHD_NO;
    tell_early(x, c, x->crowded ? MCOS_E_BUSY : MCOS_E_TOOBIG,
               x->crowded ? CROWDED : TOO_LONG);
    return MHD_YES;
}

enum MHD_Result mc_exchange_go_on(struct mc_exchange *x, struct MHD_Connection *c,
                                  const char *method, const char *data, size_t *size)
{
    struct mc_response answer = {0};

    if (!x->begun)
        return begin(x, c, method);
    if (x->kept) {
        if (!x->given)
            return MHD_NO; /* the server closes */
        answer = x->answer;
        x->answer = (struct mc_response){0};
        return send_answer(x, c, &answer);
    }
    if (*size > 0)
        return take_body(x, c, data, size);
    if (x->told)
        return MHD_NO;
    if (x->crowded)
        return refuse(x, c, MCOS_E_BUSY, CROWDED);
    if (x->discarded > 0)
        return refuse(x, c, MCOS_E_TOOBIG, TOO_LONG);
    if (x->body.err != 0)
        return refuse(x, c, x->body.err, "no memory for the body");
    if (x->body.len > 0) {
        if (mc_blob_from_buf(&x->body, &x->blob) != 0)
            return refuse(x, c, MCOS_E_NOMEM, "no memory for the body");
        x->request.body = mc_blob_get(x->blob);
        x->request.blob = x->blob;
    }
    x->request.later = &x->later;
    x->home.handler->handle(x->home.handler, &x->request, &answer);
    return x->kept ? sleep_on(x, c) : send_answer(x, c, &answer);
}
