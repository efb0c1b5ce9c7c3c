#include "machine/disk_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* Between two looks at the progress. */
static const off_t stretch = 16 * 1024 * 1024;

typedef struct {
    int from;
    int to;
    off_t length;
    DiskCopyProgress progress;
    void *data;
} Copy;

static bool tell(const Copy *copy, off_t done, GError **error)
{
    return !copy->progress || copy->progress(copy->data, (uint64_t)done, (uint64_t)copy->length, error);
}

/* One stretch of data, by the kernel. */
static bool copy_stretch(const Copy *copy, off_t at, off_t end, GError **error)
{
    off_t out = at;
    while (at < end) {
        ssize_t done = copy_file_range(copy->from, &at, copy->to, &out, (size_t)(end - at), 0);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return oriel_fail_errno(error, done < 0 ? errno : EIO, "cannot copy");
    }
    return true;
}

static bool copy_data(const Copy *copy, GError **error)
{
    off_t at = 0;
    while (at < copy->length) {
        off_t data = lseek(copy->from, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break; /* a hole to the end */
        off_t hole = data < 0 ? -1 : lseek(copy->from, data, SEEK_HOLE);
        if (hole < 0)
            return oriel_fail_errno(error, errno, "cannot copy");
        off_t end = MIN(hole, data + stretch);
        if (!tell(copy, data, error) || !copy_stretch(copy, data, end, error))
            return false;
        at = end;
    }
    return tell(copy, copy->length, error);
}

static bool fill(const Copy *copy, GError **error)
{
    if (ftruncate(copy->to, copy->length) < 0)
        return oriel_fail_errno(error, errno, "cannot write");
    bool shared = ioctl(copy->to, FICLONE, copy->from) == 0;
    if (!shared && !copy_data(copy, error))
        return false;
    return fsync(copy->to) == 0 || oriel_fail_errno(error, errno, "cannot make it durable");
}

bool disk_copy(const char *from, const char *to, DiskCopyProgress progress, void *data, GError **error)
{
    struct stat info;
    autofd int source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (source < 0 || fstat(source, &info) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot read", from);
    autofd int target = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (target < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot create", to);
    const Copy copy = {source, target, info.st_size, progress, data};
    if (fill(&copy, error))
        return true;
    g_prefix_error(error, "file \"%s\": ", to);
    unlink(to);
    return false;
}
