/* What desktops, pools and sessions do for each other within one transaction. Only for this folder. */
#pragma once

#include "store/session.h"
#include "store/transaction.h"

#define DESKTOP_COLUMNS                                                                                      \
    "d.id, d.pool_id, (SELECT p.name FROM pools p WHERE p.id = d.pool_id), d.host_id, d.name, "              \
    "d.image_version_id, d.maintenance, d.protocol, d.address, d.port, d.wake_mac, d.sealed_password,"                                                                                    \
    " d.desired, d.observed, d.generation, d.observed_generation, d.user_id,"                                \
    " (SELECT u.name FROM users u WHERE u.id = d.user_id), d.assigned_ms, d.agent, d.error, d.mac, "         \
    "d.machine_id,"                                                                                          \
    " d.observed_ms, d.created_ms, d.updated_ms, d.version, d.seats, d.seat_of, d.seat,"                     \
    " CASE WHEN d.seat_of IS NULL THEN NULL ELSE (SELECT m.name FROM desktops m WHERE m.id = d.seat_of) END,"  \
    " CASE WHEN d.seats = 0 AND d.seat_of IS NULL THEN 0 ELSE (SELECT COUNT(*) FROM desktops n"               \
    " WHERE n.seat_of = COALESCE(d.seat_of, d.id) AND n.user_id IS NOT NULL) END"

#define DESKTOP_USED_MS                                                                                      \
    "COALESCE((SELECT CASE WHEN s.input_ms > s.changed_ms THEN s.input_ms ELSE s.changed_ms END FROM sessions s" \
    " WHERE s.desktop_id = d.id AND s.state <> 'ended'), d.assigned_ms)"
/* Of several desktops of one user the one used last comes first. */
#define DESKTOP_LAST_FIRST                                                                                   \
    " ORDER BY " DESKTOP_USED_MS " DESC, d.ordinal DESC, d.id"

/* The same, but before all others that of this id. */
#define DESKTOP_LAST_FIRST_BUT(id)                                                                           \
    " ORDER BY CASE WHEN d.id = " id " THEN 0 ELSE 1 END, " DESKTOP_USED_MS " DESC, d.ordinal DESC, d.id"

/* Those of user $2 in pool $1. */
#define DESKTOP_THEIRS                                                                                       \
    "d.desired <> 'deleted' AND d.id IN (SELECT o.id FROM desktops o WHERE o.pool_id = $1 AND o.user_id = $2" \
    " UNION SELECT a.desktop_id FROM assignments a WHERE a.pool_id = $1 AND a.user_id = $2)"

gpointer desktop_read(Reader *reader); /* of DESKTOP_COLUMNS */

/* The row, locked until the end of the transaction. NOT_FOUND. */
StoreDesktop *desktop_lock(Transaction *transaction, const char *id, GError **error);
/* The same without a lock. */
StoreDesktop *desktop_in(Transaction *transaction, const char *id, GError **error);

/* All of a pool to desired = deleted, with the end of their sessions. The caller has locked the pool. */
bool desktops_delete_all(Transaction *transaction, const char *pool_id, GError **error);

/* Removes a pool that is being deleted and has no desktop left. */
bool pool_remove_if_empty(Transaction *transaction, const char *id, GError **error);

/* Makes it theirs, in user_id (where it has nobody) and in assignments. *ret_retry: the user got another one meanwhile, or has as
 * many as the pool allows. */
typedef struct {
    const char *desktop_id;
    const char *pool_id;
    const char *user_id;
    bool shared; /* dedicated or manual: in assignments too */
    int64_t most; /* how many of this pool the user may have */
} Gift;
StoreDesktop *desktop_give(Transaction *transaction, const Gift *gift, bool *ret_retry, GError **error);

/* Whether this user is one of those whose desktop it is. */
bool desktop_is_theirs(Transaction *transaction, const StoreDesktop *desktop, const char *user_id, bool *ret,
                       GError **error);
/* As desktop_record, of one of several users. */
bool desktop_record_user(Transaction *transaction, const char *action, const StoreDesktop *desktop, const char *user_id,
                         GError **error);

/* The claim itself. *ret_retry: somebody else was quicker, the transaction may be tried again. */
StoreDesktop *desktop_claim_in(Transaction *transaction, const StoreClaim *claim, bool *ret_retry,
                               GError **error);

/* Gives it up and/or raises its generation; the caller has locked it. Ends its sessions where reason is not
 * NULL. */
bool desktop_remove_in(Transaction *transaction, const StoreDesktop *desktop, GError **error); /* desired = deleted, and its event */
bool desktop_leave(Transaction *transaction, const StoreDesktop *desktop, StoreAfter after, GError **error);

/* ---- seats of shared machines (seat.c) ---- */

/* The machine of this seat, locked: machines come before their seats. Nothing where it is no seat. */
bool seat_lock_machine(Transaction *transaction, const char *desktop_id, GError **error);
bool seat_is_one(Transaction *transaction, const char *desktop_id); /* false also where that cannot be known */
/* A new machine gets its seats. */
bool seats_make(Transaction *transaction, const char *machine_id, int64_t seats, GError **error);
/* What the machine's row says is written to its seats' rows, with their notifications. */
bool seats_follow(Transaction *transaction, const char *machine_id, GError **error);
/* Their notifications alone. */
bool seats_changed(Transaction *transaction, const char *machine_id, const char *op, GError **error);
/* Nobody's: all of them; their sessions have ended. */
bool seats_clear(Transaction *transaction, const char *machine_id, GError **error);
/* As desktop_leave. The caller has locked machine and seat. */
bool seat_leave(Transaction *transaction, const StoreDesktop *seat, StoreAfter after, GError **error);
/* Locks them all and counts those that are somebody's. */
bool seats_taken(Transaction *transaction, const char *machine_id, int64_t *ret, GError **error);
/* What was put off until the machine's maintenance is over. */
bool seats_end_maintenance(Transaction *transaction, const char *machine_id, GError **error);
/* UNSUPPORTED where it is a seat: that is asked of its machine. */
bool seat_refuse(const StoreDesktop *desktop, GError **error);

/* Event and notification of a desktop. */
bool desktop_record(Transaction *transaction, const char *action, const StoreDesktop *desktop,
                    GError **error);

/* Ends what is not ended on this desktop. The caller has locked the desktop. */
bool sessions_end_on(Transaction *transaction, const char *desktop_id, const char *reason, GError **error);

/* As store_session_open; the caller has locked the desktop and checked whose it is. */
StoreSession *session_open_in(Transaction *transaction, const StoreDesktop *desktop,
                              const StoreSessionOpen *fields, GError **error);

/* As store_ticket_create. */
bool ticket_create_in(Transaction *transaction, const StoreTicketNew *fields, GError **error);
