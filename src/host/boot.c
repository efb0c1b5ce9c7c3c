#include "host/boot.h"

#include "base/limits.h"

static const int minute_ms = 60 * 1000;

void boot_begin(Boot *boot, int64_t now_ms)
{
    *boot = (Boot){.began_ms = now_ms, .moved_ms = now_ms};
}

void boot_see(Boot *boot, uint64_t activity, bool agent, int64_t now_ms)
{
    if (activity != boot->activity || agent != boot->agent)
        boot->moved_ms = now_ms;
    boot->activity = activity;
    boot->agent = agent;
}

char *boot_overdue(const Boot *boot, int64_t now_ms)
{
    const char *missing =
        boot->agent ? "its agent did not report a usable desktop" : "its agent did not report";
    if (now_ms - boot->began_ms >= LIMIT_BOOT_MS)
        return g_strdup_printf("%s within %d minutes", missing, LIMIT_BOOT_MS / minute_ms);
    if (now_ms - boot->moved_ms >= LIMIT_BOOT_QUIET_MS)
        return g_strdup_printf("%s, and for %d minutes nothing has moved on its console or its disk", missing,
                               LIMIT_BOOT_QUIET_MS / minute_ms);
    return NULL;
}

char *boot_step(const Boot *boot, int64_t now_ms)
{
    const char *words = boot->agent ? "the agent is there; waiting for the desktop" : "booting the image";
    int minutes = (int)((now_ms - boot->began_ms) / minute_ms);
    return minutes > 0 ? g_strdup_printf("%s (%d min)", words, minutes) : g_strdup(words);
}

int boot_percent(const Boot *boot, int64_t now_ms)
{
    int64_t elapsed_ms = now_ms - boot->began_ms;
    return 5 + (int)(80 * elapsed_ms / (elapsed_ms + minute_ms));
}
