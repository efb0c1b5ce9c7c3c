/* Bounds of guessing: argon2id at once, and failures of a name and of an address. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/socket.h"
#include "identity/internal.h"

enum { HASHERS = 4, WAITERS = 64 };

typedef struct {
    int64_t free;    /* failures without a wait */
    int64_t most_ms; /* longest wait; short for a name, so that a stranger cannot lock its owner out */
} Patience;

static const Patience of_name = {3, 30 * 1000};
static const Patience of_address = {20, 5 * 60 * 1000};
#define FORGET_MS (60 * 60 * 1000LL)

/* ---- hashing ---- */

static bool hasher_take(Identity *identity, GError **error)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    if (identity->waiting >= WAITERS)
        return oriel_fail(error, ORIEL_ERROR_TOO_MANY, "too many log-ins at once; try again in some seconds");
    identity->waiting++;
    while (identity->hashing >= HASHERS)
        g_cond_wait(&identity->freed, &identity->lock);
    identity->waiting--;
    identity->hashing++;
    return true;
}

static void hasher_give(Identity *identity)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    identity->hashing--;
    g_cond_signal(&identity->freed);
}

char *hash_new(Identity *identity, const char *password, GError **error)
{
    if (!hasher_take(identity, error))
        return NULL;
    char *hash = secret_password_hash(password, error);
    hasher_give(identity);
    return hash;
}

bool hash_verify(Identity *identity, const char *hash, const char *password, bool *ret, GError **error)
{
    if (!hasher_take(identity, error))
        return false;
    bool matches = secret_password_verify(hash ? hash : identity->dummy_hash, password);
    hasher_give(identity);
    *ret = hash && matches;
    return true;
}

/* ---- failures ---- */

/* Doubling from one second after the free ones. */
static int64_t wait_of(const Patience *patience, const StoreFailures *failures)
{
    int64_t over = failures->failures - patience->free;
    if (over < 0)
        return 0;
    int64_t wait = 1000LL << MIN(over, 20);
    return MIN(wait, patience->most_ms);
}

/* A name is cut, so that a key has a bound. */
static char *key_of(const char *kind, const char *value)
{
    g_autofree char *hash = strlen(value) > LIMIT_NAME ? secret_token_hash(value) : NULL;
    g_autofree char *text = g_utf8_make_valid(hash ? hash : value, -1);
    return g_strdup_printf("%s:%s", kind, text);
}

/* Whoever has one IPv6 address has all of its /64. */
static char *key_of_address(const char *address)
{
    g_autofree char *network = socket_network(address ? address : "");
    return key_of("address", network);
}

static bool check_wait(Identity *identity, const char *key, const Patience *patience, GError **error)
{
    StoreFailures failures = {0};
    if (!store_failures_get(identity->store, key, &failures, error))
        return false;
    int64_t left = failures.last_ms + wait_of(patience, &failures) - clock_utc_ms();
    if (left <= 0 || failures.failures == 0)
        return true;
    left = MIN(left, patience->most_ms); /* the clock may have been set back */
    int64_t seconds = (left + 999) / 1000;
    return oriel_fail_wait(error, seconds, "too many failed log-ins; try again in %" G_GINT64_FORMAT " s",
                           seconds);
}

static bool count(Identity *identity, const char *key, GError **error)
{
    StoreFailures failures;
    int64_t now_ms = clock_utc_ms();
    return store_failures_add(identity->store, key, now_ms, now_ms - FORGET_MS, &failures, error);
}

bool attempt_begin(Identity *identity, const char *name, const char *address, GError **error)
{
    g_autofree char *name_key = key_of("name", name);
    g_autofree char *address_key = key_of_address(address);
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->count_lock);
    return check_wait(identity, address_key, &of_address, error) &&
           check_wait(identity, name_key, &of_name, error) && count(identity, name_key, error);
}

bool attempt_failed(Identity *identity, const char *address, GError **error)
{
    g_autofree char *key = key_of_address(address);
    return count(identity, key, error);
}

bool attempt_succeeded(Identity *identity, const char *name, GError **error)
{
    g_autofree char *key = key_of("name", name);
    return store_failures_clear(identity->store, key, error);
}
