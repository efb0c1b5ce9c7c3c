/* A person's second factor, and the rules of the house about it. Any thread. */
#pragma once

#include "identity/identity.h"
#include "identity/totp.h"
#include "store/totp.h"

/* ---- the rules ---- */

typedef struct {
    Roles totp_roles; /* that must have a second factor */
    char **trusted;   /* networks from where it is not asked for; never NULL */
} LoginRules;

void login_rules_clear(LoginRules *rules);

bool identity_login_rules(Identity *identity, LoginRules *ret, GError **error);
/* INVALID: a text that is no network. */
bool identity_login_rules_set(Identity *identity, const StoreActor *actor, const LoginRules *rules, GError **error);

/* ---- one's own ---- */

typedef struct {
    char *secret; /* base32, wiped */
    char *uri;    /* wiped */
} TotpEnrolment;

void totp_enrolment_clear(TotpEnrolment *enrolment);

/* A new secret, which waits for its first code. CONFLICT: there is a confirmed one; the caller is no user of a browser. */
bool identity_totp_begin(Identity *identity, const Caller *caller, TotpEnrolment *ret, GError **error);
/* The first code. Recovery codes, NULL-ended (g_strfreev): shown this once. FORBIDDEN: wrong code, says the time. */
char **identity_totp_confirm(Identity *identity, const Caller *caller, const char *code, const ClientInfo *client,
                             GError **error);
/* With a code of the device, or a recovery code. FORBIDDEN, TOO_MANY. */
bool identity_totp_remove(Identity *identity, const Caller *caller, const char *code, const ClientInfo *client,
                          GError **error);
/* New recovery codes; the old ones are void. */
char **identity_recovery_codes_new(Identity *identity, const Caller *caller, const char *code, const ClientInfo *client,
                                   GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LoginRules, login_rules_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TotpEnrolment, totp_enrolment_clear)
