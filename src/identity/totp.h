/* Time-based one-time passwords (RFC 6238: SHA-1, 30 s, 6 digits: what every authenticator app does), and who must give
 * one. Pure, but for totp_secret_new; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "identity/role.h"

#define TOTP_STEP_MS 30000

/* 160 random bits in base32, as people type it and apps read it. Caller frees with secret_free. */
char *totp_secret_new(void);

/* "otpauth://totp/Oriel:anna?secret=…&issuer=Oriel". Caller frees with secret_free. */
char *totp_uri(const char *secret, const char *user_name);

/* The code of a step (time / TOTP_STEP_MS), 6 digits. Caller frees. NULL: the secret is none. */
char *totp_code(const char *secret, int64_t step);

/* The step of this code, if it is of now, the one before or the one after (the clocks of phones are apart); 0: none. Spaces
 * in the code do not matter. */
int64_t totp_match(const char *secret, const char *code, int64_t now_ms);

/* ---- who must ---- */

typedef struct {
    Roles roles;                  /* that must have a second factor */
    const char *const *trusted;   /* networks from where nobody is asked; NULL-ended, NULL: none */
} TotpRules;

typedef enum {
    TOTP_NO,    /* the password is enough */
    TOTP_ASK,   /* a code is asked for */
    TOTP_ENROL, /* there is none yet, and one must be set up before anything else */
} TotpNeed;

/* `enrolled`: whether the user has a second factor; address of the client, NULL: unknown, which no network trusts. */
TotpNeed totp_required(const TotpRules *rules, Roles roles, bool enrolled, const char *address);
