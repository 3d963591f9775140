/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/curl/client.c -- one agent, asked over libcurl. */
#include "adapter/curl/client.h"

#include "adapter/curl/libcurl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define CONNECT_MS_MAX 5000l /* a loopback or LAN peer that is there answers sooner */

struct mc_client {
    const struct mc_libcurl *lib;
    CURL *curl;
    char *server;
    char *socket_path; /* NULL: TCP */
    char *base;        /* http://host:port */
    uint32_t timeout_ms;
    bool refused; /* by the last send */
    const volatile sig_atomic_t *stop;
    void (*wait)(void *ctx);
    void *wait_ctx;
};

static int parse_server(struct mc_client *c, const char *server,
                        struct mcos_diag *diag);
/* What is under way. */
struct sending {
    const struct mc_client *client;
    const struct mc_request *request;
    struct mc_response *response;
};

static int set_up(struct mc_client *c, struct sending *sending,
                  struct curl_slist **ret_headers, char **ret_url);
static bool nobody_listens(const struct mc_client *c);
static int explain(const struct mc_client *c, CURLcode rc,
                   const struct mc_response *response, struct mcos_diag *diag);

int mc_client_new(const char *server, uint32_t timeout_ms,
                  struct mc_client **ret_client, struct mcos_diag *diag)
{
    struct mc_client *c = calloc(1, sizeof(*c));
    int rc = MCOS_E_NOMEM;

    if (c == NULL)
        return rc;
    c->timeout_ms = timeout_ms;
    c->server = strdup(server);
    if (c->server == NULL)
        goto out;
    rc = mc_libcurl_load(&c->lib, diag);
    if (rc == 0)
        rc = parse_server(c, server, diag);
    if (rc < 0)
        goto out;
    c->curl = c->lib->easy_init();
    if (c->curl == NULL) {
        rc = MCOS_E_NOMEM;
        goto out;
    }
    *ret_client = c;
    return 0;
out:
    mc_client_free(c);
    return rc;
}

void mc_client_free(struct mc_client *c)
{
    if (c == NULL)
        return;
    if (c->curl != NULL)
        c->lib->easy_cleanup(c->curl);
    free(c->server);
    free(c->socket_path);
    free(c->base);
    free(c);
}

void mc_client_stop_on(struct mc_client *c, const volatile sig_atomic_t *stop)
{
    c->stop = stop;
}

void mc_client_on_wait(struct mc_client *c, void (*wait)(void *ctx), void *ctx)
{
    c->wait = wait;
    c->wait_ctx = ctx;
}

const char *mc_client_server(const struct mc_client *c)
{
    return c->server;
}

int mc_client_send(struct mc_client *c, const struct mc_request *request,
                   struct mc_response *response, struct mcos_diag *diag)
{
    struct sending sending = {c, request, response};
    struct curl_slist *headers = NULL;
    char *url = NULL;
    long status = 0;
    CURLcode done;
    int rc;

    mc_buf_clear(&response->body);
    response->body.max = MC_CLIENT_BODY_MAX;
    response->status = 0;
    response->etag[0] = response->content_type[0] = response->answered_by[0] = '\0';
    response->retry_after_s = 0;
    c->refused = false;
    rc = set_up(c, &sending, &headers, &url);
    if (rc < 0)
        goto out;
    done = c->lib->easy_perform(c->curl);
    c->refused = done == CURLE_COULDNT_CONNECT && nobody_listens(c);
    if (done != CURLE_OK) {
        rc = explain(c, done, response, diag);
        goto out;
    }
    (void)c->lib->easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    response->status = (int)status;
out:
    c->lib->slist_free_all(headers);
    free(url);
    return rc;
}

void mc_response_fini(struct mc_response *response)
{
    mc_buf_fini(&response->body);
}

void mc_client_escape(struct mc_buf *b, struct mc_bytes text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        uint8_t v = text.ptr[i];

        if ((v >= 'a' && v <= 'z') || (v >= 'A' && v <= 'Z') ||
            (v >= '0' && v <= '9') || v == '-' || v == '_' || v == '.' || v == '~') {
            mc_buf_u8(b, v);
        } else {
            mc_buf_u8(b, '%');
            mc_buf_u8(b, (uint8_t)digits[v >> 4]);
            mc_buf_u8(b, (uint8_t)digits[v & 15]);
        }
    }
}

static int refuse(const char *server, const char *why, struct mcos_diag *diag)
{
    return mcos_diag_set(
        diag, MCOS_E_USAGE, "--server", "\"%.100s\" is no server%s%s: %s", server,
        why[0] == '\0' ? "" : ": ", why, "write http://HOST:PORT or unix:PATH");
}

/* As libcurl will understand it: better now than with each request. */
static int check_url(const struct mc_client *c, const char *server,
                     struct mcos_diag *diag)
{
    CURLU *url = c->lib->url();
    CURLUcode rc;

    if (url == NULL)
        return MCOS_E_NOMEM;
    rc = c->lib->url_set(url, CURLUPART_URL, server, 0);
    c->lib->url_cleanup(url);
    if (rc == CURLUE_OUT_OF_MEMORY)
        return MCOS_E_NOMEM;
    if (rc != CURLUE_OK)
        return refuse(server, c->lib->url_strerror(rc), diag);
    return strpbrk(server, "?#") == NULL ? 0 : refuse(server, "", diag);
}

static int parse_server(struct mc_client *c, const char *server, struct mcos_diag *diag)
{
    size_t len;
    int err;

    if (strncmp(server, "unix:", 5) == 0) {
        if (server[5] == '\0')
            return mcos_diag_set(diag, MCOS_E_USAGE, "--server",
                                 "unix: needs the path of a socket");
        if (strlen(server + 5) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
            return refuse(server, "the path of a socket is shorter", diag);
        c->socket_path = strdup(server + 5);
        c->base = strdup("http://localhost");
        return c->socket_path == NULL || c->base == NULL ? MCOS_E_NOMEM : 0;
    }
    if (strncmp(server, "http://", 7) != 0 || server[7] == '\0')
        return refuse(server, "", diag);
    err = check_url(c, server, diag);
    if (err != 0)
        return err;
    c->base = strdup(server);
    if (c->base == NULL)
        return MCOS_E_NOMEM;
    for (len = strlen(c->base); len > 7 && c->base[len - 1] == '/'; len--)
        c->base[len - 1] = '\0';
    return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    const struct sending *sending = ctx;
    const struct mc_client *c = sending->client;
    const struct mc_request *request = sending->request;
    struct mc_buf *body = &sending->response->body;
    long status = 0;

    mc_buf_put(body, data, size * count);
    (void)c->lib->easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    if (body->err == 0 && request->most != NULL &&
        body->len > request->most(request->most_ctx, (int)status,
                                  (struct mc_bytes){body->ptr, body->len}))
        body->err = MCOS_E_TOOBIG;
    return body->err == 0 ? size * count : 0;
}

/* The value of a header line if it has that name, cut to fit. */
static bool header_value(const char *line, size_t len, const char *name, char *dst,
                         size_t cap)
{
    size_t skip = strlen(name);
    size_t n;

    if (len <= skip || strncasecmp(line, name, skip) != 0 || line[skip] != ':')
        return false;
    for (skip++; skip < len && (line[skip] == ' ' || line[skip] == '\t');)
        skip++;
    while (len > skip && strchr(" \t\r\n", line[len - 1]) != NULL)
        len--;
    n = len - skip < cap - 1 ? len - skip : cap - 1;
    memcpy(dst, line + skip, n);
    dst[n] = '\0';
    return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct mc_response *r = ctx;
    size_t len = size * count;
    char number[16];

    if (header_value(line, len, "ETag", r->etag, sizeof(r->etag)) ||
        header_value(line, len, "Content-Type", r->content_type,
                     sizeof(r->content_type)) ||
        header_value(line, len, "Mcos-Answered-By", r->answered_by,
                     sizeof(r->answered_by)))
        return len;
    if (header_value(line, len, "Retry-After", number, sizeof(number))) {
        unsigned long n = strtoul(number, NULL, 10);

        r->retry_after_s = n > 3600 ? 3600 : (unsigned)n;
    }
    return len;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c,
                       curl_off_t d)
{
    const struct mc_client *client = ctx;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    if (client->wait != NULL)
        client->wait(client->wait_ctx);
    return client->stop != NULL && *client->stop != 0;
}

static int add_header(const struct mc_client *c, struct curl_slist **headers,
                      const char *name, const char *value)
{
    char line[256];
    struct curl_slist *more;

    if (value == NULL)
        return 0;
    if ((size_t)snprintf(line, sizeof(line), "%s: %s", name, value) >= sizeof(line) ||
        strpbrk(value, "\r\n") != NULL)
        return MCOS_E_USAGE;
    more = c->lib->slist_append(*headers, line);
    if (more == NULL)
        return MCOS_E_NOMEM;
    *headers = more;
    return 0;
}

static int set_up(struct mc_client *c, struct sending *sending,
                  struct curl_slist **ret_headers, char **ret_url)
{
    const struct mc_request *request = sending->request;
    const char *method = request->method == NULL ? "GET" : request->method;
    int rc;

    c->lib->easy_reset(c->curl); /* keeps the connection */
    if (asprintf(ret_url, "%s%s", c->base, request->path) < 0) {
        *ret_url = NULL;
        return MCOS_E_NOMEM;
    }
    c->lib->easy_setopt(c->curl, CURLOPT_URL, *ret_url);
    c->lib->easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http");
    c->lib->easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1l);
    c->lib->easy_setopt(c->curl, CURLOPT_PROXY, ""); /* an agent is asked directly */
    c->lib->easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
    /* Nor is a name server waited for longer: its thread ends by itself. */
    c->lib->easy_setopt(c->curl, CURLOPT_QUICK_EXIT, 1l);
    c->lib->easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS,
                        c->timeout_ms < CONNECT_MS_MAX ? (long)c->timeout_ms
                                                       : CONNECT_MS_MAX);
    if (c->socket_path != NULL)
        c->lib->easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket_path);
    c->lib->easy_setopt(c->curl, CURLOPT_USERAGENT, "mcos/" MCOS_VERSION);
    c->lib->easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
    c->lib->easy_setopt(c->curl, CURLOPT_WRITEDATA, sending);
    c->lib->easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
    c->lib->easy_setopt(c->curl, CURLOPT_HEADERDATA, sending->response);
    c->lib->easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0l);
    c->lib->easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    c->lib->easy_setopt(c->curl, CURLOPT_XFERINFODATA, c);
    c->lib->easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    if (request->body.ptr != NULL || strcmp(method, "PUT") == 0) {
        const void *body =
            request->body.ptr == NULL ? "" : (const void *)request->body.ptr;

        c->lib->easy_setopt(c->curl, CURLOPT_POSTFIELDS, body); /* borrowed */
        c->lib->easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                            (curl_off_t)request->body.len);
    }
    rc = add_header(c, ret_headers, "If-Match", request->if_match);
    if (rc == 0)
        rc = add_header(c, ret_headers, "If-None-Match", request->if_none_match);
    if (rc == 0)
        rc = add_header(c, ret_headers, "Content-Type",
                        request->content_type == NULL && request->body.ptr != NULL
                            ? "application/octet-stream"
                            : request->content_type);
    if (rc == 0)
        c->lib->easy_setopt(c->curl, CURLOPT_HTTPHEADER, *ret_headers);
    return rc;
}

bool mc_client_refused(const struct mc_client *client)
{
    return client->refused;
}

static bool nobody_listens(const struct mc_client *c)
{
    long os = 0;

    (void)c->lib->easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &os);
    return os == ECONNREFUSED || os == ENOENT;
}

/* What went wrong below HTTP. */
static int explain(const struct mc_client *c, CURLcode done,
                   const struct mc_response *response, struct mcos_diag *diag)
{
    long os = 0;

    if (done == CURLE_ABORTED_BY_CALLBACK)
        return mcos_diag_set(diag, MCOS_E_EMPTY, "", "interrupted");
    if (done == CURLE_OUT_OF_MEMORY || response->body.err == MCOS_E_NOMEM)
        return mcos_diag_set(diag, MCOS_E_NOMEM, "", "out of memory");
    if (response->body.err == MCOS_E_TOOBIG)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "",
                             "the answer of %s is longer than it may be", c->server);
    (void)c->lib->easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &os);
    if (done == CURLE_OPERATION_TIMEDOUT)
        return mcos_diag_set(
            diag, MCOS_E_UNREACHABLE, "",
            "%s did not answer in %.1f s: is it overloaded or stopped?", c->server,
            c->timeout_ms / 1000.0);
    if (done == CURLE_COULDNT_CONNECT && c->socket_path != NULL)
        return mcos_diag_set(diag, MCOS_E_UNREACHABLE, "", "no agent listens on %s%s%s",
                             c->server, os != 0 ? ": " : "",
                             os != 0 ? strerror((int)os) : "");
    if (done == CURLE_COULDNT_CONNECT || done == CURLE_COULDNT_RESOLVE_HOST)
        return mcos_diag_set(diag, MCOS_E_UNREACHABLE, "",
                             "no agent answers at %s (%s)", c->server,
                             os != 0 ? strerror((int)os) : c->lib->easy_strerror(done));
    return mcos_diag_set(diag, MCOS_E_UNREACHABLE, "", "talking to %s failed: %s",
                         c->server, c->lib->easy_strerror(done));
}
