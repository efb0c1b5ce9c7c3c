#include "base/id.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void write_new(char id[ID_LENGTH], int64_t time_ms)
{
    uint64_t time = (uint64_t)time_ms;
    for (int i = 9; i >= 0; i--) {
        id[i] = alphabet[time & 31];
        time >>= 5;
    }
    uint8_t random[16];
    randombytes_buf(random, sizeof random);
    for (int i = 0; i < 16; i++)
        id[10 + i] = alphabet[random[i] & 31];
}

/* The random part plus one; after 2^80 of them in one millisecond it would begin anew. */
static void write_next(char id[ID_LENGTH])
{
    for (int i = ID_LENGTH - 1; i >= 10; i--) {
        const char *digit = strchr(alphabet, id[i]);
        if (digit[1]) {
            id[i] = digit[1];
            return;
        }
        id[i] = alphabet[0];
    }
}

char *id_new(void)
{
    static GMutex lock;
    static int64_t last_ms;
    static char last[ID_LENGTH + 1];
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&lock);
    int64_t now_ms = clock_utc_ms();
    if (now_ms > last_ms) {
        last_ms = now_ms;
        write_new(last, now_ms);
    } else {
        write_next(last); /* the same millisecond, or the clock was set back */
    }
    return g_strdup(last);
}

bool id_is_valid(const char *text)
{
    if (!text || strlen(text) != ID_LENGTH || text[0] > '7')
        return false;
    return strspn(text, alphabet) == ID_LENGTH;
}
