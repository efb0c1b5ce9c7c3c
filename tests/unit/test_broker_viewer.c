/* Who may look at a desktop, and under which rules. */
#include <glib.h>

#include "broker/viewer.h"

static const ViewerFacts good = {
    .enabled = true, .may_console = true, .may_shadow = true, .login_stands = true, .session_stands = true, .shadow_stands = true};

static const char *after(ViewerMode mode, size_t field)
{
    ViewerFacts facts = good;
    facts.mode = mode;
    if (field)
        *(bool *)((char *)&facts + field) = field == G_STRUCT_OFFSET(ViewerFacts, is_local);
    return viewer_refusal(&facts);
}

static void test_refusals(void)
{
    static const struct {
        size_t taken; /* what the viewer loses; 0: nothing */
        bool stays[4]; /* own, console, view, control */
    } rows[] = {
        {0, {true, true, true, true}},
        {G_STRUCT_OFFSET(ViewerFacts, is_local), {true, true, true, true}},
        {G_STRUCT_OFFSET(ViewerFacts, enabled), {false, false, false, false}},
        {G_STRUCT_OFFSET(ViewerFacts, login_stands), {false, false, false, false}},
        {G_STRUCT_OFFSET(ViewerFacts, session_stands), {false, true, false, false}},
        {G_STRUCT_OFFSET(ViewerFacts, shadow_stands), {true, true, false, false}},
        {G_STRUCT_OFFSET(ViewerFacts, may_console), {true, false, true, true}},
        {G_STRUCT_OFFSET(ViewerFacts, may_shadow), {true, true, false, false}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (int mode = VIEWER_OWN; mode <= VIEWER_CONTROL; mode++)
            g_assert_cmpint(after((ViewerMode)mode, rows[i].taken) == NULL, ==, rows[i].stays[mode]);
    ViewerFacts local = {.mode = VIEWER_CONSOLE, .is_local = true};
    g_assert_null(viewer_refusal(&local));
}

static void test_rules(void)
{
    const unsigned guest = DISPLAY_SHARED | DISPLAY_NO_CLIPBOARD_IN | DISPLAY_NO_CLIPBOARD_OUT | DISPLAY_NO_SIZE | DISPLAY_NO_SOUND;
    const DisplayPlan narrow = {.no_clipboard_out = true, 
                                .view_only = true, .no_size = true, .no_sound = true, .width = 1920, .height = 1080, .kbit_s = 500};
    static const struct {
        ViewerMode mode;
        bool narrow, takes_over;
        unsigned flags;
    } rows[] = {
        {VIEWER_OWN, false, false, 0},
        {VIEWER_OWN, false, true, DISPLAY_SHARED},
        {VIEWER_CONSOLE, false, true, DISPLAY_SHARED},
        {VIEWER_OWN, true, false, DISPLAY_NO_CLIPBOARD_OUT | DISPLAY_VIEW_ONLY | DISPLAY_NO_SIZE | DISPLAY_NO_SOUND},
        {VIEWER_CONSOLE, true, false, 0},
        {VIEWER_CONTROL, true, false, guest},
        {VIEWER_VIEW, false, false, guest | DISPLAY_VIEW_ONLY},
        {VIEWER_CONTROL, false, false, guest},
        {VIEWER_VIEW, true, true, guest | DISPLAY_VIEW_ONLY},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        DisplayRules rules = viewer_rules(rows[i].mode, rows[i].narrow ? &narrow : NULL, rows[i].takes_over);
        bool limited = rows[i].narrow && rows[i].mode != VIEWER_CONSOLE;
        g_assert_cmphex(rules.flags, ==, rows[i].flags);
        g_assert_cmpuint(rules.width, ==, limited ? 1920 : 0);
        g_assert_cmpuint(rules.height, ==, limited ? 1080 : 0);
        g_assert_cmpuint(rules.kbit_s, ==, limited && rows[i].mode == VIEWER_OWN ? 500 : 0);
    }
}

static void test_places(void)
{
    static const struct {
        const char *address, *agent, *place;
    } rows[] = {
        {"192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "192.0.2.7, Firefox"},
        {"192.0.2.7", "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0",
         "192.0.2.7, Edge"},
        {"192.0.2.7", "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36", "192.0.2.7, Chrome"},
        {"192.0.2.7", "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
         "192.0.2.7, Safari"},
        {"192.0.2.7", "python", "192.0.2.7"},
        {"", "Firefox/1", "Firefox"},
        {NULL, NULL, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *place = viewer_place(rows[i].address, rows[i].agent);
        g_assert_cmpstr(place, ==, rows[i].place);
    }
}

static void test_packets(void)
{
    uint8_t bytes[DISPLAY_PACKET];
    DisplayPacket packet = {.kind = DISPLAY_CLOSE, .rules = {63, 1920, 1080, 65000}, .code = 4001}, read;
    g_autofree char *id = id_new(), *long_text = g_strnfill(DISPLAY_REASON - 1, 'x');
    g_autofree char *too_long = g_strconcat(long_text, "é", NULL);
    g_strlcpy(packet.id, id, sizeof packet.id);
    display_packet_set_reason(&packet, too_long);
    g_assert_cmpstr(packet.reason, ==, long_text); /* never half a character */
    display_packet_write(&packet, bytes);
    g_assert_true(display_packet_read(bytes, &read));
    g_assert_cmpmem(&read, sizeof read, &packet, sizeof packet);
    bytes[0] = 'Q';
    g_assert_false(display_packet_read(bytes, &read));
    bytes[0] = DISPLAY_CLOSE;
    bytes[8] = 'u'; /* no letter of an id */
    g_assert_false(display_packet_read(bytes, &read));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/viewer/refusals", test_refusals);
    g_test_add_func("/viewer/rules", test_rules);
    g_test_add_func("/viewer/places", test_places);
    g_test_add_func("/viewer/packets", test_packets);
    return g_test_run();
}
