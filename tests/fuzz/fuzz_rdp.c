/* The first message of an RDP client, whole and in pieces: no input may crash, nor be judged otherwise because of where the
 * reads happened to end; what is forwarded is itself a request of the same kind. */
#include <glib.h>
#include <string.h>

#include "gateway/rdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RdpRequest whole, part;
    g_autofree uint8_t *copy = g_memdup2(data, size); /* so that a read behind its end is seen */
    RdpParse parsed = rdp_request_parse(copy, size, &whole);
    for (size_t length = 0; length < size && length <= RDP_REQUEST_LARGEST; length++) {
        RdpParse early = rdp_request_parse(data, length, &part);
        if (early == RDP_BROKEN && parsed != RDP_BROKEN)
            g_abort();
        if (early == RDP_GOOD && parsed != RDP_BROKEN)
            g_abort(); /* something followed */
    }
    if (parsed != RDP_GOOD)
        return 0;
    if (whole.forward_length >= size || strlen(whole.ticket) == 0 || strlen(whole.ticket) > RDP_TICKET_LARGEST ||
        ((size_t)whole.forward[2] << 8 | whole.forward[3]) != whole.forward_length)
        g_abort();
    return 0;
}
