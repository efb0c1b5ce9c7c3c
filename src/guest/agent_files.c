#include "guest/agent_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/agent_account.h"
#include "guest/agent_child.h"
#include "guest/file.h"

#define NAMES_MOST 1000 /* "name (1000).ext", and no further */
#define ENDING_MOST 32  /* bytes of what counts as the ending of a name */

/* ---- names ---- */

/* Bytes of the UTF-8 character there; 0: it is none, or one that controls. */
static size_t character(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t more = 0; more < sizeof forms / sizeof forms[0]; more++) {
        if ((at[0] & forms[more].mask) != forms[more].lead)
            continue;
        uint32_t value = at[0] & (unsigned char)~forms[more].mask;
        for (size_t i = 1; i <= more; i++) {
            if (i >= left || (at[i] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (at[i] & 0x3fu);
        }
        bool surrogate = value >= 0xd800 && value <= 0xdfff, control = value < 0x20 || (value >= 0x7f && value < 0xa0);
        return value < forms[more].least || value > 0x10ffff || surrogate || control ? 0 : more + 1;
    }
    return 0;
}

bool agent_files_name_is_plain(const char *name, size_t length)
{
    if (length == 0 || length > FILES_NAME || (length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.'))
        return false;
    for (size_t at = 0; at < length;) {
        size_t bytes = name[at] == '/' ? 0 : character((const unsigned char *)name + at, length - at);
        if (bytes == 0)
            return false;
        at += bytes;
    }
    return true;
}

void agent_files_name(char *to, size_t size, const char *name, unsigned number)
{
    char mark[16] = "";
    const char *ending = strrchr(name, '.');
    if (!ending || ending == name || strlen(ending) > ENDING_MOST)
        ending = name + strlen(name);
    if (number > 1)
        snprintf(mark, sizeof mark, " (%u)", number);
    size_t stem = (size_t)(ending - name), rest = strlen(mark) + strlen(ending);
    if (stem + rest > FILES_NAME)
        stem = FILES_NAME - rest;
    while (stem > 0 && stem < (size_t)(ending - name) && (name[stem] & 0xc0) == 0x80)
        stem--; /* a character is not cut in two */
    snprintf(to, size, "%.*s%s%s", (int)stem, name, mark, ending);
}

/* ---- what is under way ---- */

typedef struct {
    int fd; /* -1: none */
    bool put;
    uint64_t size, done;
    char name[FILES_NAME + 1];
} Transfer;

typedef struct {
    int stream, folder; /* folder -1: not opened yet */
    const char *home;
    Transfer each[FILES_OPEN];
    FilesAnswer answer;
    uint8_t *block; /* FILES_BLOCK: what came behind the request, and what goes behind the answer */
} Server;

static FilesResult result_of(int number)
{
    switch (number) {
    case 0:
        return FILES_OK;
    case ENOENT:
        return FILES_NONE;
    case ELOOP:
    case EISDIR:
    case ENOTDIR:
    case ENXIO:
    case EXDEV:
        return FILES_NOT_PLAIN;
    case EACCES:
    case EPERM:
        return FILES_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return FILES_FULL;
    case EOPNOTSUPP:
    case ENOSYS:
        return FILES_UNFIT;
    default:
        return FILES_BROKEN;
    }
}

/* Nothing on the way may be a link. */
static int open_below(int folder, const char *name, uint64_t flags, uint64_t mode)
{
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW, .mode = mode, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
}

static bool folder_open(Server *server, FilesResult *ret)
{
    if (server->folder >= 0)
        return true;
    autofd int home = open(server->home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (home >= 0 && mkdirat(home, FILES_FOLDER, 0755) < 0 && errno != EEXIST)
        *ret = result_of(errno);
    server->folder = home >= 0 ? open_below(home, FILES_FOLDER, O_RDONLY | O_DIRECTORY, 0) : -1;
    if (server->folder >= 0)
        return true;
    *ret = *ret ? *ret : result_of(errno);
    return false;
}

static void transfer_close(Transfer *transfer)
{
    guest_fd_clear(&transfer->fd); /* one without a name is gone with this */
}

static Transfer *transfer_find(Server *server, uint32_t number, bool put)
{
    Transfer *found = number < FILES_OPEN ? &server->each[number] : NULL;
    return found && found->fd >= 0 && found->put == put ? found : NULL;
}

static Transfer *transfer_free_place(Server *server)
{
    for (size_t i = 0; i < FILES_OPEN; i++)
        if (server->each[i].fd < 0)
            return &server->each[i];
    return NULL;
}

/* The name behind a request. */
static FilesResult name_take(Server *server, const FilesRequest *request, char name[FILES_NAME + 1])
{
    if (!agent_files_name_is_plain((const char *)server->block, request->length))
        return FILES_NAME_BAD;
    memcpy(name, server->block, request->length);
    name[request->length] = '\0';
    return FILES_OK;
}

/* ---- what is asked ---- */

/* Behind the answer, if it still fits. */
static bool list_add(Server *server, int folder, const char *name)
{
    struct stat info;
    size_t length = strlen(name);
    if (!agent_files_name_is_plain(name, length) || fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(info.st_mode))
        return false;
    uint8_t *to = server->block + server->answer.length;
    int64_t modified_ms = info.st_mtim.tv_sec * 1000LL + info.st_mtim.tv_nsec / 1000000;
    files_put(to, (uint64_t)info.st_size, 8);
    files_put(to + 8, modified_ms > 0 ? (uint64_t)modified_ms : 0, 8);
    to[16] = (uint8_t)length;
    memcpy(to + 17, name, length);
    server->answer.length += (uint32_t)(17 + length);
    return true;
}

static FilesResult act_list(Server *server)
{
    struct statvfs room;
    int fd = open_below(server->folder, ".", O_RDONLY | O_DIRECTORY, 0);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    uint32_t listed = 0, left_out = 0;
    if (!folder) {
        FilesResult result = result_of(errno);
        guest_fd_clear(&fd);
        return result;
    }
    server->answer.length = 4;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue; /* hidden, as a file manager has it */
        if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
            continue;
        if (listed < FILES_LISTED && list_add(server, fd, entry->d_name))
            listed++;
        else
            left_out++;
    }
    server->answer.value = fstatvfs(fd, &room) == 0 ? room.f_bavail * room.f_frsize : 0;
    files_put(server->block, left_out, 4);
    closedir(folder);
    return FILES_OK;
}

static FilesResult act_put(Server *server, const FilesRequest *request)
{
    Transfer *transfer = transfer_free_place(server);
    if (!transfer)
        return FILES_MANY;
    FilesResult result = name_take(server, request, transfer->name);
    if (result)
        return result;
    if (request->size > INT64_MAX)
        return FILES_FULL;
    transfer->fd = open_below(server->folder, ".", O_WRONLY | O_TMPFILE, 0644);
    if (transfer->fd < 0)
        return errno == EISDIR ? FILES_UNFIT : result_of(errno); /* open(2): without O_TMPFILE it is a folder */
    if (request->size > 0 && fallocate(transfer->fd, 0, 0, (off_t)request->size) < 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
        result = result_of(errno); /* no room: known before a byte has come */
        transfer_close(transfer);
        return result;
    }
    transfer->put = true;
    transfer->size = request->size;
    transfer->done = 0;
    server->answer.value = (uint64_t)(transfer - server->each);
    return FILES_OK;
}

static FilesResult act_write(Server *server, const FilesRequest *request)
{
    Transfer *transfer = transfer_find(server, request->transfer, true);
    bool fits = transfer && request->offset == transfer->done;
    if (!transfer || (fits && request->length > transfer->size - transfer->done))
        return FILES_BAD;
    for (uint32_t done = 0; fits && done < request->length;) {
        ssize_t wrote = pwrite(transfer->fd, server->block + done, request->length - done, (off_t)(request->offset + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            FilesResult result = wrote < 0 ? result_of(errno) : FILES_BROKEN;
            transfer_close(transfer);
            return result;
        }
        done += (uint32_t)wrote;
    }
    transfer->done += fits ? request->length : 0;
    server->answer.value = transfer->done; /* said twice, or with a gap: here is where to go on */
    return FILES_OK;
}

/* Never in the place of another. */
static FilesResult name_give(Server *server, const Transfer *transfer, char name[FILES_NAME + 1])
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", transfer->fd);
    for (unsigned number = 1; number <= NAMES_MOST; number++) {
        agent_files_name(name, FILES_NAME + 1, transfer->name, number);
        if (linkat(AT_FDCWD, self, server->folder, name, AT_SYMLINK_FOLLOW) == 0)
            return FILES_OK;
        if (errno != EEXIST)
            return result_of(errno);
    }
    return FILES_MANY;
}

static FilesResult act_finish(Server *server, const FilesRequest *request)
{
    Transfer *transfer = transfer_find(server, request->transfer, true);
    char name[FILES_NAME + 1];
    if (!transfer || transfer->done != transfer->size)
        return FILES_BAD;
    FilesResult result = name_give(server, transfer, name);
    transfer_close(transfer);
    if (result)
        return result;
    server->answer.length = (uint32_t)strlen(name);
    memcpy(server->block, name, server->answer.length);
    return FILES_OK;
}

static FilesResult act_get(Server *server, const FilesRequest *request)
{
    struct stat info;
    Transfer *transfer = transfer_free_place(server);
    if (!transfer)
        return FILES_MANY;
    FilesResult result = name_take(server, request, transfer->name);
    if (result)
        return result;
    transfer->fd = open_below(server->folder, transfer->name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (transfer->fd < 0)
        return result_of(errno);
    if (fstat(transfer->fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        transfer_close(transfer);
        return FILES_NOT_PLAIN;
    }
    transfer->put = false;
    transfer->size = (uint64_t)info.st_size;
    server->answer.value = (uint64_t)(transfer - server->each);
    server->answer.length = 8;
    files_put(server->block, transfer->size, 8);
    return FILES_OK;
}

static FilesResult act_read(Server *server, const FilesRequest *request)
{
    const Transfer *transfer = transfer_find(server, request->transfer, false);
    if (!transfer || request->offset > transfer->size)
        return FILES_BAD;
    uint64_t left = transfer->size - request->offset, wanted = request->size < left ? request->size : left;
    wanted = wanted < FILES_BLOCK ? wanted : FILES_BLOCK;
    for (uint32_t *done = &server->answer.length; *done < wanted;) {
        ssize_t got = pread(transfer->fd, server->block + *done, (size_t)wanted - *done, (off_t)(request->offset + *done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? result_of(errno) : FILES_CHANGED;
        *done += (uint32_t)got;
    }
    return FILES_OK;
}

static FilesResult act_drop(Server *server, const FilesRequest *request)
{
    if (request->transfer >= FILES_OPEN)
        return FILES_BAD;
    transfer_close(&server->each[request->transfer]);
    return FILES_OK;
}

static FilesResult act(Server *server, const FilesRequest *request)
{
    FilesResult result = FILES_OK;
    if (!folder_open(server, &result))
        return result;
    switch (request->act) {
    case FILES_LIST:
        return act_list(server);
    case FILES_PUT:
        return act_put(server, request);
    case FILES_WRITE:
        return act_write(server, request);
    case FILES_FINISH:
        return act_finish(server, request);
    case FILES_GET:
        return act_get(server, request);
    case FILES_READ:
        return act_read(server, request);
    case FILES_DROP:
        return act_drop(server, request);
    default:
        return FILES_BAD;
    }
}

/* ---- the stream ---- */

static bool receive(int stream, void *to, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = read(stream, (char *)to + done, length - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static bool answer(int stream, const void *from, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t sent = send(stream, (const char *)from + done, length - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        done += (size_t)sent;
    }
    return true;
}

static bool serve_one(Server *server)
{
    uint8_t head[FILES_REQUEST_HEAD], reply[FILES_ANSWER_HEAD];
    if (!receive(server->stream, head, sizeof head))
        return false;
    FilesRequest request = files_request_take(head);
    if (request.length > FILES_BLOCK || !receive(server->stream, server->block, request.length))
        return false;
    server->answer = (FilesAnswer){0};
    server->answer.result = act(server, &request);
    if (server->answer.result)
        server->answer.length = 0;
    files_answer_put(reply, &server->answer);
    return answer(server->stream, reply, sizeof reply) && answer(server->stream, server->block, server->answer.length);
}

int agent_files_serve(int stream, const char *home)
{
    Server server = {.stream = stream, .folder = -1, .home = home, .block = malloc(FILES_BLOCK)};
    for (size_t i = 0; i < FILES_OPEN; i++)
        server.each[i].fd = -1;
    while (server.block && serve_one(&server))
        ;
    for (size_t i = 0; i < FILES_OPEN; i++)
        transfer_close(&server.each[i]);
    guest_fd_clear(&server.folder);
    free(server.block);
    return EXIT_SUCCESS;
}

int agent_files_start(const AgentSession *session)
{
    AgentAccount account;
    char home[sizeof account.home + 8];
    Failure ignored;
    int ends[2];
    if (!session->present || session->uid == 0 || !agent_account_find("", session->user, &account) || account.uid != session->uid ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    autofd int ours = ends[0], theirs = ends[1];
    snprintf(home, sizeof home, "HOME=%s", account.home);
    const char *const argv[] = {"/proc/self/exe", "files", NULL}, *const environment[] = {home, NULL};
    AgentChild child = {.argv = argv, .environment = environment, .uid = session->uid, .stream = theirs};
    if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0 || !agent_child_start(&child, &ignored))
        return -1;
    int kept = ours;
    ours = -1;
    return kept;
}
