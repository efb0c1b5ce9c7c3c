/* Displays that wait for guests which may never answer: none of them keeps others' pictures from being opened. */
#include "host/private.h"

#include "base/error.h"
#include "base/limits.h"

static void assert_full(Slot *slot)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(display_wait_begin(slot, &error));
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_UNAVAILABLE);
}

static void test_waits(void)
{
    static Host host;
    static Slot slots[LIMIT_DISPLAYS_WAITING];
    g_mutex_init(&host.lock);
    unsigned waiting = 0, desktops = 0;
    for (; waiting < LIMIT_DISPLAYS_WAITING; desktops++) {
        Slot *slot = &slots[desktops];
        slot->host = &host;
        for (unsigned i = 0; i < LIMIT_DISPLAYS_WAITING_DESKTOP && waiting < LIMIT_DISPLAYS_WAITING; i++, waiting++)
            g_assert_true(display_wait_begin(slot, NULL));
        assert_full(slot); /* one desktop whose guest is silent does not use up what there is for all */
    }
    Slot *other = &slots[desktops];
    other->host = &host;
    assert_full(other);
    display_wait_end(&slots[0]);
    assert_full(&(Slot){.host = &host, .displays_waiting = LIMIT_DISPLAYS_WAITING_DESKTOP});
    g_assert_true(display_wait_begin(other, NULL));
    assert_full(&slots[0]);
    g_mutex_clear(&host.lock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/display/waits for guests", test_waits);
    return g_test_run();
}
