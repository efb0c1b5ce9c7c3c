/* Log-ins by OpenID Connect: authorization code with PKCE (OpenID Connect Core 1.0 3.1, RFC 7636, RFC 9700). Any thread; blocks
 * while the provider is asked.
 *
 * What a log-in under way must remember goes with the browser, sealed, in a cookie: orield may be restarted meanwhile, and whoever
 * has no such cookie cannot finish what another began. */
#pragma once

#include "identity/directory.h"
#include "identity/identity.h"

#define OIDC_COOKIE "__Host-oriel-provider" /* of the log-in under way */
#define OIDC_MS (10 * 60 * 1000LL)          /* its life */

typedef struct {
    char *url;    /* where the browser goes: the provider */
    char *cookie; /* and with this */
} OidcBegin;

void oidc_begin_clear(OidcBegin *begin);

typedef struct {
    const char *redirect_uri; /* where the provider sends the browser back to; it must know it */
    bool again;               /* it is to ask the person, also where it knows them (OpenID Connect Core 1.0 3.1.2.1: prompt, max_age) */
} OidcWish;

/* UNAVAILABLE: the provider does not answer. */
bool oidc_begin(Identity *identity, const StoreDirectory *directory, const OidcWish *wish, OidcBegin *ret, GError **error);

/* UTC, ms: when the person showed the provider who they are, as auth_time of its ID token says; of one that does not say so, negative: perhaps
 * it asked nobody. Also where it was told to ask (it must say then, by OpenID Connect Core 1.0 3.1.2.1): that request goes through the
 * browser, where whoever sits there can take prompt and max_age out of it. For tests. */
int64_t oidc_proved_ms(const Json *claims, int64_t now_ms);

typedef struct {
    const char *cookie; /* NULL: the browser has none */
    const char *state;  /* these as the provider's answer has them; NULL: absent */
    const char *code;
    const char *error;
    const char *issuer; /* RFC 9207 */
    const char *redirect_uri;
    const char *address; /* from where the browser comes */
} OidcAnswer;

/* Log-ins that were finished: state → until when it is remembered, and from where it was. For tests. */
typedef struct {
    int64_t until; /* UTC */
    char network[];
} OidcUsed;

/* UNAUTHENTICATED: it was finished already. TOO_MANY: that network, or all of them, have finished too many lately. */
bool oidc_used_add(GHashTable *used, const char *state, const char *network, int64_t until, GError **error);

/* UNAUTHENTICATED: no such log-in is under way in this browser, or it took too long, or it was finished already; the ID token is
 * not good. FORBIDDEN: the provider or the person refused; the user is disabled, or may not be made. CONFLICT: another user has
 * the name. INVALID: a claim is missing, or the name is none. UNAVAILABLE: the provider does not answer. TOO_MANY: as above.
 * Leaves an event. */
Login *oidc_finish(Identity *identity, const StoreDirectory *directory, const OidcAnswer *answer, const ClientInfo *client,
                   GError **error);

/* Where a browser whose login this was goes to end its login at the provider, too (OpenID Connect RP-Initiated Logout 1.0). NULL:
 * it came otherwise, or nothing is known of that. Asks nobody. Caller frees. */
char *oidc_log_out_url(Identity *identity, const StoreWebSession *session, const char *back_to);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OidcBegin, oidc_begin_clear)
