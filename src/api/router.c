#include "api/router.h"

#include <string.h>

#define PREFIX "/api/v1/"

static void parameters_clear(char *parameters[CALL_PARAMETERS])
{
    for (size_t i = 0; i < CALL_PARAMETERS; i++)
        g_clear_pointer(&parameters[i], g_free);
}

/* Both begin after a slash. */
static bool pattern_matches(const char *pattern, const char *path, char *parameters[CALL_PARAMETERS])
{
    size_t used = 0;
    for (;;) {
        size_t wanted = strcspn(pattern, "/"), got = strcspn(path, "/");
        if (pattern[0] == '{') {
            if (got == 0 || used == CALL_PARAMETERS)
                return false;
            parameters[used++] = g_strndup(path, got);
        } else if (wanted != got || memcmp(pattern, path, got) != 0) {
            return false;
        }
        if (pattern[wanted] == '\0' || path[got] == '\0')
            return pattern[wanted] == path[got];
        pattern += wanted + 1;
        path += got + 1;
    }
}

const Route *router_find(const char *method, const char *path, char *parameters[CALL_PARAMETERS],
                         char **ret_allow)
{
    *ret_allow = NULL;
    memset(parameters, 0, sizeof(char *) * CALL_PARAMETERS);
    if (strcmp(path, "/metrics") == 0) /* where Prometheus looks unless it is told otherwise */
        path = PREFIX "metrics";
    if (!g_str_has_prefix(path, PREFIX))
        return NULL;
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    g_autoptr(GString) allow = g_string_new(NULL);
    for (const Route *route = routes; route->method; route++) {
        if (!pattern_matches(route->pattern, path + strlen(PREFIX), parameters)) {
            parameters_clear(parameters);
            continue;
        }
        if (strcmp(route->method, wanted) == 0)
            return route;
        parameters_clear(parameters);
        g_string_append_printf(allow, "%s%s%s", allow->len ? ", " : "", route->method,
                               strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
    }
    if (allow->len)
        *ret_allow = g_strdup(allow->str);
    return NULL;
}
