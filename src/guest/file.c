#include "guest/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void guest_fd_clear(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

ssize_t guest_file_read(const char *path, char *buffer, size_t size)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    size_t used = 0;
    while (used < size - 1) {
        ssize_t got = read(fd, buffer + used, size - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    buffer[used] = '\0';
    return (ssize_t)used;
}

static bool write_whole(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t done = write(fd, text, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        text += done;
        left -= (size_t)done;
    }
    return true;
}

bool guest_file_replace(const char *path, const char *text, mode_t mode, Failure *failure)
{
    char temp[PATH_MAX];
    if (snprintf(temp, sizeof temp, "%s.oriel-new", path) >= (int)sizeof temp)
        return failure_set(failure, "path of a file is too long");
    unlink(temp);
    autofd int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return failure_set_errno(failure, errno, "cannot create %.180s", temp);
    if (!write_whole(fd, text) || fchmod(fd, mode) < 0 || rename(temp, path) < 0) {
        int saved = errno;
        unlink(temp);
        return failure_set_errno(failure, saved, "cannot write %.180s", path);
    }
    return true;
}

bool guest_file_replace_owned(const char *path, const char *text, mode_t mode, Failure *failure)
{
    struct stat old;
    bool known = stat(path, &old) == 0;
    if (!guest_file_replace(path, text, known ? old.st_mode & 07777 : mode, failure))
        return false;
    if (known && (old.st_uid != geteuid() || old.st_gid != getegid()) && chown(path, old.st_uid, old.st_gid) < 0)
        return failure_set_errno(failure, errno, "cannot keep the owner of %.180s", path);
    return true;
}

bool guest_file_poke(const char *path, const char *text, Failure *failure)
{
    autofd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || !write_whole(fd, text))
        return failure_set_errno(failure, errno, "cannot write %.180s", path);
    return true;
}

bool guest_value(const char *text, const char *key, char *value, size_t size)
{
    size_t length = strlen(key);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, key, length) != 0 || line[length] != '=')
            continue;
        const char *from = line + length + 1;
        size_t bytes = strcspn(from, "\n");
        if (bytes >= size)
            bytes = size - 1;
        memcpy(value, from, bytes);
        value[bytes] = '\0';
        return true;
    }
    return false;
}

bool guest_number(const char *text, unsigned long highest, unsigned long *ret)
{
    unsigned long value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (*text < '0' || *text > '9' || value > (highest - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return value <= highest;
}
