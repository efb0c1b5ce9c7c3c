#include "guest/agent_freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guest/file.h"

#define SLICE "/sys/fs/cgroup/user.slice"
#define FREEZE_MS 10000

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* cgroup.events raises POLLPRI when a value changes (kernel, admin-guide/cgroup-v2). */
static bool wait_until_frozen(void)
{
    autofd int fd = open(SLICE "/cgroup.events", O_RDONLY | O_CLOEXEC);
    int64_t end = now_ms() + FREEZE_MS;
    for (;;) {
        char text[256] = "";
        ssize_t got = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
        if (got < 0)
            return false;
        if (strstr(text, "frozen 1"))
            return true;
        int64_t left = end - now_ms();
        struct pollfd waiting = {fd, POLLPRI, 0};
        if (left <= 0 || (poll(&waiting, 1, (int)left) < 0 && errno != EINTR))
            return false;
    }
}

bool agent_users_freeze(Failure *failure)
{
    if (access(SLICE "/cgroup.freeze", F_OK) < 0)
        return true; /* nobody has ever logged in: nothing to stop */
    if (!guest_file_poke(SLICE "/cgroup.freeze", "1", failure))
        return false;
    if (wait_until_frozen())
        return true;
    Failure ignored;
    agent_users_thaw(&ignored);
    return failure_set(failure, "the users' processes did not stop in %d ms", FREEZE_MS);
}

bool agent_users_thaw(Failure *failure)
{
    if (access(SLICE "/cgroup.freeze", F_OK) < 0)
        return true;
    return guest_file_poke(SLICE "/cgroup.freeze", "0", failure);
}
