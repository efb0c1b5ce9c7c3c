/* The help desk: whom it may help, what it says to people, and who looks on in whose session. */
#pragma once

#include "store/session.h"
#include "store/user.h"

/* ---- limits ---- */

/* Who is limited: a person or the members of a group; one of both is NULL. */
typedef struct {
    const char *user_id;
    const char *group_id;
    const char *name; /* for the event */
} StoreHelper;

/* Whether this person is limited, by themselves or by one of their groups. */
bool store_helper_is_limited(Store *store, const char *user_id, bool *ret, GError **error);

/* Whether a limited person may help this one. */
bool store_helper_helps(Store *store, const char *helper_id, const char *person_id, bool *ret, GError **error);

/* StoreGroup by name, with id and name: to whose members they are limited. *ret_limited false: they are not, and there are none. */
GPtrArray *store_helper_groups(Store *store, const StoreHelper *helper, bool *ret_limited, GError **error);

/* group_ids NULL-ended; NULL: not limited. NOT_FOUND: no such group. */
bool store_helper_set(Store *store, const StoreActor *actor, const StoreHelper *helper, const char *const *group_ids, GError **error);

/* StoreUser whose name or display name has the text in it, by name; at most `most`. helper_id NULL: of all people. */
GPtrArray *store_people_search(Store *store, const char *text, const char *helper_id, unsigned most, GError **error);

/* ---- messages ---- */

typedef struct {
    char *id;
    char *session_id;
    char *desktop_name;
    char *by_name; /* "": the local administrator */
    char *text;
    int64_t sent_ms;
} StoreMessage;

void store_message_free(StoreMessage *message);

/* For the session's person, until they close it; the trail has it. CONFLICT: the session has ended. */
StoreMessage *store_message_new(Store *store, const StoreActor *actor, const char *session_id, const char *text, GError **error);

/* StoreMessage of this person's sessions that go on, oldest first. pool_id NULL: of all pools. */
GPtrArray *store_message_list(Store *store, const char *user_id, const char *pool_id, GError **error);

/* Its person has seen and closed it. NOT_FOUND: there is none, or it is not theirs. */
bool store_message_close(Store *store, const StoreActor *actor, const char *id, GError **error);

/* ---- shadowing ---- */

typedef enum { SHADOW_ASKED, SHADOW_ALLOWED, SHADOW_REFUSED, SHADOW_EXPIRED, SHADOW_OPEN, SHADOW_ENDED } StoreShadowState;

const char *store_shadow_state_word(StoreShadowState state);

typedef struct {
    char *id;
    char *session_id;
    char *by_id; /* NULL: the local administrator */
    char *by_name;
    StoreDisplayMode mode; /* VIEW or CONTROL */
    bool asks;             /* else the person is only told */
    StoreShadowState state;
    int64_t asked_ms;
    int64_t changed_ms;
} StoreShadow;

void store_shadow_free(StoreShadow *shadow);

/* Asks the person, or (asks false) is allowed at once. CONFLICT: the same helper looks on there, or has asked, already. */
StoreShadow *store_shadow_new(Store *store, const StoreActor *actor, const StoreShadow *fields, GError **error);

StoreShadow *store_shadow_get(Store *store, const char *id, GError **error);

/* Of this session, those that are asked, allowed or open; newest first. */
GPtrArray *store_shadow_list(Store *store, const char *session_id, GError **error);

/* asked → allowed or refused; allowed → open; asked, allowed, open → ended. CONFLICT where it is another state by now. The
 * session's watchers are told. */
bool store_shadow_set(Store *store, const StoreActor *actor, const char *id, StoreShadowState state, GError **error);

/* The same by the guest of this desktop, for its session's person. NOT_FOUND: nothing of the kind is asked there. */
bool store_shadow_answer(Store *store, const char *desktop_id, const char *id, bool allow, GError **error);

/* The allowed one of this session and helper has its display now. NOT_FOUND: there is none. */
StoreShadow *store_shadow_opened(Store *store, const StoreTicket *ticket, GError **error);

/* What ends by itself: a question that was not answered in LIMIT_SHADOW_ASK_MS, a leave that was not used, a display that is closed, a
 * session whose person has left. */
bool store_shadow_sweep(Store *store, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreMessage, store_message_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreShadow, store_shadow_free)
