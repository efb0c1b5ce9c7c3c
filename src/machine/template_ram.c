#include "machine/template_ram.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "machine/checksum.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define PAGE 4096
#define BLOCK ((off_t)1024 * 1024)

int template_ram_create(uint64_t bytes, GError **error)
{
    autofd int ram = memfd_create(TEMPLATE_RAM_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (ram >= 0 && ftruncate(ram, (off_t)bytes) == 0)
        return fd_steal(&ram);
    oriel_fail_errno(error, errno, "cannot make the memory of a machine");
    return -1;
}

bool template_ram_seal(int ram, GError **error)
{
    /* F_SEAL_SEAL last of all: nobody may change their mind. */
    if (fcntl(ram, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
        return oriel_fail_errno(error, errno, "cannot seal the memory of a template");
    return true;
}

bool template_ram_is_sealed(int ram)
{
    int seals = fcntl(ram, F_GET_SEALS);
    return seals >= 0 && (seals & SEALS) == SEALS;
}

/* The next stretch of data at or after *from. False at the end. */
static bool next_data(int fd, off_t end, off_t *from, off_t *ret_length)
{
    off_t start = lseek(fd, *from, SEEK_DATA);
    if (start < 0 || start >= end)
        return false;
    off_t hole = lseek(fd, start, SEEK_HOLE);
    *from = start;
    *ret_length = MIN(hole < 0 ? end : hole, end) - start;
    return *ret_length > 0;
}

static bool page_is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* Pages of zeroes count as holes, so that the checksum does not depend on how a file system keeps them. */
static uint32_t page_add(uint32_t checksum, const uint8_t *page, off_t at)
{
    uint64_t number = (uint64_t)(at / PAGE);
    return checksum_crc32c(checksum_crc32c(checksum, &number, sizeof number), page, PAGE);
}

/* Writes the pages of one stretch of data, as many at once as lie together. */
static bool stretch_out(const uint8_t *bytes, int to, off_t from, off_t end, uint32_t *checksum,
                        GError **error)
{
    while (from < end) {
        off_t until = from;
        for (; until < end && !page_is_zero(bytes + until); until += PAGE)
            *checksum = page_add(*checksum, bytes + until, until);
        if (until > from && lseek(to, from, SEEK_SET) < 0)
            return oriel_fail_errno(error, errno, "cannot seek");
        if (!fd_write_all(to, bytes + from, (size_t)(until - from), error))
            return false;
        from = until + PAGE;
    }
    return true;
}

static bool copy_out(int ram, const uint8_t *bytes, int to, off_t size, uint32_t *checksum, GError **error)
{
    off_t at = 0, length;
    while (next_data(ram, size, &at, &length)) {
        if (!stretch_out(bytes, to, at, at + length, checksum, error))
            return false;
        at += length;
    }
    return true;
}

static bool save_to(int ram, int to, uint32_t *ret_checksum, GError **error)
{
    struct stat info;
    if (fstat(ram, &info) < 0 || ftruncate(to, info.st_size) < 0)
        return oriel_fail_errno(error, errno, "cannot size the copy");
    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, ram, 0);
    if (bytes == MAP_FAILED)
        return oriel_fail_errno(error, errno, "cannot map the memory");
    *ret_checksum = 0;
    bool done = copy_out(ram, bytes, to, info.st_size, ret_checksum, error);
    munmap(bytes, (size_t)info.st_size);
    if (done && fsync(to) < 0)
        return oriel_fail_errno(error, errno, "cannot make it durable");
    return done;
}

bool template_ram_save(int ram, const char *path, uint32_t *ret_checksum, GError **error)
{
    g_autofree char *temp = g_strconcat(path, ".new", NULL);
    autofd int to = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot create", temp);
    bool saved = save_to(ram, to, ret_checksum, error);
    if (saved && rename(temp, path) < 0)
        saved = oriel_fail_errno(error, errno, "cannot put it in place");
    if (!saved) {
        unlink(temp);
        g_prefix_error(error, "file \"%s\": ", path);
    }
    return saved;
}

static bool block_read(int from, uint8_t *block, off_t at, size_t length, GError **error)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = pread(from, block + done, length - done, at + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return oriel_fail_errno(error, got < 0 ? errno : EIO, "cannot read");
        done += (size_t)got;
    }
    return true;
}

static bool copy_in(int from, uint8_t *bytes, off_t size, uint32_t *checksum, GError **error)
{
    g_autofree uint8_t *block = g_malloc(BLOCK);
    off_t at = 0, length;
    while (next_data(from, size, &at, &length)) {
        at -= at % PAGE;
        length = MIN(BLOCK, size - at);
        if (!block_read(from, block, at, (size_t)length, error))
            return false;
        for (off_t page = 0; page < length; page += PAGE) {
            if (page_is_zero(block + page))
                continue;
            *checksum = page_add(*checksum, block + page, at + page);
            memcpy(bytes + at + page, block + page, PAGE);
        }
        at += length;
    }
    return true;
}

static bool load_from(int from, int ram, uint64_t size, uint32_t *checksum, GError **error)
{
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ram, 0);
    if (bytes == MAP_FAILED)
        return oriel_fail_errno(error, errno, "cannot map the memory");
    bool done = copy_in(from, bytes, (off_t)size, checksum, error);
    munmap(bytes, size); /* else the seal would be refused */
    return done;
}

int template_ram_load(const char *path, uint64_t bytes, uint32_t checksum, GError **error)
{
    autofd int from = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (from < 0 || fstat(from, &info) < 0) {
        oriel_fail_errno(error, errno, "file \"%s\": cannot read", path);
        return -1;
    }
    if ((uint64_t)info.st_size != bytes) {
        oriel_fail(error, ORIEL_ERROR_CORRUPT,
                   "file \"%s\": has %" G_GINT64_FORMAT " bytes, not %" G_GUINT64_FORMAT, path,
                   (int64_t)info.st_size, bytes);
        return -1;
    }
    autofd int ram = template_ram_create(bytes, error);
    uint32_t found = 0;
    if (ram < 0 || !load_from(from, ram, bytes, &found, error)) {
        g_prefix_error(error, "file \"%s\": ", path);
        return -1;
    }
    if (found != checksum) {
        oriel_fail(error, ORIEL_ERROR_CORRUPT, "file \"%s\": is damaged (its checksum differs)", path);
        return -1;
    }
    return template_ram_seal(ram, error) ? fd_steal(&ram) : -1;
}

static bool is_wanted(int fd, uint64_t bytes, bool sealed)
{
    struct stat info;
    return fstat(fd, &info) == 0 && (uint64_t)info.st_size == bytes && template_ram_is_sealed(fd) == sealed;
}

int template_ram_of_process(pid_t pid, uint64_t bytes, bool sealed)
{
    g_autofree char *folder = g_strdup_printf("/proc/%d/fd", (int)pid);
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *name;
    while (entries && (name = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *target = g_file_read_link(path, NULL);
        if (!target || !g_str_has_prefix(target, "/memfd:" TEMPLATE_RAM_NAME " "))
            continue;
        autofd int fd = open(path, (sealed ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        if (fd >= 0 && is_wanted(fd, bytes, sealed))
            return fd_steal(&fd);
    }
    return -1;
}
