#include "gateway/rfb_client.h"

#include <glib.h>
#include <string.h>

#define VERSION_BYTES 12
#define SECURITY_NONE 1
#define SCREEN_BYTES 16

/* Messages of a client: RFC 6143 7.5, and the registry at github.com/rfbproto/rfbproto. */
enum {
    SET_PIXEL_FORMAT = 0,
    SET_ENCODINGS = 2,
    UPDATE_REQUEST = 3,
    KEY = 4,
    POINTER = 5,
    CUT_TEXT = 6,
    CONTINUOUS_UPDATES = 150,
    FENCE = 248,
    POWER = 250, /* xvp: shut down, reboot, reset */
    SET_DESKTOP_SIZE = 251,
    QEMU = 255,
};
enum { QEMU_KEY = 0, QEMU_SOUND = 1 };
enum { SOUND_ON = 0, SOUND_OFF = 1, SOUND_FORMAT = 2 };

/* First word of an extended cut text. QEMU 7.2 (ui/vnc-clipboard.c) announces what the guest copied with `notify` and
 * sends it only upon `request`, never as plain text. */
#define CLIPBOARD_REQUEST (1u << 25)
#define CLIPBOARD_PEEK (1u << 26)
#define CLIPBOARD_NOTIFY (1u << 27)
#define CLIPBOARD_PROVIDE (1u << 28)

static uint16_t get_16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get_32(const uint8_t *at)
{
    return (uint32_t)get_16(at) << 16 | get_16(at + 2);
}

/* A negative length: the extended form, whose first word says what it is. */
static bool is_extended(const uint8_t *head)
{
    return head[4] & 0x80;
}

/* Bytes of head that are needed to know what this is, as far as the `have` that are there tell; 0: unknown. */
static size_t head_size(const RfbClient *client)
{
    const uint8_t *head = client->head;
    const size_t have = client->have;
    switch (head[0]) {
    case SET_PIXEL_FORMAT:
        return 20;
    case SET_ENCODINGS:
        return 4;
    case UPDATE_REQUEST:
    case CONTINUOUS_UPDATES:
        return 10;
    case KEY:
        return 8;
    case POINTER:
        return 6;
    case CUT_TEXT:
        return have >= 8 && is_extended(head) && get_32(head + 4) <= UINT32_MAX - 3 ? 12 : 8;
    case FENCE:
        return 9;
    case POWER:
        return 4;
    case SET_DESKTOP_SIZE:
        return have >= 8 && head[6] == 1 ? 8 + SCREEN_BYTES : 8;
    case QEMU:
        if (have < 2)
            return 2;
        if (head[1] == QEMU_KEY)
            return 12;
        if (head[1] != QEMU_SOUND)
            return 0;
        return have >= 4 && get_16(head + 2) == SOUND_FORMAT ? 10 : 4;
    default:
        return 0;
    }
}

/* Bytes that follow the head. */
static uint32_t body_size(const RfbClient *client)
{
    const uint8_t *head = client->head;
    uint32_t length;
    switch (head[0]) {
    case SET_ENCODINGS:
        return 4u * get_16(head + 2);
    case CUT_TEXT:
        length = get_32(head + 4);
        return is_extended(head) ? 0 - length - (client->have - 8u) : length;
    case FENCE:
        return head[8];
    case SET_DESKTOP_SIZE:
        return head[6] == 1 ? 0 : head[6] * (uint32_t)SCREEN_BYTES;
    default:
        return 0;
    }
}

static bool is_input(const uint8_t *head)
{
    return head[0] == KEY || head[0] == POINTER || (head[0] == QEMU && head[1] == QEMU_KEY);
}

static bool cut_text_may_pass(const RfbClient *client, unsigned flags)
{
    uint32_t parts = client->have >= 12 ? get_32(client->head + 8) : CLIPBOARD_PROVIDE;
    bool in = parts & (CLIPBOARD_NOTIFY | CLIPBOARD_PROVIDE), out = parts & (CLIPBOARD_REQUEST | CLIPBOARD_PEEK);
    return !(in && (flags & (DISPLAY_NO_CLIPBOARD_IN | DISPLAY_VIEW_ONLY))) &&
           !(out && (flags & DISPLAY_NO_CLIPBOARD_OUT));
}

static void shrink(uint8_t *at, uint16_t most)
{
    uint16_t now = get_16(at), less = MIN(now, most);
    at[0] = (uint8_t)(less >> 8);
    at[1] = (uint8_t)less;
}

/* Of one screen the size is cut down to what is allowed; several screens, where there is a limit, are too many. */
static bool size_may_pass(RfbClient *client, const DisplayRules *rules)
{
    uint8_t *head = client->head;
    if (rules->flags & (DISPLAY_VIEW_ONLY | DISPLAY_NO_SIZE))
        return false;
    if (!rules->width && !rules->height)
        return true;
    if (head[6] != 1)
        return false;
    uint16_t width = rules->width ? rules->width : UINT16_MAX, height = rules->height ? rules->height : UINT16_MAX;
    shrink(head + 2, width);
    shrink(head + 4, height);
    shrink(head + 8 + 8, width); /* of the screen: id, x, y, width, height, flags */
    shrink(head + 8 + 10, height);
    return true;
}

static bool may_pass(RfbClient *client, const DisplayRules *rules)
{
    const uint8_t *head = client->head;
    switch (head[0]) {
    case CUT_TEXT:
        return cut_text_may_pass(client, rules->flags);
    case SET_DESKTOP_SIZE:
        return size_may_pass(client, rules);
    case KEY:
    case POINTER:
    case POWER:
        return !(rules->flags & DISPLAY_VIEW_ONLY);
    case QEMU:
        if (head[1] == QEMU_KEY)
            return !(rules->flags & DISPLAY_VIEW_ONLY);
        return !(rules->flags & DISPLAY_NO_SOUND) || get_16(head + 2) != SOUND_ON;
    default:
        return true;
    }
}

/* ---- the stream ---- */

typedef struct {
    RfbClient *client;
    const DisplayRules *rules;
    bool holds; /* rules must hold: nothing is passed before it is understood */
    uint8_t *out;
    RfbWalk walk;
} Walker;

static void put(Walker *walker, const uint8_t *bytes, size_t length)
{
    memcpy(walker->out + walker->walk.length, bytes, length);
    walker->walk.length += length;
}

/* What of the head has not gone yet. */
static void head_put(Walker *walker)
{
    RfbClient *client = walker->client;
    put(walker, client->head + client->sent, client->have - client->sent);
    client->sent = client->have;
}

/* Between two messages only. */
static void silence(Walker *walker)
{
    static const uint8_t off[] = {QEMU, QEMU_SOUND, 0, SOUND_OFF};
    RfbClient *client = walker->client;
    bool between = client->phase == RFB_MESSAGE && !client->body && !client->sent;
    if (!client->hears || !between || !(walker->rules->flags & DISPLAY_NO_SOUND))
        return;
    put(walker, off, sizeof off);
    client->hears = false;
}

static bool is_sound(const uint8_t *head, unsigned operation)
{
    return head[0] == QEMU && head[1] == QEMU_SOUND && get_16(head + 2) == operation;
}

static void head_done(RfbClient *client, RfbPhase next)
{
    client->phase = (uint8_t)next;
    client->have = client->sent = 0;
}

static void lose(Walker *walker)
{
    walker->walk.refused = walker->holds;
    if (!walker->holds)
        head_put(walker);
    head_done(walker->client, RFB_LOST);
}

/* "RFB 003.008\n". Before 3.7 the server chooses the security and the client says nothing of it (7.1.2). */
static void version_take(Walker *walker)
{
    RfbClient *client = walker->client;
    const char *text = (const char *)client->head;
    if (strncmp(text, "RFB 003.00", 10) != 0 || text[11] != '\n' || !strchr("34578", text[10])) {
        lose(walker);
        return;
    }
    head_put(walker);
    head_done(client, text[10] >= '7' ? RFB_SECURITY : RFB_INIT);
}

static void message_take(Walker *walker)
{
    RfbClient *client = walker->client;
    client->body = body_size(client);
    /* What has begun to go (the rules are newer than it) goes whole: half a message would break the stream. */
    client->drops = !client->sent && !may_pass(client, walker->rules);
    if (!client->drops) {
        walker->walk.input |= is_input(client->head);
        client->hears = (client->hears || is_sound(client->head, SOUND_ON)) && !is_sound(client->head, SOUND_OFF);
        head_put(walker);
    }
    head_done(client, RFB_MESSAGE);
}

/* Bytes that the head of this phase needs; 0: unknown. */
static size_t needed(const RfbClient *client)
{
    switch ((RfbPhase)client->phase) {
    case RFB_VERSION:
        return VERSION_BYTES;
    case RFB_MESSAGE:
        return client->have ? head_size(client) : 1;
    case RFB_SECURITY:
    case RFB_INIT:
    case RFB_LOST:
    default:
        return 1;
    }
}

static void head_take(Walker *walker)
{
    RfbClient *client = walker->client;
    switch ((RfbPhase)client->phase) {
    case RFB_VERSION:
        version_take(walker);
        return;
    case RFB_SECURITY:
        if (client->head[0] != SECURITY_NONE) {
            lose(walker);
            return;
        }
        head_put(walker);
        head_done(client, RFB_INIT);
        return;
    case RFB_INIT: /* 7.3.1 */
        if (!client->sent && (walker->rules->flags & DISPLAY_SHARED))
            client->head[0] = 1;
        head_put(walker);
        head_done(client, RFB_MESSAGE);
        return;
    case RFB_MESSAGE:
        message_take(walker);
        return;
    case RFB_LOST:
    default:
        return;
    }
}

/* Takes head bytes until one of the two is full; how many. */
static size_t head_feed(Walker *walker, const uint8_t *bytes, size_t length)
{
    RfbClient *client = walker->client;
    size_t used = 0;
    size_t need = needed(client);
    while (need > client->have && used < length) {
        client->head[client->have++] = bytes[used++];
        need = needed(client);
    }
    if (need == 0)
        lose(walker);
    else if (client->have >= need)
        head_take(walker);
    else if (!walker->holds && client->phase != RFB_INIT)
        head_put(walker);
    return used;
}

static size_t body_feed(Walker *walker, const uint8_t *bytes, size_t length)
{
    RfbClient *client = walker->client;
    size_t part = MIN(client->body, length);
    if (!client->drops)
        put(walker, bytes, part);
    client->body -= (uint32_t)part;
    return part;
}

RfbWalk rfb_client_walk(RfbClient *client, const DisplayRules *rules, const uint8_t *bytes, size_t length, uint8_t *out)
{
    Walker walker = {client, rules, display_rules_restrict(rules), out, {0}};
    if (rules->flags & DISPLAY_OPAQUE)
        client->phase = RFB_LOST;
    silence(&walker);
    while (length > 0 && !walker.walk.refused && client->phase != RFB_LOST) {
        size_t used = client->body ? body_feed(&walker, bytes, length) : head_feed(&walker, bytes, length);
        bytes += used;
        length -= used;
        silence(&walker);
    }
    if (client->phase == RFB_LOST) {
        walker.walk.refused |= walker.holds;
        if (!walker.holds)
            put(&walker, bytes, length);
    }
    return walker.walk;
}
