#include <glib.h>

#include "base/limits.h"
#include "gateway/timing.h"

#define S 1000LL
#define NOW (1000000 * S)
#define AGO(seconds) (NOW - (seconds)*S)

static const struct {
    const char *what;
    Timing timing;
    Due due;
} rows[] = {
    {"a handshake has its time",
     {.stage = STAGE_HANDSHAKE, .stage_ms = AGO(LIMIT_GATEWAY_HANDSHAKE_SECONDS - 1), .heard_ms = NOW},
     DUE_NOTHING},
    {"and no more, however busy",
     {.stage = STAGE_HANDSHAKE,
      .stage_ms = AGO(LIMIT_GATEWAY_HANDSHAKE_SECONDS),
      .heard_ms = NOW,
      .said_ms = NOW},
     DUE_END},
    {"a browser's spare connection waits",
     {.stage = STAGE_RELAY, .stage_ms = AGO(LIMIT_GATEWAY_FIRST_BYTE_SECONDS - 1)},
     DUE_NOTHING},
    {"for a minute", {.stage = STAGE_RELAY, .stage_ms = AGO(LIMIT_GATEWAY_FIRST_BYTE_SECONDS)}, DUE_END},
    {"an event stream that speaks stays",
     {.stage = STAGE_RELAY, .asked = true, .stage_ms = AGO(9999), .heard_ms = AGO(9999), .said_ms = AGO(20)},
     DUE_NOTHING},
    {"an upload whose answer is far stays",
     {.stage = STAGE_RELAY, .asked = true, .stage_ms = AGO(9999), .heard_ms = AGO(1), .said_ms = AGO(9999)},
     DUE_NOTHING},
    {"both silent",
     {.stage = STAGE_RELAY,
      .asked = true,
      .stage_ms = AGO(9999),
      .heard_ms = AGO(LIMIT_GATEWAY_IDLE_SECONDS),
      .said_ms = AGO(LIMIT_GATEWAY_IDLE_SECONDS)},
     DUE_END},
    {"the half-closed wait for their answer",
     {.stage = STAGE_RELAY, .asked = true, .half = true, .stage_ms = AGO(LIMIT_GATEWAY_HALF_SECONDS - 1)},
     DUE_NOTHING},
    {"and are ended even if it goes on",
     {.stage = STAGE_RELAY,
      .asked = true,
      .half = true,
      .stage_ms = AGO(LIMIT_GATEWAY_HALF_SECONDS),
      .said_ms = NOW},
     DUE_END},
    {"a busy display is left alone",
     {.stage = STAGE_DISPLAY, .stage_ms = AGO(9999), .heard_ms = AGO(1), .said_ms = AGO(1)},
     DUE_NOTHING},
    {"one that only watches is pinged, for a sign of life",
     {.stage = STAGE_DISPLAY,
      .stage_ms = AGO(9999),
      .heard_ms = AGO(LIMIT_GATEWAY_PING_SECONDS),
      .said_ms = AGO(1),
      .pinged_ms = AGO(9999)},
     DUE_PING},
    {"one that only types is pinged, for the proxies",
     {.stage = STAGE_DISPLAY,
      .stage_ms = AGO(9999),
      .heard_ms = AGO(1),
      .said_ms = AGO(LIMIT_GATEWAY_PING_SECONDS),
      .pinged_ms = AGO(9999)},
     DUE_PING},
    {"not twice in a row",
     {.stage = STAGE_DISPLAY,
      .stage_ms = AGO(9999),
      .heard_ms = AGO(50),
      .said_ms = AGO(50),
      .pinged_ms = AGO(10)},
     DUE_NOTHING},
    {"nor while bytes wait for it",
     {.stage = STAGE_DISPLAY,
      .stage_ms = AGO(9999),
      .heard_ms = AGO(50),
      .said_ms = AGO(50),
      .pinged_ms = AGO(50),
      .client_stalled_ms = AGO(50)},
     DUE_NOTHING},
    {"a silent one is dead",
     {.stage = STAGE_DISPLAY,
      .stage_ms = AGO(9999),
      .heard_ms = AGO(LIMIT_GATEWAY_SILENT_SECONDS),
      .said_ms = NOW},
     DUE_END},
    {"a client that takes nothing is dropped, even if it speaks",
     {.stage = STAGE_DISPLAY,
      .stage_ms = AGO(9999),
      .heard_ms = NOW,
      .said_ms = NOW,
      .client_stalled_ms = AGO(LIMIT_GATEWAY_STALL_SECONDS)},
     DUE_END},
    {"a stuck orield likewise",
     {.stage = STAGE_RELAY,
      .asked = true,
      .stage_ms = AGO(9999),
      .heard_ms = NOW,
      .said_ms = NOW,
      .upstream_stalled_ms = AGO(LIMIT_GATEWAY_STALL_SECONDS)},
     DUE_END},
    {"a stall of a moment is none",
     {.stage = STAGE_RELAY, .asked = true, .heard_ms = NOW, .said_ms = NOW, .client_stalled_ms = AGO(1)},
     DUE_NOTHING},
    {"our close frame is to be answered soon",
     {.stage = STAGE_ENDING, .stage_ms = AGO(LIMIT_GATEWAY_CLOSE_SECONDS), .heard_ms = NOW},
     DUE_END},
    {"lingering is short",
     {.stage = STAGE_LINGER, .stage_ms = AGO(LIMIT_GATEWAY_CLOSE_SECONDS), .heard_ms = NOW},
     DUE_END},
    {"but is given", {.stage = STAGE_LINGER, .stage_ms = AGO(1)}, DUE_NOTHING},
    {"the dead are dead", {.stage = STAGE_DEAD, .stage_ms = AGO(9999)}, DUE_NOTHING},
};

static void test_table(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (timing_due(&rows[i].timing, NOW) != rows[i].due)
            g_error("%s: %d instead of %d", rows[i].what, timing_due(&rows[i].timing, NOW), rows[i].due);
}

/* A ping must come well before common proxies (60 s) give up, and several before we do. */
static void test_limits_fit_together(void)
{
    g_assert_cmpint(LIMIT_GATEWAY_PING_SECONDS * 2, <=, 60);
    g_assert_cmpint(LIMIT_GATEWAY_PING_SECONDS * 3, <, LIMIT_GATEWAY_SILENT_SECONDS);
    g_assert_cmpint(LIMIT_GATEWAY_IDLE_SECONDS, >, LIMIT_REQUEST_SECONDS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/timing/table", test_table);
    g_test_add_func("/gateway/timing/limits", test_limits_fit_together);
    return g_test_run();
}
