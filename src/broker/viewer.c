#include "broker/viewer.h"

#include <glib.h>
#include <string.h>

const char *viewer_refusal(const ViewerFacts *facts)
{
    if (!facts->is_local && !facts->enabled)
        return "Your account has been switched off.";
    if (!facts->is_local && !facts->login_stands)
        return "You are logged out.";
    switch (facts->mode) {
    case VIEWER_OWN:
        return facts->session_stands ? NULL : "This desktop is not yours to use any more.";
    case VIEWER_CONSOLE:
        return facts->is_local || facts->may_console ? NULL : "You are no operator any more.";
    case VIEWER_VIEW:
    case VIEWER_CONTROL:
    default:
        if (!facts->session_stands)
            return "The session has ended.";
        return facts->is_local || facts->may_shadow ? NULL : "You are no help desk any more.";
    }
}

/* A browser calls itself by the names of those that it is like: the most special first. */
static const char *browser_of(const char *agent)
{
    static const struct {
        const char *mark, *name;
    } browsers[] = {
        {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
    };
    for (size_t i = 0; agent && i < G_N_ELEMENTS(browsers); i++)
        if (strstr(agent, browsers[i].mark))
            return browsers[i].name;
    return NULL;
}

char *viewer_place(const char *address, const char *agent)
{
    const char *browser = browser_of(agent);
    bool known = address && *address;
    return g_strconcat(known ? address : "", known && browser ? ", " : "", browser ? browser : "", NULL);
}

DisplayRules viewer_rules(ViewerMode mode, const ViewerPolicy *policy, bool takes_over)
{
    DisplayRules rules = {.width = policy->width, .height = policy->height};
    rules.flags |= policy->clipboard_in ? 0 : DISPLAY_NO_CLIPBOARD_IN;
    rules.flags |= policy->clipboard_out ? 0 : DISPLAY_NO_CLIPBOARD_OUT;
    rules.flags |= policy->sound ? 0 : DISPLAY_NO_SOUND;
    rules.flags |= takes_over ? DISPLAY_SHARED : 0;
    if (mode == VIEWER_VIEW || mode == VIEWER_CONTROL) /* a guest in somebody's session: no clipboard, no sizes */
        rules.flags |= DISPLAY_SHARED | DISPLAY_NO_CLIPBOARD_IN | DISPLAY_NO_CLIPBOARD_OUT | DISPLAY_NO_SIZE;
    if (mode == VIEWER_VIEW)
        rules.flags |= DISPLAY_VIEW_ONLY;
    return rules;
}
