#include <glib.h>
#include <string.h>

#include "gateway/vencrypt.h"

/* What a client says, reply by reply, and how the last of them is judged. */
static const struct {
    const char *what;
    const char *replies[6];
    size_t lengths[6];
    VencryptEnd end;
} rows[] = {
    {"remote-viewer's way",
     {"RFB 003.008\n", "\x13", "\0\2", "\0\0\1\6", "\0\0\0\5\0\0\0\3orielA-_"},
     {12, 1, 2, 4, 16},
     VENCRYPT_TICKET},
    {"no name", {"RFB 003.008\n", "\x13", "\0\2", "\0\0\1\6", "\0\0\0\0\0\0\0\1A"}, {12, 1, 2, 4, 9}, VENCRYPT_TICKET},
    {"TLS comes after the subtype", {"RFB 003.008\n", "\x13", "\0\2", "\0\0\1\6"}, {12, 1, 2, 4}, VENCRYPT_TLS},
    {"not whole", {"RFB 003."}, {8}, VENCRYPT_MORE},
    {"an older version", {"RFB 003.007\n"}, {12}, VENCRYPT_BROKEN},
    {"TLS instead", {"\x16\3\1\2\0\1\0\1\xfc\3\3\0"}, {12}, VENCRYPT_BROKEN},
    {"more than was asked for", {"RFB 003.008\n\x13"}, {13}, VENCRYPT_BROKEN},
    {"security that was not offered", {"RFB 003.008\n", "\1"}, {12, 1}, VENCRYPT_BROKEN},
    {"another VeNCrypt", {"RFB 003.008\n", "\x13", "\0\1"}, {12, 1, 2}, VENCRYPT_BROKEN},
    {"a subtype that was not offered", {"RFB 003.008\n", "\x13", "\0\2", "\0\0\1\3"}, {12, 1, 2, 4}, VENCRYPT_BROKEN},
    {"without a ticket", {"RFB 003.008\n", "\x13", "\0\2", "\0\0\1\6", "\0\0\0\1\0\0\0\0a"}, {12, 1, 2, 4, 9}, VENCRYPT_BROKEN},
    {"a ticket too long", {"RFB 003.008\n", "\x13", "\0\2", "\0\0\1\6", "\0\0\0\0\0\0\0\x81"}, {12, 1, 2, 4, 8}, VENCRYPT_BROKEN},
    {"a name too long", {"RFB 003.008\n", "\x13", "\0\2", "\0\0\1\6", "\0\0\0\x41\0\0\0\1"}, {12, 1, 2, 4, 8}, VENCRYPT_BROKEN},
    {"a ticket with other letters",
     {"RFB 003.008\n", "\x13", "\0\2", "\0\0\1\6", "\0\0\0\0\0\0\0\3a/b"},
     {12, 1, 2, 4, 11},
     VENCRYPT_BROKEN},
    {"words after the ticket",
     {"RFB 003.008\n", "\x13", "\0\2", "\0\0\1\6", "\0\0\0\0\0\0\0\1A", "\1"},
     {12, 1, 2, 4, 9, 1},
     VENCRYPT_BROKEN},
};

static void test_replies(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Vencrypt vencrypt = {0};
        VencryptStep step = {VENCRYPT_MORE, NULL, 0};
        for (size_t j = 0; j < G_N_ELEMENTS(rows[i].lengths) && rows[i].lengths[j]; j++)
            step = vencrypt_take(&vencrypt, (const uint8_t *)rows[i].replies[j], rows[i].lengths[j]);
        g_test_message("%s", rows[i].what);
        g_assert_cmpint(step.end, ==, rows[i].end);
    }
}

static void test_the_whole_talk(void)
{
    static const char said[] = "RFB 003.008\n\x13\0\2\0\0\1\6\0\0\0\5\0\0\0\12orielAbC_9-zXYZ";
    Vencrypt vencrypt = {0};
    g_autoptr(GByteArray) answers = g_byte_array_new();
    VencryptEnd end = VENCRYPT_MORE;
    for (size_t i = 0; i < sizeof said - 1; i++) {
        g_assert_cmpint(end, !=, VENCRYPT_BROKEN);
        VencryptStep step = vencrypt_take(&vencrypt, (const uint8_t *)said + i, 1);
        if (step.answer)
            g_byte_array_append(answers, step.answer, (guint)step.answer_length);
        end = step.end;
    }
    g_assert_cmpint(end, ==, VENCRYPT_TICKET);
    g_assert_cmpstr(vencrypt.ticket, ==, "AbC_9-zXYZ");
    static const uint8_t expected[] = {1, 19, 0, 2, 0, 1, 0, 0, 1, 6, 1};
    g_assert_cmpmem(answers->data, answers->len, expected, sizeof expected);
}

static void test_results(void)
{
    uint8_t bytes[VENCRYPT_RESULT_LARGEST];
    g_assert_cmpuint(vencrypt_welcome(bytes), ==, 4);
    size_t length = vencrypt_refusal(bytes);
    g_assert_cmpuint(length, ==, 8u + bytes[7]);
    g_assert_cmpuint(bytes[3], ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vencrypt/replies", test_replies);
    g_test_add_func("/vencrypt/the-whole-talk", test_the_whole_talk);
    g_test_add_func("/vencrypt/results", test_results);
    return g_test_run();
}
