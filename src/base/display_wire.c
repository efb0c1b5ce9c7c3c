#include "base/display_wire.h"

#include <string.h>

/* Places in the packet; numbers have their high byte first. */
enum { AT_KIND = 0, AT_FLAGS = 1, AT_WIDTH = 2, AT_HEIGHT = 4, AT_CODE = 6, AT_ID = 8, AT_KBIT_S = 34, AT_REASON = 36 };
G_STATIC_ASSERT(AT_ID + ID_LENGTH <= AT_KBIT_S && AT_KBIT_S + 2 <= AT_REASON && AT_REASON + DISPLAY_REASON + 1 == DISPLAY_PACKET);

bool display_rules_restrict(const DisplayRules *rules)
{
    const unsigned held = DISPLAY_VIEW_ONLY | DISPLAY_NO_CLIPBOARD_IN | DISPLAY_NO_CLIPBOARD_OUT | DISPLAY_NO_SOUND |
                          DISPLAY_NO_SIZE;
    return !(rules->flags & DISPLAY_OPAQUE) && ((rules->flags & held) || rules->width || rules->height);
}

void display_packet_set_reason(DisplayPacket *packet, const char *reason)
{
    const char *end = NULL;
    g_strlcpy(packet->reason, reason ? reason : "", sizeof packet->reason);
    if (!g_utf8_validate(packet->reason, -1, &end))
        packet->reason[end - packet->reason] = '\0';
}

static void put_16(uint8_t *at, uint16_t number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

static uint16_t get_16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

void display_packet_write(const DisplayPacket *packet, uint8_t bytes[DISPLAY_PACKET])
{
    memset(bytes, 0, DISPLAY_PACKET);
    bytes[AT_KIND] = (uint8_t)packet->kind;
    bytes[AT_FLAGS] = (uint8_t)packet->rules.flags;
    put_16(bytes + AT_WIDTH, packet->rules.width);
    put_16(bytes + AT_HEIGHT, packet->rules.height);
    put_16(bytes + AT_CODE, packet->code);
    put_16(bytes + AT_KBIT_S, packet->rules.kbit_s);
    memcpy(bytes + AT_ID, packet->id, ID_LENGTH);
    g_strlcpy((char *)bytes + AT_REASON, packet->reason, DISPLAY_REASON + 1);
}

static bool is_kind(uint8_t kind)
{
    return kind == DISPLAY_HANDOVER || (kind && strchr("AIERXV", kind));
}

bool display_packet_read(const uint8_t bytes[DISPLAY_PACKET], DisplayPacket *ret)
{
    *ret = (DisplayPacket){
        .kind = bytes[AT_KIND],
        .rules = {bytes[AT_FLAGS], get_16(bytes + AT_WIDTH), get_16(bytes + AT_HEIGHT), get_16(bytes + AT_KBIT_S)},
        .code = get_16(bytes + AT_CODE),
    };
    memcpy(ret->id, bytes + AT_ID, ID_LENGTH);
    memcpy(ret->reason, bytes + AT_REASON, DISPLAY_REASON);
    return is_kind(bytes[AT_KIND]) && id_is_valid(ret->id) && bytes[DISPLAY_PACKET - 1] == 0 &&
           g_utf8_validate(ret->reason, -1, NULL);
}
