/* What a client of a display says, in pieces that the first byte chooses, under rules that the second chooses: no input may crash,
 * write past its room, or come out differently because of where the reads happened to end. Without rules all of it comes out. */
#include <glib.h>
#include <string.h>

#include "gateway/rfb_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static GByteArray *walk(const DisplayRules *rules, const uint8_t *data, size_t size, size_t piece)
{
    RfbClient client = {0};
    GByteArray *all = g_byte_array_new();
    for (size_t from = 0; from < size; from += piece) {
        size_t length = MIN(piece, size - from);
        g_autofree uint8_t *out = g_malloc(length + RFB_MORE_LARGEST);
        RfbWalk walked = rfb_client_walk(&client, rules, data + from, length, out);
        if (walked.length > length + RFB_MORE_LARGEST || client.have > RFB_HELD_LARGEST || client.sent > client.have)
            g_abort();
        g_byte_array_append(all, out, (guint)walked.length);
        if (walked.refused)
            break;
    }
    return all;
}

/* Rules that come in the middle: sound that they forbid is off as soon as a message ends. */
static void change(const DisplayRules *rules, const uint8_t *data, size_t size)
{
    static const DisplayRules none;
    RfbClient client = {0};
    const size_t half = size / 2;
    g_autofree uint8_t *out = g_malloc(size + RFB_MORE_LARGEST);
    RfbWalk first = rfb_client_walk(&client, &none, data, half, out);
    RfbWalk second = rfb_client_walk(&client, rules, data + half, size - half, out);
    bool between = client.phase == RFB_MESSAGE && !client.body && !client.sent;
    if (first.length != half || second.length > size - half + RFB_MORE_LARGEST)
        g_abort();
    if ((rules->flags & DISPLAY_NO_SOUND) && between && !second.refused && client.hears)
        g_abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    DisplayRules rules = {.flags = data[1] & 0x7f, .width = data[2], .height = data[2]};
    g_autoptr(GByteArray) whole = walk(&rules, data + 3, size - 3, size);
    g_autoptr(GByteArray) pieces = walk(&rules, data + 3, size - 3, 1u + data[0] % 64u);
    if (whole->len != pieces->len || (whole->len && memcmp(whole->data, pieces->data, whole->len) != 0))
        g_abort();
    change(&rules, data + 3, size - 3);
    DisplayRules none = {0};
    g_autoptr(GByteArray) free = walk(&none, data + 3, size - 3, 1u + data[0] % 64u);
    if (free->len != size - 3 || (free->len && memcmp(free->data, data + 3, free->len) != 0))
        g_abort();
    return 0;
}
