#include "guest/agent_settle.h"

#include <inttypes.h>
#include <stdio.h>

/* proc(5), first line: user nice system idle iowait irq softirq steal */
static bool read_times(const char *text, uint64_t *busy, uint64_t *total)
{
    uint64_t user, nice, system, idle, iowait, irq, softirq;
    if (sscanf(text, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &user, &nice,
               &system, &idle, &iowait, &irq, &softirq) != 7)
        return false;
    *busy = user + nice + system + iowait + irq + softirq;
    *total = *busy + idle;
    return true;
}

SettleAnswer agent_settle_sample(Settle *settle, const char *stat_text, bool session_up)
{
    uint64_t busy, total;
    settle->elapsed_ms += SETTLE_SAMPLE_MS;
    if (settle->elapsed_ms >= SETTLE_LONGEST_MS)
        return SETTLE_GAVE_UP;
    if (!read_times(stat_text, &busy, &total))
        return SETTLE_WAIT;
    uint64_t did = busy - settle->busy, passed = total - settle->total;
    bool first = settle->total == 0;
    settle->busy = busy;
    settle->total = total;
    bool quiet = session_up && !first && passed > 0 && did * 100 <= passed * SETTLE_BUSY_PERCENT;
    settle->quiet = quiet ? settle->quiet + 1 : 0;
    return settle->quiet >= SETTLE_QUIET_SAMPLES ? SETTLE_SETTLED : SETTLE_WAIT;
}
