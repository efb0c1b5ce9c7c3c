/* What QEMU and the guest's agent say: no line may crash us, and what is accepted is whole. The first byte
 * chooses. */
#include <string.h>

#include "machine/agent_message.h"
#include "machine/qmp_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_agent_line(const char *line, size_t length, void *data)
{
    g_auto(AgentMessage) message = {0};
    if (length == 0 || length > LIMIT_AGENT_LINE || memchr(line, '\n', length))
        g_abort();
    if (!agent_message_parse(line, length, &message))
        return;
    if (message.first && (!g_utf8_validate(message.first, -1, NULL) || strlen(message.first) > 1000))
        g_abort();
    if (message.kind == AGENT_HELLO && (!message.first || !message.second))
        g_abort();
}

static void fuzz_qmp(const uint8_t *data, size_t size)
{
    g_auto(QmpMessage) message = {0};
    g_autoptr(GError) error = NULL;
    bool good = qmp_message_parse((const char *)data, size, &message, &error);
    if (good == (error != NULL))
        g_abort();
    if (good && message.kind == QMP_RETURN && (message.id == 0 || !message.value))
        g_abort();
    if (good && message.kind == QMP_EVENT && (!message.name || !json_is_object(message.value)))
        g_abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0) {
        fuzz_qmp(data + 1, size - 1);
        return 0;
    }
    g_autofree AgentLines *lines = g_new0(AgentLines, 1);
    size_t cut = (size_t)(data[0] / 2) % size;
    agent_lines_feed(lines, (const char *)data + 1, cut, take_agent_line, NULL);
    agent_lines_feed(lines, (const char *)data + 1 + cut, size - 1 - cut, take_agent_line, NULL);
    return 0;
}
