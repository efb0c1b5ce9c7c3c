/* What a syslog server is sent, and what an administrator is told of receivers that are down. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "forward/forward.h"
#include "forward/sender.h"

static StoreEvent event_of(const char *actor, const char *detail)
{
    return (StoreEvent){.sequence = 7,
                        .id = (char *)"01",
                        .time_ms = 1,
                        .actor_name = (char *)actor,
                        .address = (char *)"::1",
                        .action = (char *)"login",
                        .object_kind = (char *)"user",
                        .object_id = (char *)"02",
                        .object_name = (char *)"anna",
                        .result = (char *)"ok",
                        .detail = (char *)detail,
                        .hash = (char *)"ab"};
}

static void test_text(void)
{
    StoreEvent event = event_of("a\"]\\\nb", "{}");
    g_autofree char *text = event_syslog_text(&event, "a host", 4096);
    g_assert_true(g_str_has_prefix(text, "<110>1 1970-01-01T00:00:00.001Z a_host oriel "));
    const char *data = strchr(text, '[');
    g_assert_cmpstr(data, ==,
                    "[oriel@32473 sequence=\"7\" id=\"01\" actor=\"a\\\"\\]\\\\?b\" address=\"::1\" action=\"login\""
                    " objectKind=\"user\" objectId=\"02\" objectName=\"anna\" result=\"ok\" hash=\"ab\"]"
                    " \xef\xbb\xbf"
                    "a\"]\\?b login anna: ok {}");
    event.result = (char *)"forbidden";
    g_autofree char *refused = event_syslog_text(&event, "h", 4096);
    g_assert_true(g_str_has_prefix(refused, "<108>1 "));
}

static void test_cut(void)
{
    StoreEvent event = event_of("anna", "ääääääääää");
    g_autofree char *whole = event_syslog_text(&event, "h", 4096);
    for (size_t most = strlen(whole) - 12; most < strlen(whole); most++) {
        g_autofree char *text = event_syslog_text(&event, "h", most);
        g_assert_cmpuint(strlen(text), <=, most);
        g_assert_true(g_utf8_validate(text, -1, NULL));
    }
}

static void test_warnings(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Config config = {.event_syslog = (char *)"tcp:log.example:601"};
    g_autoptr(StoreEventForward) place =
        store_event_forward_lease(fixture->store, "syslog", "host", 1000, &error);
    g_autoptr(StoreEventForward) other =
        store_event_forward_lease(fixture->store, "webhook", "host", 1000, &error);
    place->failing_ms = other->failing_ms = 1000000;
    store_set(&place->error, "connection refused");
    g_assert_true(store_event_forward_note(fixture->store, place, &error));
    g_assert_true(store_event_forward_note(fixture->store, other, &error));
    g_autoptr(GPtrArray) early = forward_warnings(&config, fixture->store, 1000000 + 59999, &error);
    g_assert_cmpuint(early->len, ==, 0);
    g_autoptr(GPtrArray) late = forward_warnings(&config, fixture->store, 1000000 + 60000, &error);
    g_assert_cmpuint(late->len, ==, 1); /* the webhook is configured no more */
    g_assert_cmpstr(late->pdata[0], ==,
                    "the syslog receiver tcp:log.example:601 has taken no events since 1970-01-01T00:16:40.000Z, "
                    "0 wait: connection refused");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text", test_text);
    g_test_add_func("/cut", test_cut);
    fixture_add("warnings", test_warnings);
    return fixture_run();
}
