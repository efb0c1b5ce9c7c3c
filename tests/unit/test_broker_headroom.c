#include "broker/headroom.h"

#include <glib.h>
#include <string.h>

/* One letter a desktop: f free running, b free on its way, s free stopped, x free failed, o free outdated, u
 * a user's, m in maintenance, c in a console session, d being deleted. */
static size_t desktops_from(const char *letters, BrokerDesktop *desktops)
{
    static const char *const ids[] = {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10"};
    size_t count = strlen(letters);
    for (size_t i = 0; i < count; i++) {
        char letter = letters[i];
        desktops[i] = (BrokerDesktop){
            .id = ids[i],
            .user_id = letter == 'u' ? "ann" : NULL,
            .desired = letter == 'd'   ? BROKER_WANT_DELETED
                       : letter == 's' ? BROKER_WANT_STOPPED
                                       : BROKER_WANT_RUNNING,
            .observed = letter == 'x'   ? BROKER_FAILED
                        : letter == 's' ? BROKER_STOPPED
                        : letter == 'b' ? BROKER_STARTING
                                        : BROKER_RUNNING,
            .current = true,
            .outdated = letter == 'o' || letter == 'p',
            .maintenance = letter == 'm',
            .in_session = letter == 'c',
            .fresh = letter == 'n' || letter == 'p',
        };
    }
    return count;
}

enum { OFF = 1, MAINTENANCE = 2, DELETED = 4, DRAINING = 8 };

static const struct {
    const char *what;
    BrokerPoolType type;
    int flags;
    unsigned size, spares;
    const char *desktops;
    unsigned room;
    Headroom want;
    const char *surplus; /* ids in their order, without spaces */
} cases[] = {
    {"an empty pool", BROKER_FLOATING, 0, 5, 2, "", 9, {2, 0, 0}, ""},
    {"no spares wanted", BROKER_FLOATING, 0, 5, 0, "", 9, {0, 0, 0}, ""},
    {"spares are there", BROKER_FLOATING, 0, 5, 2, "ff", 9, {0, 0, 0}, ""},
    {"one on its way counts", BROKER_FLOATING, 0, 5, 2, "fb", 9, {0, 0, 0}, ""},
    {"one was taken", BROKER_FLOATING, 0, 5, 2, "fu", 9, {1, 0, 0}, ""},
    {"the size holds", BROKER_FLOATING, 0, 5, 2, "uuuuf", 9, {0, 0, 0}, ""},
    {"the last place", BROKER_FLOATING, 0, 5, 2, "uuuu", 9, {1, 0, 0}, ""},
    {"one being deleted gives its place up", BROKER_FLOATING, 0, 3, 3, "uud", 9, {1, 0, 0}, ""},
    {"no room in memory", BROKER_FLOATING, 0, 5, 3, "", 1, {1, 0, 0}, ""},
    {"no room at all", BROKER_FLOATING, 0, 5, 3, "s", 0, {0, 0, 0}, ""},
    {"stopped ones first", BROKER_FLOATING, 0, 5, 3, "s", 9, {2, 1, 0}, ""},
    {"too many: the youngest go", BROKER_FLOATING, 0, 5, 1, "fff", 9, {0, 0, 2}, "0302"},
    {"stopped ones go before running ones", BROKER_FLOATING, 0, 5, 1, "sff", 9, {0, 0, 2}, "0103"},
    {"a failed one is tried again, not replaced", BROKER_FLOATING, 0, 5, 2, "fx", 9, {0, 0, 0}, ""},
    {"a failed one goes first", BROKER_FLOATING, 0, 5, 1, "fxf", 9, {0, 0, 2}, "0203"},
    {"an outdated one is replaced", BROKER_FLOATING, 0, 5, 2, "fo", 9, {1, 0, 1}, "02"},
    {"an outdated one goes however fresh it is", BROKER_FLOATING, 0, 5, 1, "p", 9, {1, 0, 1}, "01"},
    {"a fresh one stays for now", BROKER_FLOATING, 0, 5, 0, "nf", 9, {0, 0, 2}, "02"},
    {"an outdated one goes first, its place is free only then",
     BROKER_FLOATING,
     0,
     2,
     2,
     "fo",
     9,
     {0, 0, 1},
     "02"},
    {"a smaller size never takes a user's", BROKER_FLOATING, 0, 1, 1, "uuf", 9, {0, 0, 1}, "03"},
    {"a console keeps a desktop", BROKER_FLOATING, 0, 5, 0, "cf", 9, {0, 0, 1}, "02"},
    {"dedicated: spares too", BROKER_DEDICATED, 0, 5, 1, "uuu", 9, {1, 0, 0}, ""},
    {"manual: nothing", BROKER_MANUAL, 0, 5, 2, "xfu", 9, {0, 0, 0}, ""},
    {"off: nothing new", BROKER_FLOATING, OFF, 5, 2, "u", 9, {0, 0, 0}, ""},
    {"maintenance: nothing new", BROKER_FLOATING, MAINTENANCE, 5, 2, "u", 9, {0, 0, 0}, ""},
    {"deleted: all go", BROKER_DEDICATED, DELETED, 5, 2, "ufd", 9, {0, 0, 2}, "0201"},
    {"deleted, manual: all go", BROKER_MANUAL, DELETED, 5, 2, "u", 9, {0, 0, 1}, "01"},
};

static const struct {
    const char *what;
    unsigned minimum;
    int flags;
    unsigned size, spares;
    const char *desktops;
    Headroom want;
    const char *surplus;
} minimum_cases[] = {
    {"all up front", 5, 0, 5, 0, "", {5, 0, 0}, ""},
    {"those in use count", 3, 0, 5, 0, "uu", {1, 0, 0}, ""},
    {"one in maintenance is there", 3, 0, 5, 0, "mm", {1, 0, 0}, ""},
    {"more spares than minimum", 1, 0, 5, 2, "u", {2, 0, 0}, ""},
    {"more minimum than spares", 4, 0, 5, 1, "u", {3, 0, 0}, ""},
    {"never over the size", 5, 0, 5, 5, "uuu", {2, 0, 0}, ""},
    {"stopped ones first", 3, 0, 5, 0, "us", {1, 1, 0}, ""},
    {"what is beyond it goes", 2, 0, 5, 0, "uff", {0, 0, 1}, "03"},
    {"one in maintenance is no spare", 0, 0, 5, 1, "m", {1, 0, 0}, ""},
    {"nor does it go", 0, 0, 5, 0, "mf", {0, 0, 1}, "02"},
    {"draining: free ones go", 2, DRAINING, 5, 2, "ufs", {0, 0, 2}, "0302"},
    {"draining: nothing new", 5, DRAINING, 5, 2, "u", {0, 0, 0}, ""},
};

/* Shared machines of four seats, one character each: a digit how many are taken, o outdated and empty, t outdated with one taken,
 * s stopped and empty, m in maintenance and empty; after each its four seats. */
static size_t machines_from(const char *letters, BrokerDesktop *desktops)
{
    static const char *const ids[] = {"01", "02", "03", "04"};
    size_t count = 0;
    for (size_t i = 0; letters[i]; i++) {
        char letter = letters[i];
        unsigned taken = letter == 't' ? 1 : g_ascii_isdigit(letter) ? (unsigned)(letter - '0') : 0;
        BrokerDesktop machine = {
            .id = ids[i],
            .seats = 4,
            .taken = taken,
            .desired = letter == 's' ? BROKER_WANT_STOPPED : BROKER_WANT_RUNNING,
            .observed = letter == 's' ? BROKER_STOPPED : BROKER_RUNNING,
            .current = true,
            .outdated = letter == 'o' || letter == 't',
            .maintenance = letter == 'm',
        };
        desktops[count++] = machine;
        for (unsigned seat = 0; seat < 4; seat++) {
            desktops[count] = machine;
            desktops[count].id = "seat";
            desktops[count].seats = 0;
            desktops[count].machine_id = ids[i];
            desktops[count++].user_id = seat < taken ? "ann" : NULL;
        }
    }
    return count;
}

static const struct {
    const char *what;
    unsigned size, minimum, spares, flags;
    const char *machines;
    Headroom want;
    const char *surplus;
} shared_cases[] = {
    {"four seats are one machine", 4, 0, 4, 0, "", {1, 0, 0}, ""},
    {"five are two", 4, 0, 5, 0, "", {2, 0, 0}, ""},
    {"free seats beside people count", 4, 0, 2, 0, "2", {0, 0, 0}, ""},
    {"one too few", 4, 0, 3, 0, "2", {1, 0, 0}, ""},
    {"the size counts machines", 2, 0, 8, 0, "44", {0, 0, 0}, ""},
    {"stopped ones first", 4, 0, 4, 0, "4s", {0, 1, 0}, ""},
    {"an empty one too many", 4, 0, 4, 0, "00", {0, 0, 1}, "02"},
    {"not while its seats are needed", 4, 0, 5, 0, "00", {0, 0, 0}, ""},
    {"one with people never goes", 4, 0, 0, 0, "11", {0, 0, 0}, ""},
    {"an empty one beside it does", 4, 0, 0, 0, "10", {0, 0, 1}, "02"},
    {"the minimum stays", 4, 2, 0, 0, "10", {0, 0, 0}, ""},
    {"the minimum is made", 4, 3, 0, 0, "1", {2, 0, 0}, ""},
    {"outdated and empty: another comes", 4, 0, 4, 0, "o", {1, 0, 1}, "01"},
    {"outdated with people: it stays, and another comes", 4, 0, 3, 0, "t", {1, 0, 0}, ""},
    {"maintenance: its seats are none", 4, 0, 4, 0, "m", {1, 0, 0}, ""},
    {"draining: empty ones go", 4, 2, 4, DRAINING, "01", {0, 0, 1}, "01"},
};

static void test_shared(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(shared_cases); i++) {
        BrokerPool pool = {.name = "p",
                           .type = BROKER_FLOATING,
                           .enabled = true,
                           .seats = 4,
                           .draining = shared_cases[i].flags & DRAINING,
                           .size = shared_cases[i].size,
                           .minimum = shared_cases[i].minimum,
                           .spares = shared_cases[i].spares};
        BrokerDesktop desktops[20];
        unsigned indices[20];
        size_t count = machines_from(shared_cases[i].machines, desktops);
        g_test_message("%s", shared_cases[i].what);
        Headroom got = headroom_of(&pool, desktops, count, 9);
        g_assert_cmpuint(got.create, ==, shared_cases[i].want.create);
        g_assert_cmpuint(got.start, ==, shared_cases[i].want.start);
        g_assert_cmpuint(got.delete, ==, shared_cases[i].want.delete);
        unsigned surplus = headroom_surplus(&pool, desktops, count, indices, 20);
        g_autoptr(GString) ids = g_string_new(NULL);
        for (unsigned s = 0; s < surplus; s++)
            g_string_append(ids, desktops[indices[s]].id);
        g_assert_cmpstr(ids->str, ==, shared_cases[i].surplus);
    }
}

static void test_minimum(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(minimum_cases); i++) {
        BrokerPool pool = {
            .name = "p",
            .type = BROKER_FLOATING,
            .enabled = true,
            .draining = minimum_cases[i].flags & DRAINING,
            .minimum = minimum_cases[i].minimum,
            .size = minimum_cases[i].size,
            .spares = minimum_cases[i].spares,
        };
        BrokerDesktop desktops[10];
        size_t count = desktops_from(minimum_cases[i].desktops, desktops);
        g_test_message("%s", minimum_cases[i].what);
        Headroom got = headroom_of(&pool, desktops, count, 9);
        g_assert_cmpuint(got.create, ==, minimum_cases[i].want.create);
        g_assert_cmpuint(got.start, ==, minimum_cases[i].want.start);
        g_assert_cmpuint(got.delete, ==, minimum_cases[i].want.delete);
        unsigned indices[10];
        unsigned surplus = headroom_surplus(&pool, desktops, count, indices, 10);
        g_autoptr(GString) ids = g_string_new(NULL);
        for (unsigned s = 0; s < surplus; s++)
            g_string_append(ids, desktops[indices[s]].id);
        g_assert_cmpstr(ids->str, ==, minimum_cases[i].surplus);
    }
}

static void test_headroom(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        BrokerPool pool = {
            .name = "p",
            .type = cases[i].type,
            .enabled = !(cases[i].flags & OFF),
            .maintenance = cases[i].flags & MAINTENANCE,
            .deleted = cases[i].flags & DELETED,
            .size = cases[i].size,
            .spares = cases[i].spares,
        };
        BrokerDesktop desktops[10];
        size_t count = desktops_from(cases[i].desktops, desktops);
        Headroom got = headroom_of(&pool, desktops, count, cases[i].room);
        g_test_message("%s", cases[i].what);
        g_assert_cmpuint(got.create, ==, cases[i].want.create);
        g_assert_cmpuint(got.start, ==, cases[i].want.start);
        g_assert_cmpuint(got.delete, ==, cases[i].want.delete);
        unsigned indices[10];
        unsigned surplus = headroom_surplus(&pool, desktops, count, indices, 10);
        g_autoptr(GString) ids = g_string_new(NULL);
        for (unsigned s = 0; s < surplus; s++)
            g_string_append(ids, desktops[indices[s]].id);
        g_assert_cmpstr(ids->str, ==, cases[i].surplus);
    }
}

/* Whatever the pool: doing what it says, and asking again, ends; and the size is never passed. */
static void test_settles(void)
{
    for (unsigned size = 0; size < 5; size++)
        for (unsigned spares = 0; spares < 5; spares++)
            for (unsigned users = 0; users < 4; users++) {
                BrokerPool pool = {.type = BROKER_FLOATING, .enabled = true, .size = size, .spares = spares};
                char letters[16] = "uuuu";
                letters[users] = '\0';
                for (int round = 0; round < 3; round++) {
                    BrokerDesktop desktops[16];
                    size_t count = desktops_from(letters, desktops);
                    Headroom headroom = headroom_of(&pool, desktops, count, 100);
                    g_assert_true(headroom.create == 0 || count + headroom.create <= size);
                    for (unsigned i = 0; i < headroom.create; i++)
                        letters[count + i] = 'f';
                    letters[count + headroom.create] = '\0';
                    g_assert_cmpuint(headroom.delete, ==, 0);
                    g_assert_true(round == 0 || headroom.create == 0);
                }
            }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/headroom", test_headroom);
    g_test_add_func("/broker/headroom/minimum", test_minimum);
    g_test_add_func("/broker/headroom/shared", test_shared);
    g_test_add_func("/broker/headroom/settles", test_settles);
    return g_test_run();
}
