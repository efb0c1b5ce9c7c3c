/* Who may look at a desktop, and under which rules. Pure; any thread. */
#pragma once

#include "base/display_wire.h"
#include "broker/plan.h"

typedef enum {
    VIEWER_OWN,     /* the session's own user */
    VIEWER_CONSOLE, /* an operator at the desktop itself */
    VIEWER_VIEW,    /* the help desk looks on */
    VIEWER_CONTROL, /* and works in it */
} ViewerMode;

typedef struct {
    ViewerMode mode;
    bool is_local;       /* the local administrator, who has no row and no login */
    bool enabled;        /* the viewer's own user */
    bool may_console;    /* by role, as it is now */
    bool may_shadow;
    bool login_stands;   /* neither logged out nor its token deleted */
    bool shadow_stands;  /* of one that looks on: neither the person nor anybody else has ended it */
    bool session_stands; /* not ended, the desktop still its user's, who is enabled and entitled */
} ViewerFacts;

/* Why this display must close, a sentence for who looks at it; NULL: it may stay. */
const char *viewer_refusal(const ViewerFacts *facts);

/* Where a display was opened, for whoever it puts out: "192.0.2.7, Firefox". agent: the browser's User-Agent. Either may be NULL or
 * empty. Caller frees. */
char *viewer_place(const char *address, const char *agent);

/* plan: of the session; NULL: everything is allowed. A console has no session, and a guest in one has keys and pointer although its
 * user has none. takes_over: orield itself ends the viewers that are to go, so none needs to put out others. */
DisplayRules viewer_rules(ViewerMode mode, const DisplayPlan *plan, bool takes_over);
bool viewer_rules_equal(const DisplayRules *one, const DisplayRules *other);
