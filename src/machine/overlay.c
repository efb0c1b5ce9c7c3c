#include "machine/overlay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"

/* QEMU docs/interop/qcow2.txt. All numbers are big-endian. */
#define QCOW2_MAGIC 0x514649fbU /* "QFI\xfb" */
#define QCOW2_VERSION 3
#define QCOW2_CLUSTER_BITS 16
#define QCOW2_CLUSTER ((uint64_t)1 << QCOW2_CLUSTER_BITS)
#define QCOW2_REFCOUNT_ORDER 4 /* 16-bit refcounts */
#define QCOW2_HEADER_LENGTH 112
#define QCOW2_EXTENSION_BACKING_FORMAT 0xe2792acaU
#define QCOW2_BACKING_LENGTH 1023
#define QCOW2_SIZE_LIMIT ((uint64_t)1 << 46) /* 64 TiB: far above any disk, far below any overflow */

typedef struct __attribute__((packed)) {
    uint32_t magic;
    uint32_t version;
    uint64_t backing_offset;
    uint32_t backing_length;
    uint32_t cluster_bits;
    uint64_t size;
    uint32_t crypt_method;
    uint32_t l1_size;
    uint64_t l1_offset;
    uint64_t refcount_table_offset;
    uint32_t refcount_table_clusters;
    uint32_t snapshots;
    uint64_t snapshots_offset;
    uint64_t incompatible_features;
    uint64_t compatible_features;
    uint64_t autoclear_features;
    uint32_t refcount_order;
    uint32_t header_length;
    uint64_t compression_and_padding; /* 0: deflate */
} Qcow2Header;

G_STATIC_ASSERT(sizeof(Qcow2Header) == QCOW2_HEADER_LENGTH);

/* Where things lie in a new overlay: header, refcount table, refcount block, then the L1 table. */
enum { CLUSTER_HEADER, CLUSTER_REFCOUNT_TABLE, CLUSTER_REFCOUNT_BLOCK, CLUSTER_L1 };

static uint64_t l1_entries(uint64_t size)
{
    uint64_t covered = QCOW2_CLUSTER * (QCOW2_CLUSTER / 8); /* by one L2 table */
    return (size + covered - 1) / covered;
}

static bool header_read(int fd, const char *path, Qcow2Header *header, GError **error)
{
    ssize_t got = pread(fd, header, sizeof *header, 0);
    if (got < 0)
        return oriel_fail_errno(error, errno, "disk \"%s\": cannot read", path);
    /* Version 2 headers end at 72 bytes; the fields used here lie before. */
    if ((size_t)got < 72 || GUINT32_FROM_BE(header->magic) != QCOW2_MAGIC)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                          "disk \"%s\": this is no qcow2 disk, or it is cut short", path);
    uint32_t version = GUINT32_FROM_BE(header->version);
    uint32_t cluster_bits = GUINT32_FROM_BE(header->cluster_bits);
    uint64_t size = GUINT64_FROM_BE(header->size);
    struct stat info;
    if (fstat(fd, &info) < 0)
        return oriel_fail_errno(error, errno, "disk \"%s\": cannot read", path);
    uint64_t l1_end = GUINT64_FROM_BE(header->l1_offset) + (uint64_t)GUINT32_FROM_BE(header->l1_size) * 8;
    if (version < 2 || version > 3 || cluster_bits < 9 || cluster_bits > 21 || size > QCOW2_SIZE_LIMIT ||
        GUINT64_FROM_BE(header->l1_offset) > (uint64_t)info.st_size || l1_end > (uint64_t)info.st_size)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                          "disk \"%s\": its qcow2 header makes no sense, or it is cut short", path);
    return true;
}

static int disk_open(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        oriel_fail_errno(error, errno, "disk \"%s\": cannot open", path);
    return fd;
}

bool disk_virtual_size(const char *path, bool is_raw, uint64_t *ret_bytes, GError **error)
{
    autofd int fd = disk_open(path, error);
    if (fd < 0)
        return false;
    if (is_raw) {
        off_t end = lseek(fd, 0, SEEK_END);
        if (end < 0)
            return oriel_fail_errno(error, errno, "disk \"%s\": cannot tell its size", path);
        *ret_bytes = (uint64_t)end;
        return true;
    }
    Qcow2Header header;
    if (!header_read(fd, path, &header, error))
        return false;
    *ret_bytes = GUINT64_FROM_BE(header.size);
    return true;
}

bool overlay_backing(const char *path, char **ret_backing, GError **error)
{
    autofd int fd = disk_open(path, error);
    Qcow2Header header;
    if (fd < 0 || !header_read(fd, path, &header, error))
        return false;
    uint64_t offset = GUINT64_FROM_BE(header.backing_offset);
    uint32_t length = GUINT32_FROM_BE(header.backing_length);
    if (offset == 0) {
        *ret_backing = NULL;
        return true;
    }
    g_autofree char *backing = g_malloc0(QCOW2_BACKING_LENGTH + 1);
    if (length == 0 || length > QCOW2_BACKING_LENGTH ||
        pread(fd, backing, length, (off_t)offset) != (ssize_t)length)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "disk \"%s\": the name of its backing file is damaged",
                          path);
    *ret_backing = g_steal_pointer(&backing);
    return true;
}

/* The first cluster: header, the extension that names the backing format, the extensions' end, the backing's
 * name. */
static void header_fill(uint8_t *cluster, const char *backing, bool backing_is_raw, uint64_t size)
{
    const char *format = backing_is_raw ? "raw" : "qcow2";
    uint32_t extension[2] = {GUINT32_TO_BE(QCOW2_EXTENSION_BACKING_FORMAT),
                             GUINT32_TO_BE((uint32_t)strlen(format))};
    uint64_t backing_offset =
        QCOW2_HEADER_LENGTH + sizeof extension + 8 + 8; /* format padded to 8; end: 8 zero bytes */
    Qcow2Header header = {
        .magic = GUINT32_TO_BE(QCOW2_MAGIC),
        .version = GUINT32_TO_BE(QCOW2_VERSION),
        .backing_offset = backing ? GUINT64_TO_BE(backing_offset) : 0,
        .backing_length = backing ? GUINT32_TO_BE((uint32_t)strlen(backing)) : 0,
        .cluster_bits = GUINT32_TO_BE(QCOW2_CLUSTER_BITS),
        .size = GUINT64_TO_BE(size),
        .l1_size = GUINT32_TO_BE((uint32_t)l1_entries(size)),
        .l1_offset = GUINT64_TO_BE(CLUSTER_L1 * QCOW2_CLUSTER),
        .refcount_table_offset = GUINT64_TO_BE(CLUSTER_REFCOUNT_TABLE * QCOW2_CLUSTER),
        .refcount_table_clusters = GUINT32_TO_BE(1),
        .refcount_order = GUINT32_TO_BE(QCOW2_REFCOUNT_ORDER),
        .header_length = GUINT32_TO_BE(QCOW2_HEADER_LENGTH),
    };
    memcpy(cluster, &header, sizeof header);
    if (!backing)
        return;
    memcpy(cluster + QCOW2_HEADER_LENGTH, extension, sizeof extension);
    memcpy(cluster + QCOW2_HEADER_LENGTH + sizeof extension, format, strlen(format));
    memcpy(cluster + backing_offset, backing, strlen(backing));
}

/* No fsync: an overlay that a power cut loses belongs to a desktop that the same cut ended. */
static bool overlay_write(int fd, const char *backing, bool backing_is_raw, uint64_t size, GError **error)
{
    uint64_t l1_clusters = (l1_entries(size) * 8 + QCOW2_CLUSTER - 1) / QCOW2_CLUSTER;
    uint64_t clusters = CLUSTER_L1 + MAX(l1_clusters, 1);
    g_autofree uint8_t *first = g_malloc0(4096);
    header_fill(first, backing, backing_is_raw, size);
    uint64_t table_entry = GUINT64_TO_BE(CLUSTER_REFCOUNT_BLOCK * QCOW2_CLUSTER);
    g_autofree uint16_t *counts = g_new0(uint16_t, clusters);
    for (uint64_t i = 0; i < clusters; i++)
        counts[i] = GUINT16_TO_BE(1);
    size_t counts_bytes = clusters * sizeof *counts;
    /* The rest of each cluster is a hole, which reads as the zeroes that the format asks for. */
    if (ftruncate(fd, (off_t)(clusters * QCOW2_CLUSTER)) < 0 || pwrite(fd, first, 4096, 0) != 4096 ||
        pwrite(fd, &table_entry, 8, CLUSTER_REFCOUNT_TABLE * QCOW2_CLUSTER) != 8 ||
        pwrite(fd, counts, counts_bytes, CLUSTER_REFCOUNT_BLOCK * QCOW2_CLUSTER) != (ssize_t)counts_bytes)
        return oriel_fail_errno(error, errno ? errno : EIO, "cannot write");
    return true;
}

bool disk_create(const char *path, uint64_t size, GError **error)
{
    g_autofree char *temp = g_strconcat(path, ".new", NULL);
    uint64_t whole = (size + 511) & ~(uint64_t)511;
    if (whole == 0 || whole > QCOW2_SIZE_LIMIT)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "disk \"%s\": its size must be up to 64 TiB", path);
    if (access(path, F_OK) == 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "disk \"%s\": is there already", path);
    unlink(temp);
    autofd int fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return oriel_fail_errno(error, errno, "disk \"%s\": cannot create", path);
    if (!overlay_write(fd, NULL, false, whole, error))
        g_prefix_error(error, "disk \"%s\": ", path);
    else if (fsync(fd) == 0 && rename(temp, path) == 0)
        return true;
    else
        oriel_fail_errno(error, errno, "disk \"%s\": cannot write", path);
    unlink(temp);
    return false;
}

bool overlay_create(const char *path, const char *backing, bool backing_is_raw, uint64_t size, GError **error)
{
    uint64_t backing_size;
    if (!g_path_is_absolute(backing) || strlen(backing) > QCOW2_BACKING_LENGTH)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "disk \"%s\": its backing file needs an absolute path of at most %d "
                          "bytes, not \"%s\"",
                          path, QCOW2_BACKING_LENGTH, backing);
    if (!disk_virtual_size(backing, backing_is_raw, &backing_size, error))
        return false;
    uint64_t whole = (MAX(size, backing_size) + 511) & ~(uint64_t)511;
    if (whole > QCOW2_SIZE_LIMIT)
        return oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "disk \"%s\": is over 64 TiB", path);
    autofd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return oriel_fail_errno(error, errno, "disk \"%s\": cannot create", path);
    if (overlay_write(fd, backing, backing_is_raw, whole, error))
        return true;
    g_prefix_error(error, "disk \"%s\": ", path);
    unlink(path);
    return false;
}
