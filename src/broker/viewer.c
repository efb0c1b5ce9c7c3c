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
        if (!facts->shadow_stands)
            return "Somebody ended your look at this session.";
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

DisplayRules viewer_rules(ViewerMode mode, const DisplayPlan *plan, bool takes_over)
{
    const DisplayPlan open = {0};
    plan = plan && mode != VIEWER_CONSOLE ? plan : &open;
    DisplayRules rules = {.width = plan->width, .height = plan->height};
    rules.flags |= plan->no_clipboard_in ? DISPLAY_NO_CLIPBOARD_IN : 0;
    rules.flags |= plan->no_clipboard_out ? DISPLAY_NO_CLIPBOARD_OUT : 0;
    rules.flags |= plan->no_size ? DISPLAY_NO_SIZE : 0;
    rules.flags |= plan->no_sound ? DISPLAY_NO_SOUND : 0;
    rules.flags |= takes_over ? DISPLAY_SHARED : 0;
    if (mode == VIEWER_VIEW || mode == VIEWER_CONTROL) /* a guest in somebody's session: no clipboard, no sizes, no sound */
        rules.flags |= DISPLAY_SHARED | DISPLAY_NO_SOUND | DISPLAY_NO_CLIPBOARD_IN | DISPLAY_NO_CLIPBOARD_OUT | DISPLAY_NO_SIZE;
    rules.kbit_s = mode == VIEWER_OWN ? plan->kbit_s : 0;
    if (mode == VIEWER_VIEW || (mode == VIEWER_OWN && plan->view_only))
        rules.flags |= DISPLAY_VIEW_ONLY;
    return rules;
}

bool viewer_rules_equal(const DisplayRules *one, const DisplayRules *other)
{
    return one->flags == other->flags && one->width == other->width && one->height == other->height &&
           one->kbit_s == other->kbit_s;
}
