#include "base/error.h"
#include "broker/assign.h"
#include "broker/entitle.h"

#include <string.h>

static const BrokerPool floating = {.name = "sales",
                                    .type = BROKER_FLOATING,
                                    .enabled = true,
                                    .refresh_on_log_off = true,
                                    .size = 3,
                                    .spares = 1};

#define RUNNING .desired = BROKER_WANT_RUNNING, .observed = BROKER_RUNNING, .current = true
#define STOPPED .desired = BROKER_WANT_STOPPED, .observed = BROKER_STOPPED, .current = true

static const struct {
    const char *what;
    BrokerPoolType type;
    BrokerDesktop desktops[3];
    size_t count;
    AssignKind kind;
    const char *desktop;
} cases[] = {
    {"an empty pool grows", BROKER_FLOATING, {{0}}, 0, ASSIGN_CREATE, NULL},
    {"one in maintenance is given to nobody",
     BROKER_FLOATING,
     {{.id = "a", RUNNING, .maintenance = true}},
     1,
     ASSIGN_CREATE,
     NULL},
    {"their own is in maintenance",
     BROKER_DEDICATED,
     {{.id = "a", .user_id = "ann", RUNNING, .maintenance = true}, {.id = "b", RUNNING}},
     2,
     ASSIGN_HELD,
     NULL},
    {"their own is in maintenance, but their session goes on",
     BROKER_DEDICATED,
     {{.id = "a", .user_id = "ann", RUNNING, .maintenance = true, .in_session = true}},
     1,
     ASSIGN_EXISTING,
     "a"},
    {"a spare is given", BROKER_FLOATING, {{.id = "a", RUNNING}}, 1, ASSIGN_SPARE, "a"},
    {"a spare before a stopped one",
     BROKER_FLOATING,
     {{.id = "a", STOPPED}, {.id = "b", RUNNING}},
     2,
     ASSIGN_SPARE,
     "b"},
    {"a stopped one before a new one", BROKER_FLOATING, {{.id = "a", STOPPED}}, 1, ASSIGN_START, "a"},
    {"of spares, one whose agent is ready",
     BROKER_FLOATING,
     {{.id = "a", RUNNING}, {.id = "b", RUNNING, .agent_ready = true}, {.id = "c", RUNNING}},
     3,
     ASSIGN_SPARE,
     "b"},
    {"a spare, whatever its agent, before one that boots",
     BROKER_FLOATING,
     {{.id = "a", RUNNING, .booting = true}, {.id = "b", RUNNING}, {.id = "c", RUNNING, .booting = true}},
     3,
     ASSIGN_SPARE,
     "b"},
    {"one to be forked before one that boots",
     BROKER_FLOATING,
     {{.id = "a", RUNNING, .booting = true}, {.id = "b", .desired = BROKER_WANT_RUNNING, .current = true}},
     2,
     ASSIGN_START,
     "b"},
    {"one to be forked before a stopped one, which boots",
     BROKER_FLOATING,
     {{.id = "a", STOPPED}, {.id = "b", .desired = BROKER_WANT_STOPPED, .current = true}, {.id = "c", STOPPED}},
     3,
     ASSIGN_START,
     "b"},
    {"one that boots before none",
     BROKER_FLOATING,
     {{.id = "a", RUNNING, .booting = true}},
     1,
     ASSIGN_SPARE,
     "a"},
    {"one that starts already",
     BROKER_FLOATING,
     {{.id = "a", .desired = BROKER_WANT_RUNNING, .observed = BROKER_STARTING}},
     1,
     ASSIGN_START,
     "a"},
    {"one that is being refreshed",
     BROKER_FLOATING,
     {{.id = "a", .desired = BROKER_WANT_RUNNING, .observed = BROKER_RUNNING, .current = false}},
     1,
     ASSIGN_START,
     "a"},
    {"one's own before a spare",
     BROKER_DEDICATED,
     {{.id = "a", RUNNING}, {.id = "b", .user_id = "ann", STOPPED}},
     2,
     ASSIGN_EXISTING,
     "b"},
    {"one's own even if it failed",
     BROKER_FLOATING,
     {{.id = "a", .user_id = "ann", .desired = BROKER_WANT_RUNNING, .observed = BROKER_FAILED}},
     1,
     ASSIGN_EXISTING,
     "a"},
    {"one's own even if outdated",
     BROKER_DEDICATED,
     {{.id = "a", .user_id = "ann", .outdated = true, RUNNING}},
     1,
     ASSIGN_EXISTING,
     "a"},
    {"not one's own that is being deleted",
     BROKER_DEDICATED,
     {{.id = "a", .user_id = "ann", .desired = BROKER_WANT_DELETED}},
     1,
     ASSIGN_CREATE,
     NULL},
    {"not somebody else's",
     BROKER_FLOATING,
     {{.id = "a", .user_id = "bob", RUNNING}},
     1,
     ASSIGN_CREATE,
     NULL},
    {"not a console session's",
     BROKER_FLOATING,
     {{.id = "a", .in_session = true, RUNNING}},
     1,
     ASSIGN_CREATE,
     NULL},
    {"not an outdated one",
     BROKER_FLOATING,
     {{.id = "a", .outdated = true, RUNNING}},
     1,
     ASSIGN_CREATE,
     NULL},
    {"not a failed one",
     BROKER_FLOATING,
     {{.id = "a", .desired = BROKER_WANT_RUNNING, .observed = BROKER_FAILED}},
     1,
     ASSIGN_CREATE,
     NULL},
    {"full",
     BROKER_FLOATING,
     {{.id = "a", .user_id = "bob", RUNNING},
      {.id = "b", .user_id = "cid", RUNNING},
      {.id = "c", .user_id = "dan", RUNNING}},
     3,
     ASSIGN_FULL,
     NULL},
    {"full though one is on its way out",
     BROKER_FLOATING,
     {{.id = "a", .user_id = "bob", RUNNING},
      {.id = "b", .user_id = "cid", RUNNING},
      {.id = "c", .desired = BROKER_WANT_DELETED}},
     3,
     ASSIGN_FULL,
     NULL},
    {"manual: never a free one", BROKER_MANUAL, {{.id = "a", RUNNING}}, 1, ASSIGN_NONE, NULL},
    {"manual: one's own", BROKER_MANUAL, {{.id = "a", .user_id = "ann", RUNNING}}, 1, ASSIGN_EXISTING, "a"},
};

static void test_assign(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        BrokerPool pool = floating;
        pool.type = cases[i].type;
        Assignment got = assign_desktop(&pool, cases[i].desktops, cases[i].count, &(AssignWish){.user_id = "ann"});
        g_test_message("%s", cases[i].what);
        g_assert_cmpint(got.kind, ==, cases[i].kind);
        g_assert_cmpstr(got.desktop_id, ==, cases[i].desktop);
    }
}

#define OWN(name, used) {.id = name, .user_id = "ann", .used_ms = (used), RUNNING}
#define SPARE(name) {.id = name, RUNNING}

/* A floating pool that allows a person two or three desktops. */
static void test_several(void)
{
    static const struct {
        const char *what;
        unsigned most;
        BrokerDesktop desktops[4];
        size_t count;
        AssignWish wish;
        AssignKind kind;
        const char *desktop;
    } rows[] = {
        {"the one used last", 3, {OWN("a", 5), OWN("b", 9), OWN("c", 7)}, 3, {.user_id = "ann"}, ASSIGN_EXISTING, "b"},
        {"of two used at the same time always the same", 2, {OWN("b", 5), OWN("a", 5)}, 2, {.user_id = "ann"}, ASSIGN_EXISTING, "a"},
        {"never a new one by itself", 3, {OWN("a", 5), SPARE("s")}, 2, {.user_id = "ann"}, ASSIGN_EXISTING, "a"},
        {"not one in maintenance while there is another", 2,
         {{.id = "a", .user_id = "ann", .used_ms = 9, .maintenance = true, RUNNING}, OWN("b", 1)}, 2, {.user_id = "ann"}, ASSIGN_EXISTING, "b"},
        {"that very one", 3, {OWN("a", 5), OWN("b", 9)}, 2, {.user_id = "ann", .desktop_id = "a"}, ASSIGN_EXISTING, "a"},
        {"that very one, which is in maintenance", 2, {{.id = "a", .user_id = "ann", .maintenance = true, RUNNING}, OWN("b", 1)}, 2,
         {.user_id = "ann", .desktop_id = "a"}, ASSIGN_HELD, NULL},
        {"not somebody else's", 2, {{.id = "a", .user_id = "bob", RUNNING}}, 1, {.user_id = "ann", .desktop_id = "a"}, ASSIGN_NOT_THEIRS, NULL},
        {"not a free one, though it has its name", 2, {SPARE("a")}, 1, {.user_id = "ann", .desktop_id = "a"}, ASSIGN_NOT_THEIRS, NULL},
        {"another: a spare", 2, {OWN("a", 5), SPARE("s")}, 2, {.user_id = "ann", .another = true}, ASSIGN_SPARE, "s"},
        {"another: a new one", 2, {OWN("a", 5)}, 1, {.user_id = "ann", .another = true}, ASSIGN_CREATE, NULL},
        {"another: the first", 2, {SPARE("s")}, 1, {.user_id = "ann", .another = true}, ASSIGN_SPARE, "s"},
        {"another: as many as are allowed", 2, {OWN("a", 5), OWN("b", 5), SPARE("s")}, 3, {.user_id = "ann", .another = true}, ASSIGN_LIMIT, NULL},
        {"another: one that goes away does not count", 2,
         {OWN("a", 5), {.id = "b", .user_id = "ann", .desired = BROKER_WANT_DELETED}, SPARE("s")}, 3, {.user_id = "ann", .another = true},
         ASSIGN_SPARE, "s"},
        {"another: one is allowed", 0, {OWN("a", 5), SPARE("s")}, 2, {.user_id = "ann", .another = true}, ASSIGN_LIMIT, NULL},
        {"another: nothing is left", 3, {OWN("a", 5), {.id = "b", .user_id = "bob", RUNNING}, {.id = "c", .user_id = "cid", RUNNING}}, 3,
         {.user_id = "ann", .another = true}, ASSIGN_FULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        BrokerPool pool = floating;
        pool.most_a_user = rows[i].most;
        Assignment got = assign_desktop(&pool, rows[i].desktops, rows[i].count, &rows[i].wish);
        g_test_message("%s", rows[i].what);
        g_assert_cmpint(got.kind, ==, rows[i].kind);
        g_assert_cmpstr(got.desktop_id, ==, rows[i].desktop);
    }
    BrokerPool pool = floating;
    pool.name = "lab";
    pool.most_a_user = 2;
    g_autofree char *refusal = assign_refusal(&pool, ASSIGN_LIMIT);
    g_assert_cmpstr(refusal, ==, "pool \"lab\": you have 2 of its desktops, as many as it allows one person; log off from one of them first");
}

/* A hundred users and ten spares: whoever comes first finds any of them, and each user always the same one.
 */
static void test_spread(void)
{
    BrokerDesktop desktops[10];
    char ids[10][3];
    unsigned taken[10] = {0};
    for (unsigned i = 0; i < 10; i++) {
        g_snprintf(ids[i], sizeof ids[i], "%02u", i);
        desktops[i] = (BrokerDesktop){.id = ids[i], RUNNING};
    }
    BrokerPool pool = floating;
    for (unsigned user = 0; user < 100; user++) {
        g_autofree char *name = g_strdup_printf("user-%u", user);
        Assignment first = assign_desktop(&pool, desktops, 10, &(AssignWish){.user_id = name});
        Assignment again = assign_desktop(&pool, desktops, 10, &(AssignWish){.user_id = name});
        g_assert_cmpint(first.kind, ==, ASSIGN_SPARE);
        g_assert_true(first.desktop_id == again.desktop_id);
        taken[first.desktop_id[1] - '0']++;
    }
    for (unsigned i = 0; i < 10; i++)
        g_assert_cmpuint(taken[i], >, 0);
}

static void test_refusal(void)
{
    g_autofree char *full = assign_refusal(&floating, ASSIGN_FULL);
    g_assert_nonnull(strstr(full, "pool \"sales\": all 3 desktops are in use"));
    g_autofree char *none = assign_refusal(&floating, ASSIGN_NONE);
    g_assert_nonnull(strstr(none, "no desktop of it was assigned to you"));
}

static const struct {
    const char *what;
    BrokerPool pool;
    EntitleQuestion question;
    bool allowed, seen;
    OrielErrorKind kind;
} entitlements[] = {
    {"nobody", {.enabled = true}, {.user_enabled = true}, false, false, ORIEL_ERROR_FORBIDDEN},
    {"the user", {.enabled = true}, {.user_enabled = true, .user_entitled = true}, true, true, 0},
    {"a group", {.enabled = true}, {.user_enabled = true, .group_entitled = true}, true, true, 0},
    {"a user, for whom an operator asks",
     {.enabled = true},
     {.user_enabled = true, .for_user = "ada"},
     false,
     false,
     ORIEL_ERROR_FORBIDDEN},
    {"a disabled one, for whom an operator asks",
     {.enabled = true},
     {.user_entitled = true, .for_user = "ada"},
     false,
     false,
     ORIEL_ERROR_FORBIDDEN},
    {"a disabled account", {.enabled = true}, {.user_entitled = true}, false, false, ORIEL_ERROR_FORBIDDEN},
    {"a pool switched off",
     {0},
     {.user_enabled = true, .user_entitled = true},
     false,
     false,
     ORIEL_ERROR_CONFLICT},
    {"switched off, but in session",
     {0},
     {.user_enabled = true, .user_entitled = true, .has_desktop = true},
     true,
     true,
     0},
    {"draining",
     {.enabled = true, .draining = true},
     {.user_enabled = true, .user_entitled = true, .has_desktop = true},
     false,
     true,
     ORIEL_ERROR_CONFLICT},
    {"draining, but in session",
     {.enabled = true, .draining = true},
     {.user_enabled = true, .user_entitled = true, .has_desktop = true, .in_session = true},
     true,
     true,
     0},
    {"maintenance",
     {.enabled = true, .maintenance = true},
     {.user_enabled = true, .user_entitled = true, .has_desktop = true},
     false,
     true,
     ORIEL_ERROR_CONFLICT},
    {"an admin in maintenance", {.maintenance = true}, {.as_admin = true}, true, true, 0},
    {"an admin, pool being deleted",
     {.enabled = true, .deleted = true},
     {.as_admin = true},
     false,
     false,
     ORIEL_ERROR_CONFLICT},
};

static void test_entitle(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(entitlements); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", entitlements[i].what);
        BrokerPool pool = entitlements[i].pool;
        pool.name = "sales";
        g_assert_cmpint(entitle_use(&pool, &entitlements[i].question, &error), ==, entitlements[i].allowed);
        g_assert_cmpint(entitle_sees(&pool, &entitlements[i].question), ==, entitlements[i].seen);
        if (!entitlements[i].allowed)
            g_assert_error(error, ORIEL_ERROR, (int)entitlements[i].kind);
        /* Whoever asks for somebody is told about that one, not about "you". */
        if (error && entitlements[i].question.for_user)
            g_assert_true(strstr(error->message, "--user ada") ||
                          strstr(error->message, "oriel user edit ada --enabled yes"));
    }
}

static const struct {
    const char *what;
    BrokerDesktop desktops[4];
    size_t count;
    AssignKind kind;
    const char *desktop;
} seats[] = {
    {"an empty pool makes a machine", {{0}}, 0, ASSIGN_CREATE, NULL},
    {"the machine itself is given to nobody", {{.id = "m", RUNNING, .seats = 8}}, 1, ASSIGN_CREATE, NULL},
    {"a seat of it is",
     {{.id = "m", RUNNING, .seats = 1}, {.id = "m1", RUNNING, .machine_id = "m"}},
     2,
     ASSIGN_SPARE,
     "m1"},
    {"where the fewest people are",
     {{.id = "a1", RUNNING, .machine_id = "a", .taken = 2},
      {.id = "b1", RUNNING, .machine_id = "b", .taken = 1},
      {.id = "c1", RUNNING, .machine_id = "c", .taken = 3}},
     3,
     ASSIGN_SPARE,
     "b1"},
    {"a busy machine before one that has to start",
     {{.id = "a1", RUNNING, .machine_id = "a", .taken = 7}, {.id = "b1", STOPPED, .machine_id = "b"}},
     2,
     ASSIGN_SPARE,
     "a1"},
    {"their own, wherever it is",
     {{.id = "a1", .user_id = "ann", RUNNING, .machine_id = "a", .taken = 9}, {.id = "b1", RUNNING, .machine_id = "b"}},
     2,
     ASSIGN_EXISTING,
     "a1"},
    {"a machine in maintenance has no seats",
     {{.id = "m", RUNNING, .seats = 1, .maintenance = true}, {.id = "m1", RUNNING, .machine_id = "m", .maintenance = true}},
     2,
     ASSIGN_CREATE,
     NULL},
    {"seats are no machines: the pool may grow",
     {{.id = "m", RUNNING, .seats = 2},
      {.id = "m1", .user_id = "bob", RUNNING, .machine_id = "m", .taken = 2},
      {.id = "m2", .user_id = "eve", RUNNING, .machine_id = "m", .taken = 2}},
     3,
     ASSIGN_CREATE,
     NULL},
    {"an outdated machine is given up for a new one",
     {{.id = "m", RUNNING, .seats = 2, .taken = 1}, {.id = "m1", RUNNING, .machine_id = "m", .taken = 1, .outdated = true}},
     2,
     ASSIGN_CREATE,
     NULL},
    {"but where there is no place, who works there makes room",
     {{.id = "m", RUNNING, .seats = 2, .taken = 1},
      {.id = "m1", RUNNING, .machine_id = "m", .taken = 1, .outdated = true},
      {.id = "n", RUNNING, .seats = 2},
      {.id = "o", RUNNING, .seats = 2}},
     4,
     ASSIGN_SPARE,
     "m1"},
};

static void test_seats(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(seats); i++) {
        BrokerPool pool = floating;
        pool.seats = 8;
        g_test_message("%s", seats[i].what);
        Assignment got = assign_desktop(&pool, seats[i].desktops, seats[i].count, &(AssignWish){.user_id = "ann"});
        g_assert_cmpint(got.kind, ==, seats[i].kind);
        g_assert_cmpstr(got.desktop_id, ==, seats[i].desktop);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/assign", test_assign);
    g_test_add_func("/broker/assign/several", test_several);
    g_test_add_func("/broker/assign/spread", test_spread);
    g_test_add_func("/broker/assign/refusal", test_refusal);
    g_test_add_func("/broker/assign/seats", test_seats);
    g_test_add_func("/broker/entitle", test_entitle);
    return g_test_run();
}
