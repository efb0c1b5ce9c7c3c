#include "base/id.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

char *id_new(void)
{
    char *id = g_malloc0(ID_LENGTH + 1);
    uint64_t time = (uint64_t)clock_utc_ms();
    for (int i = 9; i >= 0; i--) {
        id[i] = alphabet[time & 31];
        time >>= 5;
    }
    uint8_t random[16];
    randombytes_buf(random, sizeof random);
    for (int i = 0; i < 16; i++)
        id[10 + i] = alphabet[random[i] & 31];
    return id;
}

bool id_is_valid(const char *text)
{
    if (!text || strlen(text) != ID_LENGTH || text[0] > '7')
        return false;
    return strspn(text, alphabet) == ID_LENGTH;
}
