/* What people may do with their own desktop from the portal. Pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Bits of a pool's self service; the words, in this order, are what the store and the API say. */
typedef enum {
    SELF_RESTART = 1 << 0, /* the guest shuts down and boots */
    SELF_RESET = 1 << 1,   /* as by the reset button: what is not saved is lost */
    SELF_REFRESH = 1 << 2, /* back to the image: everything on it is lost */
} SelfAct;

#define SELF_SERVICE_DEFAULT "restart reset"

const char *self_act_word(SelfAct act);
/* "restart reset" to bits, words separated by spaces; "" and NULL: nothing. INVALID names the unknown word and what is allowed. */
bool self_service_parse(const char *text, unsigned *ret, GError **error);
/* Bits to words in the table's order. Caller frees. */
char *self_service_format(unsigned acts);

typedef struct {
    const char *pool;
    unsigned allowed; /* by the pool: SelfAct bits */
    SelfAct act;
    bool entitled;
    bool has_desktop;
    bool external;    /* a machine that was there before: Oriel has no hand on its power or disk */
    bool maintenance; /* of the pool or the desktop */
    bool in_use;      /* somebody else, whom it is assigned to as well, is in session there */
} SelfQuestion;

/* FORBIDDEN (not entitled, or not in this pool), NOT_FOUND (no desktop), UNSUPPORTED, CONFLICT; each says what to do. */
bool self_service_check(const SelfQuestion *question, GError **error);
