/* What a native VNC client (remote-viewer with a .vv file) says before its display begins: RFB 3.8 (RFC 6143 7.1) with the
 * security type VeNCrypt 0.2, subtype X509Plain (github.com/rfbproto/rfbproto): TLS, in it a name and a password, and the
 * password is the ticket. Pure: bytes in, what to answer out. Fuzzed by tests/fuzz/fuzz_vencrypt.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VENCRYPT_NAME_LARGEST 64
#define VENCRYPT_TICKET_LARGEST 128
#define VENCRYPT_LARGEST (8 + VENCRYPT_NAME_LARGEST + VENCRYPT_TICKET_LARGEST)

typedef enum {
    VENCRYPT_MORE,   /* answer, and go on */
    VENCRYPT_TLS,    /* answer, then TLS begins */
    VENCRYPT_TICKET, /* the ticket is there: the client waits for the result */
    VENCRYPT_BROKEN, /* no such client, or it says more than it was asked for */
} VencryptEnd;

/* All zero at the start, when the greeting has been sent. */
typedef struct {
    uint8_t phase;
    uint8_t bytes[VENCRYPT_LARGEST];
    size_t have;
    char ticket[VENCRYPT_TICKET_LARGEST + 1]; /* letters, digits, '-' and '_' */
} Vencrypt;

typedef struct {
    VencryptEnd end;
    const uint8_t *answer; /* static; NULL: none */
    size_t answer_length;
} VencryptStep;

/* The server speaks first. */
#define VENCRYPT_GREETING "RFB 003.008\n"

/* A client says nothing before it is asked: what it says is at most what one phase takes. */
VencryptStep vencrypt_take(Vencrypt *vencrypt, const uint8_t *bytes, size_t length);

/* The result (7.1.3): what follows the ticket. */
#define VENCRYPT_RESULT_LARGEST 256
size_t vencrypt_welcome(uint8_t ret[VENCRYPT_RESULT_LARGEST]);
size_t vencrypt_refusal(uint8_t ret[VENCRYPT_RESULT_LARGEST]); /* with a sentence that clients show */
