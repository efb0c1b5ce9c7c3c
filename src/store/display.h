/* Displays that are open: who looks at which desktop now, through this host's gateway. A row is made before the gateway gets the
 * display and goes when it says that the display has ended. */
#pragma once

#include "store/store.h"

typedef enum {
    STORE_DISPLAY_OWN,     /* the session's own user */
    STORE_DISPLAY_CONSOLE, /* an operator, at the desktop itself */
    STORE_DISPLAY_VIEW,    /* the help desk looks on a session */
    STORE_DISPLAY_CONTROL, /* and works in it */
} StoreDisplayMode;

const char *store_display_mode_word(StoreDisplayMode mode); /* "own", ... */
bool store_display_mode_parse(const char *word, StoreDisplayMode *ret);
extern const char *const store_display_modes[];

typedef struct {
    char *id;
    char *desktop_id;
    char *session_id; /* NULL: a console */
    char *user_id;    /* who looks; NULL: the local administrator */
    char *user_name;  /* "" for the local administrator */
    char *client;     /* address, "" if unknown */
    StoreDisplayMode mode;
    int64_t opened_ms;
    /* whether it may still be seen */
    bool user_enabled;
    char *user_roles;
    bool login_stands;   /* not logged out, the token not deleted */
    bool shadow_stands;  /* of one that looks on: it was not ended */
    bool session_stands; /* not ended, the desktop still its user's, who is enabled and entitled; true of a console */
} StoreDisplay;

void store_display_free(StoreDisplay *display);

typedef struct {
    const char *id; /* a new one */
    const char *host_id;
    const char *desktop_id;
    const char *session_id;
    const char *user_id;
    const char *login_id;
    const char *client;
    StoreDisplayMode mode;
} StoreDisplayNew;

bool store_display_add(Store *store, const StoreDisplayNew *fields, GError **error);
/* Idempotent. */
bool store_display_remove(Store *store, const char *id, GError **error);

typedef struct {
    const char *id; /* NULL: any; the same for all */
    const char *host_id;
    const char *desktop_id;
    const char *session_id;
} StoreDisplayFilter;

GPtrArray *store_display_list(Store *store, const StoreDisplayFilter *filter, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreDisplay, store_display_free)
