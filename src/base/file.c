#include "base/file.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/error.h"

#define LOCK_RETRY_MS 20

void fd_clear(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int fd_steal(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

bool fd_write_all(int fd, const void *data, size_t length, GError **error)
{
    const char *from = data;
    while (length > 0) {
        ssize_t done = write(fd, from, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return oriel_fail_errno(error, errno, "cannot write");
        from += done;
        length -= (size_t)done;
    }
    return true;
}

static bool folder_sync(const char *path, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return oriel_fail_errno(error, errno, "folder \"%s\": cannot make its entries durable", path);
    return true;
}

static bool write_and_sync(int fd, const char *temp, const void *data, size_t length, mode_t mode, GError **error)
{
    if (!fd_write_all(fd, data, length, error)) {
        g_prefix_error(error, "file \"%s\": ", temp);
        return false;
    }
    if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot make it durable", temp);
    return true;
}

bool file_write_atomic(const char *path, const void *data, size_t length, mode_t mode, GError **error)
{
    g_autofree char *temp = g_strdup_printf("%s.XXXXXX", path);
    autofd int fd = g_mkstemp_full(temp, O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot create", path);
    if (!write_and_sync(fd, temp, data, length, mode, error)) {
        unlink(temp);
        return false;
    }
    if (rename(temp, path) < 0) {
        int saved = errno;
        unlink(temp);
        return oriel_fail_errno(error, saved, "file \"%s\": cannot put the new text in place", path);
    }
    g_autofree char *folder = g_path_get_dirname(path);
    return folder_sync(folder, error);
}

char *file_read(const char *path, size_t limit, size_t *ret_length, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) {
        oriel_fail_errno(error, errno, "file \"%s\": cannot read", path);
        return NULL;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    char block[16384];
    ssize_t got;
    while ((got = read(fd, block, sizeof block)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            oriel_fail_errno(error, errno, "file \"%s\": cannot read", path);
            return NULL;
        }
        if (text->len + (size_t)got > limit) {
            oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "file \"%s\": is over its limit of %zu bytes", path, limit);
            return NULL;
        }
        g_string_append_len(text, block, got);
    }
    if (ret_length)
        *ret_length = text->len;
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* A lock that comes free tells nobody who would not block on it, and a blocking flock has no time limit. */
bool file_lock(int fd, int64_t limit_ms)
{
    int64_t deadline = clock_monotonic_ms() + limit_ms;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EINTR && (errno != EWOULDBLOCK || clock_monotonic_ms() >= deadline))
            return false;
        poll(NULL, 0, LOCK_RETRY_MS);
    }
    return true;
}

int file_hold_byte(const char *path, uint16_t byte, GError **error)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0)
        return fd_steal(&fd);
    if (fd >= 0 && (errno == EACCES || errno == EAGAIN))
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "file \"%s\": byte %u is held by another process", path, byte);
    else
        oriel_fail_errno(error, errno, "file \"%s\": byte %u cannot be held", path, byte);
    return -1;
}

pid_t file_byte_holder(const char *path, uint16_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool known = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    return known ? lock.l_pid : 0;
}

bool folder_make(const char *path, mode_t mode, GError **error)
{
    if (g_mkdir_with_parents(path, (int)mode) < 0)
        return oriel_fail_errno(error, errno, "folder \"%s\": cannot create", path);
    return true;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    return remove(path);
}

bool folder_remove(const char *path, GError **error)
{
    if (nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT)
        return oriel_fail_errno(error, errno, "folder \"%s\": cannot remove", path);
    return true;
}

bool folder_free_bytes(const char *path, uint64_t *ret_bytes, GError **error)
{
    struct statvfs info;
    if (statvfs(path, &info) < 0)
        return oriel_fail_errno(error, errno, "folder \"%s\": cannot tell its free space", path);
    *ret_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    return true;
}
