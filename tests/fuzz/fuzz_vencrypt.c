/* What a VNC client says before its display: no input may crash, nor be judged otherwise because of where the reads happened to end
 * (a client answers phase by phase: the first byte gives the length of each reply). */
#include <glib.h>
#include <string.h>

#include "gateway/vencrypt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static VencryptEnd feed(Vencrypt *vencrypt, const uint8_t *data, size_t size, size_t part)
{
    VencryptEnd end = VENCRYPT_MORE;
    for (size_t at = 0; at < size && (end == VENCRYPT_MORE || end == VENCRYPT_TLS); at += part) {
        size_t length = MIN(part, size - at);
        g_autofree uint8_t *copy = g_memdup2(data + at, length); /* so that a read behind its end is seen */
        VencryptStep step = vencrypt_take(vencrypt, copy, length);
        if (step.answer_length > 16 || (step.answer_length && !step.answer))
            g_abort();
        end = step.end;
    }
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Vencrypt bytewise = {0}, free_size = {0};
    if (size < 1)
        return 0;
    VencryptEnd one = feed(&bytewise, data + 1, size - 1, 1), other = feed(&free_size, data + 1, size - 1, MAX(data[0], 1));
    /* Larger parts may say too much at once, which single bytes cannot. */
    if (other != VENCRYPT_BROKEN && (one != other || strcmp(bytewise.ticket, free_size.ticket) != 0))
        g_abort();
    if (one == VENCRYPT_TICKET && (!*bytewise.ticket || strlen(bytewise.ticket) > VENCRYPT_TICKET_LARGEST))
        g_abort();
    return 0;
}
