#include "gateway/timing.h"

#include "base/limits.h"

static bool passed(int64_t since_ms, int64_t now_ms, int64_t seconds)
{
    return now_ms - since_ms >= seconds * 1000;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool stalled(int64_t since_ms, int64_t now_ms)
{
    return since_ms && passed(since_ms, now_ms, LIMIT_GATEWAY_STALL_SECONDS);
}

static bool relay_over(const Timing *timing, int64_t now_ms)
{
    if (timing->half)
        return passed(timing->stage_ms, now_ms, LIMIT_GATEWAY_HALF_SECONDS);
    if (!timing->asked)
        return passed(timing->stage_ms, now_ms, LIMIT_GATEWAY_FIRST_BYTE_SECONDS);
    return passed(later(timing->heard_ms, timing->said_ms), now_ms, LIMIT_GATEWAY_IDLE_SECONDS);
}

/* A ping keeps proxies from closing whichever direction is silent, and asks the client for a sign of life. */
static Due display_due(const Timing *timing, int64_t now_ms)
{
    if (passed(timing->heard_ms, now_ms, LIMIT_GATEWAY_SILENT_SECONDS))
        return DUE_END;
    bool silent = passed(timing->heard_ms, now_ms, LIMIT_GATEWAY_PING_SECONDS) ||
                  passed(timing->said_ms, now_ms, LIMIT_GATEWAY_PING_SECONDS);
    bool pinged = !passed(later(timing->pinged_ms, timing->stage_ms), now_ms, LIMIT_GATEWAY_PING_SECONDS);
    return silent && !pinged && !timing->client_stalled_ms ? DUE_PING : DUE_NOTHING;
}

Due timing_due(const Timing *timing, int64_t now_ms)
{
    if (stalled(timing->client_stalled_ms, now_ms) || stalled(timing->upstream_stalled_ms, now_ms))
        return DUE_END;
    bool over = false;
    switch (timing->stage) {
    case STAGE_HANDSHAKE:
        over = passed(timing->stage_ms, now_ms, LIMIT_GATEWAY_HANDSHAKE_SECONDS);
        break;
    case STAGE_RELAY:
        over = relay_over(timing, now_ms);
        break;
    case STAGE_KNOCK:
        over = passed(timing->stage_ms, now_ms, LIMIT_GATEWAY_HALF_SECONDS);
        break;
    case STAGE_RAW:
    case STAGE_VIEWER: /* clients with nothing to say are silent: TCP's keep-alive finds those that have gone */
        break;
    case STAGE_DISPLAY:
        return display_due(timing, now_ms);
    case STAGE_ENDING:
    case STAGE_LINGER:
        over = passed(timing->stage_ms, now_ms, LIMIT_GATEWAY_CLOSE_SECONDS);
        break;
    case STAGE_DEAD:
        break;
    }
    return over ? DUE_END : DUE_NOTHING;
}
