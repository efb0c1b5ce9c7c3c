/* What the guest's agent reads: the host's lines, logind's files, a process's environment, the kernel's events. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guest/agent_message.h"
#include "guest/agent_port.h"
#include "guest/agent_session.h"
#include "guest/agent_settle.h"
#include "guest/agent_show.h"
#include "guest/uevent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_line(void *data, const char *line, size_t length)
{
    AgentRequest request;
    if (agent_request_parse(line, length, &request)) {
        free(agent_done_text(request.id, request.failure.text, NULL, 0));
        free(agent_pong_text(request.id));
        char escaped[2 * sizeof request.text];
        agent_show_escape(request.text, escaped, sizeof escaped);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static AgentPort port;
    port.fd = -1;
    port.in_used = 0;
    port.skipping = false;
    agent_port_feed(&port, (const char *)data, size, take_line, NULL);
    take_line(NULL, (const char *)data, size);
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    AgentSession session;
    SessionEnvironment environment;
    Uevent event;
    Settle settle = {0};
    agent_session_parse("1", text, &session);
    agent_session_environment_take(text, size, &environment);
    uevent_parse(text, size, &event);
    uevent_parse(text, size + 1, &event);
    agent_settle_sample(&settle, text, true);
    free(text);
    return 0;
}
