#include "gateway/vencrypt.h"

#include <glib.h>
#include <string.h>

#define VERSION_BYTES 12

enum { PHASE_VERSION, PHASE_SECURITY, PHASE_VENCRYPT_VERSION, PHASE_SUBTYPE, PHASE_CREDENTIALS, PHASE_OVER };

static uint32_t get_32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Bytes of this phase; 0: too many. */
static size_t needed(const Vencrypt *vencrypt)
{
    static const uint8_t fixed[] = {
        [PHASE_VERSION] = VERSION_BYTES, [PHASE_SECURITY] = 1, [PHASE_VENCRYPT_VERSION] = 2, [PHASE_SUBTYPE] = 4};
    if (vencrypt->phase < G_N_ELEMENTS(fixed))
        return fixed[vencrypt->phase];
    if (vencrypt->phase == PHASE_OVER)
        return 0;
    if (vencrypt->have < 8)
        return 8;
    uint32_t name = get_32(vencrypt->bytes), ticket = get_32(vencrypt->bytes + 4);
    return name <= VENCRYPT_NAME_LARGEST && ticket > 0 && ticket <= VENCRYPT_TICKET_LARGEST ? 8u + name + ticket : 0;
}

static bool ticket_take(Vencrypt *vencrypt)
{
    uint32_t name = get_32(vencrypt->bytes), length = get_32(vencrypt->bytes + 4);
    const char *at = (const char *)vencrypt->bytes + 8 + name;
    for (uint32_t i = 0; i < length; i++)
        if (!g_ascii_isalnum(at[i]) && at[i] != '-' && at[i] != '_')
            return false;
    memcpy(vencrypt->ticket, at, length);
    vencrypt->ticket[length] = '\0';
    return true;
}

static const uint8_t securities[] = {1, 19};
static const uint8_t vencrypt_version[] = {0, 2};
static const uint8_t subtypes[] = {0, 1, 0, 0, 1, 6}; /* the version is fine; one subtype: 262, X509Plain */
static const uint8_t accepted[] = {1};

static VencryptStep say(Vencrypt *vencrypt, uint8_t next, const uint8_t *answer, size_t length)
{
    vencrypt->phase = next;
    return (VencryptStep){next == PHASE_CREDENTIALS ? VENCRYPT_TLS : VENCRYPT_MORE, answer, length};
}

static VencryptStep whole(Vencrypt *vencrypt)
{
    const uint8_t *bytes = vencrypt->bytes;
    switch (vencrypt->phase) {
    case PHASE_VERSION: /* 3.3 has no types to choose from, 3.7 no reason in the result */
        if (memcmp(bytes, VENCRYPT_GREETING, VERSION_BYTES) == 0)
            return say(vencrypt, PHASE_SECURITY, securities, sizeof securities);
        break;
    case PHASE_SECURITY:
        if (bytes[0] == securities[1])
            return say(vencrypt, PHASE_VENCRYPT_VERSION, vencrypt_version, sizeof vencrypt_version);
        break;
    case PHASE_VENCRYPT_VERSION:
        if (memcmp(bytes, vencrypt_version, sizeof vencrypt_version) == 0)
            return say(vencrypt, PHASE_SUBTYPE, subtypes, sizeof subtypes);
        break;
    case PHASE_SUBTYPE:
        if (memcmp(bytes, subtypes + 2, 4) == 0)
            return say(vencrypt, PHASE_CREDENTIALS, accepted, sizeof accepted);
        break;
    case PHASE_CREDENTIALS:
        if (ticket_take(vencrypt)) {
            vencrypt->phase = PHASE_OVER;
            return (VencryptStep){.end = VENCRYPT_TICKET};
        }
        break;
    default:
        break;
    }
    return (VencryptStep){.end = VENCRYPT_BROKEN};
}

VencryptStep vencrypt_take(Vencrypt *vencrypt, const uint8_t *bytes, size_t length)
{
    size_t need = needed(vencrypt);
    while (length > 0 && vencrypt->have < need) {
        vencrypt->bytes[vencrypt->have++] = *bytes++;
        length--;
        need = needed(vencrypt);
    }
    if (need == 0 || length > 0)
        return (VencryptStep){.end = VENCRYPT_BROKEN};
    if (vencrypt->have < need)
        return (VencryptStep){.end = VENCRYPT_MORE};
    VencryptStep step = whole(vencrypt);
    explicit_bzero(vencrypt->bytes, sizeof vencrypt->bytes);
    vencrypt->have = 0;
    return step;
}

size_t vencrypt_welcome(uint8_t ret[VENCRYPT_RESULT_LARGEST])
{
    memset(ret, 0, 4);
    return 4;
}

size_t vencrypt_refusal(uint8_t ret[VENCRYPT_RESULT_LARGEST])
{
    static const char reason[] = "This file opens nothing any more: each works once, for two minutes. Get a new one.";
    const uint8_t head[] = {0, 0, 0, 1, 0, 0, 0, sizeof reason - 1};
    G_STATIC_ASSERT(sizeof head + sizeof reason <= VENCRYPT_RESULT_LARGEST);
    memcpy(ret, head, sizeof head);
    memcpy(ret + sizeof head, reason, sizeof reason - 1);
    return sizeof head + sizeof reason - 1;
}
