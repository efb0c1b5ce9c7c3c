/* Plans: what a pool, or a policy for some of its people, wants of power, of the end of sessions, and of the display.
 * Without a plan everything stays as the pool says. Pure; any thread. */
#pragma once

#include "broker/schedule.h"
#include "broker/value.h"

typedef enum { PLAN_POWER, PLAN_RELEASE, PLAN_DISPLAY, PLAN_KINDS } PlanKind;

const char *plan_kind_word(PlanKind kind); /* "power", "release", "display" */
bool plan_kind_parse(const char *word, PlanKind *ret);

typedef enum { POWER_NONE, POWER_SUSPEND, POWER_SHUT_DOWN, POWER_OFF } PowerAction;

typedef struct {
    PowerAction action;
    int64_t after_ms;
} PowerRule;

/* Of desktops that are somebody's, and of how many are kept ready for the next. */
typedef struct {
    PowerRule on_disconnect; /* its session is disconnected for so long */
    PowerRule on_log_off;    /* it has no session for so long */
    PowerRule on_idle;       /* its session is connected, and nobody does anything for so long */
    Schedule *schedule;      /* when it is peak; NULL: always */
    bool has_peak_spares, has_off_peak_spares; /* else the pool's */
    unsigned peak_spares, off_peak_spares;
} PowerPlan;

typedef enum { THEN_AS_POOL, THEN_KEEP, THEN_REFRESH, THEN_DELETE } ThenWord;

/* Times of 0: never. */
typedef struct {
    int64_t log_off_after_ms; /* disconnected for so long: logged off */
    int64_t lock_after_idle_ms, disconnect_after_idle_ms, log_off_after_idle_ms; /* connected, and without input for so long */
    int64_t release_after_ms; /* dedicated, logged off for so long: nobody's again */
    ThenWord at_log_off;      /* what becomes of the desktop */
    ThenWord at_release;      /* KEEP or REFRESH or DELETE; AS_POOL: REFRESH */
} ReleasePlan;

typedef enum { DISPLAY_CLIENT_BROWSER, DISPLAY_CLIENT_VV, DISPLAY_CLIENT_RDP, DISPLAY_CLIENTS } DisplayClient;

/* Of a display as its session's own user sees it. All zero: everything is allowed. */
typedef struct {
    bool no_clipboard_in;     /* nothing copied goes to the desktop */
    bool no_clipboard_out;    /* nothing copied comes from it */
    bool no_files_in;         /* no files go to the desktop */
    bool no_files_out;        /* nor come from it */
    bool view_only;           /* neither keys nor pointer */
    bool no_size;             /* the screen does not follow the window */
    bool no_sound;            /* nothing that the desktop plays is heard */
    bool no_drives, no_usb, no_printers; /* of the person's computer, in the desktop: of RDP, which alone has them, the client's own word */
    uint16_t width, height;   /* the largest screen a window may ask for; 0: any */
    uint16_t kbit_s;          /* most to the person's own viewer, 1000 bits each; 0: any */
    unsigned withheld;        /* bit 1 << DisplayClient: this way in is not offered */
} DisplayPlan;

/* Whether people are offered this way in. plan NULL: all are. */
bool display_plan_offers(const DisplayPlan *plan, DisplayClient client);

/* Why a file may not be moved: a part of a sentence. NULL: it may. */
const char *display_plan_files_refusal(const DisplayPlan *plan, bool to_desktop);

typedef struct {
    PlanKind kind;
    PowerPlan power;
    ReleasePlan release;
    DisplayPlan display;
} Plan;

/* From settings as the API has them (docs/api.yaml, PowerSettings, ReleaseSettings, DisplaySettings). INVALID names the field
 * and what is allowed. */
Plan *plan_read(PlanKind kind, Json *settings, GError **error);
void plan_free(Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)

/* ---- power ---- */

typedef struct {
    bool assigned;
    bool running;    /* observed and desired */
    bool in_session; /* one that has not ended */
    bool disconnected;
    int64_t since_ms; /* UTC: of the disconnected session, of the time without one, or of the last input in a connected one */
    bool connected;
} PowerFacts;

typedef struct {
    PowerAction action;
    int64_t look_again_ms; /* UTC: when a time is over; 0: none runs */
} PowerVerdict;

PowerVerdict power_after(const PowerPlan *plan, const PowerFacts *facts, int64_t now_ms);

/* How many ready desktops a pool keeps now. plan NULL: the pool's own number. */
unsigned power_spares(const PowerPlan *plan, unsigned pool_spares, int64_t now_ms);

/* ---- release ---- */

/* The pool as this plan makes it. plan NULL: as it is. */
BrokerPool release_pool(BrokerPool pool, const ReleasePlan *plan);

typedef struct {
    bool due;
    bool refresh;
    bool remove;
    int64_t look_again_ms;
} ReleaseVerdict;

/* A dedicated desktop that is somebody's and has no session since then. */
ReleaseVerdict release_after(const ReleasePlan *plan, const BrokerPool *pool, int64_t since_ms, int64_t now_ms);
