/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/swiftconf.c -- the part of Python's ConfigParser that Swift's
 * hash settings meet. Where it would fail, so do we: a secret read in another
 * way than Swift reads it would put every name in another partition.
 */
#include "adapter/swift/swiftconf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum section { NOWHERE, DEFAULTS, SWIFT_HASH, ELSEWHERE };
enum option { PREFIX, SUFFIX, OPTIONS, OTHER = OPTIONS };

static const char *const option_names[OPTIONS] = {
    "swift_hash_path_prefix",
    "swift_hash_path_suffix",
};

struct value {
    struct mc_buf text;
    bool set;
};

struct mc_swiftconf {
    struct value value[2][OPTIONS]; /* of [DEFAULT], of [swift-hash] */
};

struct parse {
    struct mc_swiftconf *conf;
    enum section section;
    bool seen_swift_hash;
    bool in_option; /* an option of this section was seen: lines may continue it */
    struct value *current; /* the option that further lines belong to, if ours */
    size_t indent;
    long line;
    struct mcos_diag *diag;
};

/* What Python's str.isspace() says of a Latin-1 character. */
static bool is_space(uint8_t c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0;
}

static struct mc_bytes strip(struct mc_bytes b)
{
    while (b.len != 0 && is_space(b.ptr[b.len - 1]))
        b.len--;
    while (b.len != 0 && is_space(b.ptr[0])) {
        b.ptr++;
        b.len--;
    }
    return b;
}

static bool is_text(struct mc_bytes b, const char *want)
{
    return b.len == strlen(want) && memcmp(b.ptr, want, b.len) == 0;
}

static bool is_option(struct mc_bytes b, const char *want)
{
    size_t n = strlen(want);

    if (b.len != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = b.ptr[i];

        if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)want[i])
            return false;
    }
    return true;
}

static int fail(const struct parse *p, const char *field, const char *text)
{
    int err = mcos_diag_set(p->diag, MCOS_E_CONFIG, field, "%s", text);

    if (p->diag != NULL)
        p->diag->line = p->line;
    return err;
}

static int section_line(struct parse *p, struct mc_bytes name)
{
    p->in_option = false;
    p->current = NULL;
    p->section = ELSEWHERE;
    if (is_text(name, "DEFAULT")) {
        p->section = DEFAULTS;
    } else if (is_text(name, "swift-hash")) {
        if (p->seen_swift_hash)
            return fail(p, "swift-hash", "the section is there twice");
        p->seen_swift_hash = true;
        p->section = SWIFT_HASH;
    }
    return 0;
}

static int option_line(struct parse *p, struct mc_bytes line)
{
    struct mc_bytes name = {line.ptr, 0};
    struct mc_bytes text;
    unsigned option;

    while (name.len < line.len && line.ptr[name.len] != '=' &&
           line.ptr[name.len] != ':')
        name.len++;
    if (name.len == line.len || strip(name).len == 0)
        return fail(p, "", "neither a section nor an option");
    text = strip((struct mc_bytes){line.ptr + name.len + 1, line.len - name.len - 1});
    name = strip(name);
    p->in_option = true;
    p->current = NULL;
    for (option = 0; option < OPTIONS; option++) {
        if (is_option(name, option_names[option]))
            break;
    }
    if (option == OTHER || p->section == ELSEWHERE)
        return 0;
    p->current = &p->conf->value[p->section == SWIFT_HASH][option];
    if (p->current->set)
        return fail(p, option_names[option], "the option is there twice");
    p->current->set = true;
    mc_buf_put(&p->current->text, text.ptr, text.len);
    return 0;
}

static void continuation(struct parse *p, struct mc_bytes text)
{
    if (p->current == NULL)
        return;
    mc_buf_u8(&p->current->text, '\n');
    mc_buf_put(&p->current->text, text.ptr, text.len);
}

static int one_line(struct parse *p, struct mc_bytes line)
{
    struct mc_bytes text = strip(line);
    size_t indent = 0;

    if (text.len != 0 && (text.ptr[0] == '#' || text.ptr[0] == ';'))
        return 0;
    if (text.len == 0) {
        continuation(p, text);
        return 0;
    }
    indent = (size_t)(text.ptr - line.ptr);
    if (p->section != NOWHERE && p->in_option && indent > p->indent) {
        continuation(p, text);
        return 0;
    }
    p->indent = indent;
    if (text.ptr[0] == '[') {
        size_t end = text.len - 1;

        while (end > 0 && text.ptr[end] != ']')
            end--;
        if (end > 1)
            return section_line(p, (struct mc_bytes){text.ptr + 1, end - 1});
    }
    if (p->section == NOWHERE)
        return fail(p, "", "the file does not begin with a [section]");
    return option_line(p, text);
}

/* White space at the end goes; "%%" is one percent sign; others stand for another
 * option, or for nothing. */
static int finish(struct parse *p, unsigned option, struct value *v)
{
    size_t to = 0;

    if (v->text.err != 0)
        return v->text.err;
    while (v->text.len != 0 && is_space(v->text.ptr[v->text.len - 1]))
        v->text.len--;
    for (size_t from = 0; from < v->text.len; from++) {
        uint8_t c = v->text.ptr[from];

        if (c == '%' && (++from == v->text.len || v->text.ptr[from] != '%')) {
            p->line = 0;
            return fail(p, option_names[option],
                        "a percent sign that is not doubled: interpolation is not "
                        "supported here");
        }
        v->text.ptr[to++] = c;
    }
    v->text.len = to;
    return 0;
}

static int finish_all(struct parse *p)
{
    bool any = false;

    for (unsigned option = 0; option < OPTIONS; option++) {
        struct value *own = &p->conf->value[1][option];
        struct value *inherited = &p->conf->value[0][option];
        struct value *used = own->set ? own : inherited;
        int err;

        if (used->set && p->seen_swift_hash) {
            err = finish(p, option, used);
            if (err != 0)
                return err;
            any = any || used->text.len != 0;
        }
    }
    if (!any) {
        p->line = 0;
        return fail(p, "swift-hash",
                    "neither swift_hash_path_prefix nor swift_hash_path_suffix is set");
    }
    return 0;
}

static int parse_lines(struct parse *p, struct mc_bytes text)
{
    size_t from = 0;

    while (from < text.len) {
        size_t end = from;
        int err;

        while (end < text.len && text.ptr[end] != '\n' && text.ptr[end] != '\r')
            end++;
        p->line++;
        err = one_line(p, (struct mc_bytes){text.ptr + from, end - from});
        if (err != 0)
            return err;
        from = end + 1;
        if (end + 1 < text.len && text.ptr[end] == '\r' && text.ptr[end + 1] == '\n')
            from++;
    }
    return finish_all(p);
}

int mc_swiftconf_parse(struct mc_bytes text, struct mc_swiftconf **ret_conf,
                       struct mcos_diag *diag)
{
    struct parse p = {.diag = diag};
    int err;

    if (text.len > MC_SWIFTCONF_BYTES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "",
                             "a swift.conf of more than %u bytes",
                             MC_SWIFTCONF_BYTES_MAX);
    p.conf = calloc(1, sizeof(*p.conf));
    if (p.conf == NULL)
        return MCOS_E_NOMEM;
    /* One allocation for each value that can occur: realloc would leave copies. */
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned option = 0; option < OPTIONS; option++) {
            (void)mc_buf_reserve(&p.conf->value[i][option].text, text.len + 1);
            p.conf->value[i][option].text.len = 0;
        }
    }
    err = parse_lines(&p, text);
    if (err != 0) {
        mc_swiftconf_free(p.conf);
        return err;
    }
    *ret_conf = p.conf;
    return 0;
}

static int read_file(FILE *file, uint8_t *room, size_t cap, size_t *ret_len)
{
    size_t n = fread(room, 1, cap, file);

    if (ferror(file))
        return MCOS_E_IO;
    *ret_len = n;
    return 0;
}

int mc_swiftconf_open(const char *path, struct mc_swiftconf **ret_conf,
                      struct mcos_diag *diag)
{
    const size_t cap = MC_SWIFTCONF_BYTES_MAX + 1u;
    FILE *file = fopen(path, "rbe");
    uint8_t *room = NULL;
    size_t len = 0;
    int err;

    if (file == NULL) {
        err = errno == ENOENT ? MCOS_E_NOTFOUND : MCOS_E_IO;
        return mcos_diag_set(diag, err, path, "cannot open: %s", strerror(errno));
    }
    /* Unbuffered: no copy of the secret stays behind in the library. */
    (void)setvbuf(file, NULL, _IONBF, 0);
    room = malloc(cap);
    err = room == NULL ? MCOS_E_NOMEM : read_file(file, room, cap, &len);
    if (err == 0)
        err = mc_swiftconf_parse((struct mc_bytes){room, len}, ret_conf, diag);
    else
        err = mcos_diag_set(diag, err, path, "cannot read");
    if (room != NULL)
        explicit_bzero(room, len);
    free(room);
    (void)fclose(file);
    return err;
}

static struct mc_bytes value_of(const struct mc_swiftconf *conf, enum option option)
{
    const struct value *own = &conf->value[1][option];
    const struct value *used = own->set ? own : &conf->value[0][option];

    return (struct mc_bytes){used->text.ptr, used->text.len};
}

struct mc_secret mc_swiftconf_secret(const struct mc_swiftconf *conf)
{
    return (struct mc_secret){value_of(conf, PREFIX), value_of(conf, SUFFIX)};
}

void mc_swiftconf_free(struct mc_swiftconf *conf)
{
    if (conf == NULL)
        return;
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned option = 0; option < OPTIONS; option++) {
            struct mc_buf *text = &conf->value[i][option].text;

            if (text->ptr != NULL)
                explicit_bzero(text->ptr, text->cap);
            mc_buf_fini(text);
        }
    }
    free(conf);
}
