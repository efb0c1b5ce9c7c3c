/* Small checks that several tables share. Only for this folder. */
#pragma once

#include "base/json.h"
#include "store/transaction.h"
#include "store/user.h"

/* Condition on a row of users: neither they nor the directory that they come from are disabled. */
#define MAY_LOG_IN(person)                                                                                   \
    "(" person ".enabled = 1 AND NOT EXISTS (SELECT 1 FROM directories y WHERE y.id = " person               \
    ".directory_id AND y.enabled = 0))"

/* Condition on a row e of entitlements: it is for everyone, and user $1 is enabled. */
#define ENTITLED_AS_EVERYONE                                                                                 \
    "(e.group_id = '" STORE_GROUP_EVERYONE                                                                   \
    "' AND EXISTS (SELECT 1 FROM users u WHERE u.id = $1 AND u.enabled = 1))"

/* Conditions on the row `of` of tickets or displays. The login by which it was got has not ended, nor its token been
 * deleted. */
#define LOGIN_STANDS(of)                                                                                     \
    "(" of ".login_id IS NULL OR EXISTS (SELECT 1 FROM web_sessions w WHERE w.id = " of ".login_id)"         \
    " OR EXISTS (SELECT 1 FROM tokens t WHERE t.id = " of ".login_id))"

/* Its session has not ended, the desktop is still its user's (of those who have it together, one's), who is enabled and entitled. */
#define SESSION_STANDS(of)                                                                                   \
    "EXISTS (SELECT 1 FROM sessions s JOIN desktops d ON d.id = s.desktop_id JOIN users o ON o.id = s.user_id" \
    " WHERE s.id = " of ".session_id AND s.state <> 'ended' AND d.id = " of ".desktop_id"                    \
    " AND (d.user_id = o.id OR EXISTS (SELECT 1 FROM assignments b WHERE b.desktop_id = d.id AND b.user_id = o.id))"  \
    " AND " MAY_LOG_IN("o") " AND EXISTS (SELECT 1 FROM entitlements e WHERE e.pool_id = d.pool_id"                \
    " AND (e.user_id = o.id OR e.group_id = '" STORE_GROUP_EVERYONE                                          \
    "' OR e.group_id IN (SELECT m.group_id FROM group_members m WHERE m.user_id = o.id))))"

/* The helper may help this person: one of the groups that the helper is limited to has them among its members. */
#define HELPED_BY(helper, person)                                                                            \
    "EXISTS (SELECT 1 FROM helpers h JOIN helper_groups l ON l.helper_id = h.id WHERE (h.user_id = " helper  \
    " OR h.group_id = '" STORE_GROUP_EVERYONE                                                                \
    "' OR h.group_id IN (SELECT m.group_id FROM group_members m WHERE m.user_id = " helper                   \
    ")) AND (l.group_id = '" STORE_GROUP_EVERYONE                                                            \
    "' OR l.group_id IN (SELECT m.group_id FROM group_members m WHERE m.user_id = " person ")))"

/* A display for looking on in a session stands as long as its shadow does; others always. */
#define SHADOW_STANDS(of)                                                                                    \
    "(" of ".mode NOT IN ('view', 'control') OR EXISTS (SELECT 1 FROM shadows w WHERE w.session_id = " of    \
    ".session_id AND w.mode = " of ".mode AND COALESCE(w.by_id, '') = COALESCE(" of                          \
    ".user_id, '') AND w.state IN ('allowed', 'open')))"

const char *text_or_empty(const char *text);

/* Takes `failure` of an INSERT or UPDATE: CONFLICT "KIND "NAME": the name is taken" where a unique index
 * refused, else the failure itself. Always false. */
bool fail_taken(const Transaction *transaction, GError *failure, const char *kind, const char *name,
                GError **error);

typedef struct {
    const char *kind;
    const char *name;
    const char *id;
} Missed;

/* An UPDATE ... WHERE id = $1 AND version = $2 found no row: NOT_FOUND or STALE. `exists` selects the row by
 * $1. Always false. */
bool fail_missed(Transaction *transaction, const char *exists, const Missed *missed, GError **error);

/* expected 0: any. STALE. */
bool check_version(const char *kind, const char *name, int64_t version, int64_t expected, GError **error);

/* Whether $1 = id is there: NOT_FOUND "KIND "ID": there is none". */
bool check_exists(Transaction *transaction, const char *exists, const char *kind, const char *id,
                  GError **error);

/* An event's detail; format as json_pack. Caller frees. */
char *detail_of(const char *format, ...);

/* {"field": [old, new]} for each field that differs. Takes both objects, which have the same keys and no
 * secrets. Caller owns. */
Json *changes_between(Json *before, Json *after);

/* The event of an update, whose detail is the text of changes_between. Takes both over. */
bool record_changes(Transaction *transaction, Record record, Json *before, Json *after, GError **error);

/* The word of a value in a NULL-ended table; never NULL. */
const char *word_of(const char *const *words, int value);
bool word_parse(const char *const *words, const char *word, int *ret);
