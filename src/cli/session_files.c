#include "cli/session_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/print.h"
#include "cli/progress.h"

static const Column columns[] = {
    {"NAME", "name", SHOW_TEXT},
    {"SIZE", "size_bytes", SHOW_SIZE},
    {"CHANGED", "modified_ms", SHOW_TIME},
    {0},
};

static void show_files(Cli *cli, const Json *list)
{
    print_table(list, columns);
}

bool run_session_files(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("sessions", call_argument(call, 0), "files", NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_files);
}

/* ---- a file on its way ---- */

typedef struct {
    Cli *cli;
    char *path; /* sessions/ID/files/ID */
    uint64_t size, done, piece;
    const char *title;
    Progress *progress;
    bool finished;
} Way;

/* What is not finished is cancelled: nothing is left of it on the desktop. */
static void way_clear(Way *way)
{
    progress_free(way->progress);
    if (way->path && !way->finished)
        json_decref(client_request(way->cli->client, "DELETE", way->path, NULL, NULL));
    g_free(way->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Way, way_clear)

static bool way_begin(Way *way, const Call *call, const Json *order, GError **error)
{
    g_autofree char *path = client_path("sessions", call_argument(call, 0), "files", NULL);
    g_autoptr(Json) transfer = client_request(way->cli->client, "POST", path, order, error);
    const char *id = json_string_value(json_object_get(transfer, "id"));
    json_int_t size = json_integer_value(json_object_get(transfer, "size_bytes")), piece = json_integer_value(json_object_get(transfer, "piece_bytes"));
    if (!transfer)
        return false;
    if (!id)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "answer of orield: it has no transfer's id");
    way->path = client_path("sessions", call_argument(call, 0), "files", id, NULL);
    way->size = (uint64_t)MAX(size, 0);
    way->piece = (uint64_t)CLAMP(piece, 1, 1024 * 1024);
    way->progress = progress_new(way->cli->terminal_error, way->cli->quiet);
    return true;
}

static void way_moved(Way *way, uint64_t done)
{
    way->done = done;
    if (way->cli->terminal_error)
        progress_set(way->progress, way->title, way->size ? (int)((double)way->done * 100 / (double)way->size) : 100, NULL);
}

static char *piece_path(const Way *way)
{
    return g_strdup_printf("%s/bytes?offset=%" G_GUINT64_FORMAT, way->path, way->done);
}

/* The name that it has there; caller frees. */
static char *way_finish(Way *way, GError **error)
{
    g_autofree char *path = g_strconcat(way->path, "/finish", NULL);
    g_autoptr(Json) answer = client_request(way->cli->client, "POST", path, NULL, error);
    way->finished = answer != NULL;
    return answer ? g_strdup(json_string_value(json_object_get(answer, "name"))) : NULL;
}

/* ---- to the desktop ---- */

static GBytes *piece_read(const Way *way, int fd, const char *file, GError **error)
{
    size_t wanted = (size_t)MIN(way->piece, way->size - way->done), got = 0;
    g_autofree char *bytes = g_malloc(wanted);
    while (got < wanted) {
        ssize_t more = pread(fd, bytes + got, wanted - got, (off_t)(way->done + got));
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            oriel_fail_errno(error, errno, "file \"%s\"", file);
        else if (more == 0)
            oriel_fail(error, ORIEL_ERROR_CONFLICT, "file \"%s\": has become shorter while it was sent; try again", file);
        if (more <= 0)
            return NULL;
        got += (size_t)more;
    }
    return g_bytes_new_take(g_steal_pointer(&bytes), got);
}

static bool send_all(Way *way, int fd, const char *file, GError **error)
{
    while (way->done < way->size) {
        g_autofree char *path = piece_path(way);
        g_autoptr(GBytes) piece = piece_read(way, fd, file, error);
        g_autoptr(Json) answer = piece ? client_send(way->cli->client, path, piece, error) : NULL;
        if (!answer)
            return false;
        json_int_t done = json_integer_value(json_object_get(answer, "done_bytes"));
        if (done <= (json_int_t)way->done || (uint64_t)done > way->size)
            return oriel_fail(error, ORIEL_ERROR_CONFLICT, "file \"%s\": the desktop lost a piece of it; send it again", file);
        way_moved(way, (uint64_t)done);
    }
    return true;
}

bool run_session_put(Cli *cli, const Call *call, GError **error)
{
    const char *file = call_argument(call, 1);
    g_autofree char *name = g_path_get_basename(file);
    g_auto(Way) way = {.cli = cli, .title = name};
    struct stat info;
    autofd int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\"", file);
    if (!S_ISREG(info.st_mode))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "file \"%s\": is no ordinary file; pack a folder into an archive first", file);
    g_autoptr(Json) order = json_pack("{s:s, s:s, s:I}", "direction", "to_desktop", "name", name, "size_bytes", (json_int_t)info.st_size);
    if (!order)
        return cli_misused(cli, error, "the name of the file is not UTF-8");
    if (!way_begin(&way, call, order, error) || !send_all(&way, fd, file, error))
        return false;
    g_autofree char *given = way_finish(&way, error);
    if (!given)
        return false;
    g_autofree char *safe = print_safe(given);
    if (cli->json) {
        g_autoptr(Json) answer = json_pack("{s:s}", "name", given);
        print_json(answer);
    }
    cli_say(cli, "It is on the desktop: Downloads/%s", safe);
    return true;
}

/* ---- from the desktop ---- */

static bool fetch_all(Way *way, int fd, GError **error)
{
    while (way->done < way->size) {
        g_autofree char *path = piece_path(way);
        g_autoptr(GBytes) piece = client_fetch(way->cli->client, path, NULL, error);
        gsize length = 0;
        const void *bytes = piece ? g_bytes_get_data(piece, &length) : NULL;
        if (!piece)
            return false;
        if (length == 0 || length > way->size - way->done)
            return oriel_fail(error, ORIEL_ERROR_CORRUPT, "file \"%s\": the desktop sent something else than it said", way->title);
        if (!fd_write_all(fd, bytes, length, error))
            return false;
        way_moved(way, way->done + length);
    }
    return true;
}

static bool fetch(Way *way, const Call *call, int fd, GError **error)
{
    g_autoptr(Json) order = json_pack("{s:s, s:s}", "direction", "from_desktop", "name", way->title);
    if (!order)
        return cli_misused(way->cli, error, "the name of the file is not UTF-8");
    if (!way_begin(way, call, order, error) || !fetch_all(way, fd, error))
        return false;
    g_autofree char *name = way_finish(way, error);
    return name != NULL;
}

/* Whole or not at all; in the place of another only where that was asked for. */
static bool fetch_into(Way *way, const Call *call, const char *output, GError **error)
{
    const char *target = output ? output : way->title;
    if (!output && (strchr(target, '/') || access(target, F_OK) == 0))
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "file \"%s\": is here already; say with --output where it shall go", target);
    struct stat there;
    if (output && stat(output, &there) == 0 && !S_ISREG(there.st_mode)) /* it would be put in that one's place */
        return oriel_fail(error, ORIEL_ERROR_INVALID, "file \"%s\": is not an ordinary file; name one, or one that is not there yet", target);
    g_autofree char *part = g_strconcat(target, ".XXXXXX", NULL);
    autofd int fd = g_mkstemp_full(part, O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0)
        return oriel_fail_errno(error, errno, "file \"%s\"", target);
    bool done = fetch(way, call, fd, error);
    if (done && (output ? rename(part, target) : link(part, target)) < 0)
        done = oriel_fail_errno(error, errno, "file \"%s\"", target);
    if (!done || !output)
        unlink(part);
    return done;
}

bool run_session_get(Cli *cli, const Call *call, GError **error)
{
    const char *output = call_option(call, "output");
    g_auto(Way) way = {.cli = cli, .title = call_argument(call, 1)};
    if (g_strcmp0(output, "-") == 0)
        return fetch(&way, call, STDOUT_FILENO, error);
    if (!fetch_into(&way, call, output, error))
        return false;
    cli_say(cli, "It is here: %s", output ? output : way.title);
    return true;
}
