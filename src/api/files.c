#include "api/files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"

#define HASH_LENGTH 8 /* of esbuild */

struct Files {
    char *folder;
};

Files *files_new(const char *folder)
{
    Files *files = g_new0(Files, 1);
    files->folder = g_strdup(folder);
    return files;
}

void files_free(Files *files)
{
    if (!files)
        return;
    g_free(files->folder);
    g_free(files);
}

const char *files_content_type(const char *name)
{
    static const struct {
        const char *suffix;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".webp", "image/webp"},
        {".woff2", "font/woff2"},
        {".wasm", "application/wasm"},
        {".txt", "text/plain; charset=utf-8"},
        {".yaml", "text/plain; charset=utf-8"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_str_has_suffix(name, types[i].suffix))
            return types[i].type;
    return "application/octet-stream";
}

bool files_is_hashed(const char *name)
{
    const char *dash = strrchr(name, '-');
    if (!dash)
        return false;
    size_t length = strcspn(dash + 1, ".");
    if (length != HASH_LENGTH || dash[1 + length] != '.')
        return false;
    for (size_t i = 1; i <= length; i++)
        if (!g_ascii_isupper(dash[i]) && !g_ascii_isdigit(dash[i]))
            return false;
    return true;
}

/* Opens folder/path, one name at a time. -1: there is no such file. */
static int open_beneath(const char *folder, const char *path)
{
    autofd int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    for (size_t i = 0; at >= 0 && names[i]; i++) {
        if (names[i][0] == '.' || names[i][0] == '\0')
            return -1;
        int flags = names[i + 1] ? O_PATH | O_DIRECTORY : O_RDONLY | O_NONBLOCK;
        int next = openat(at, names[i], flags | O_NOFOLLOW | O_CLOEXEC);
        fd_clear(&at);
        at = next;
    }
    return fd_steal(&at);
}

static int open_regular(const char *folder, const char *path, struct stat *ret)
{
    autofd int file = open_beneath(folder, path);
    if (file < 0 || fstat(file, ret) != 0 || !S_ISREG(ret->st_mode))
        return -1;
    return fd_steal(&file);
}

static char *etag_of(const struct stat *facts, bool compressed)
{
    return g_strdup_printf("\"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x%s\"",
                           (gint64)facts->st_mtim.tv_sec, (gint64)facts->st_mtim.tv_nsec,
                           (gint64)facts->st_size, compressed ? "-gz" : "");
}

bool files_reply(const Files *files, const Request *request, Reply *reply, GError **error)
{
    const char *path = strcmp(request->path, "/") == 0 ? "index.html" : request->path + 1;
    struct stat facts;
    autofd int file = -1;
    bool compressed = false;
    if (request_header_has(request, "accept-encoding", "gzip")) {
        g_autofree char *beside = g_strconcat(path, ".gz", NULL);
        file = open_regular(files->folder, beside, &facts);
        compressed = file >= 0;
    }
    if (file < 0)
        file = open_regular(files->folder, path, &facts);
    if (file < 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no page \"%s\"", request->path);
    g_autofree char *etag = etag_of(&facts, compressed);
    reply_header(reply, "ETag", etag);
    reply_header(reply, "Vary", "Accept-Encoding");
    reply_header(reply, "Cache-Control",
                 files_is_hashed(path) ? "public, max-age=31536000, immutable" : "no-cache");
    if (request_header_has(request, "if-none-match", etag)) {
        reply->status = 304;
        return true;
    }
    if (compressed)
        reply_header(reply, "Content-Encoding", "gzip");
    reply->status = 200;
    reply->content_type = files_content_type(path);
    reply->file_bytes = (uint64_t)facts.st_size;
    reply->file = fd_steal(&file);
    return true;
}
