#include "cli/verb.h"

#include <string.h>

/* One a line, in the order people read. */
/* clang-format off */
static const VerbGroup *const groups[] = {
    &status_group,
    &doctor_group,
    &image_group,
    &pool_group,
    &plan_group,
    &policy_group,
    &home_group,
    &desktop_group,
    &session_group,
    &user_group,
    &group_group,
    &directory_group,
    &entitle_group,
    &quota_group,
    &job_group,
    &event_group,
    &login_group, &kiosk_group,
    &token_group,
    &host_group,
    &help_desk_group,
    &setting_group,
    &apply_group,
    &completion_group,
    NULL,
};
/* clang-format on */

static const Option general[] = {
    {"json", VALUE_FLAG, .help = "Print the API's own JSON"},
    {"csv", VALUE_FLAG, .help = "Print tables as CSV (RFC 4180), with times in UTC and sizes in bytes"},
    {"no-wait", VALUE_FLAG, .help = "Do not wait for what takes long: print the job and return"},
    {"wait", VALUE_FLAG, .help = "Wait for it, with progress (the default)"},
    {"quiet", VALUE_FLAG, .help = "Print nothing but errors (and JSON)"},
    {"state-folder", VALUE_TEXT, "FOLDER", "State folder of orield ($ORIEL_STATE, /var/lib/oriel)",
     .names = NAMES_FILE},
    {"url", VALUE_TEXT, "URL", .help = "An Oriel elsewhere ($ORIEL_URL): https://desk.example:8443"},
    {"token-file", VALUE_FILE, "FILE", "Its first line is an API token for --url ($ORIEL_TOKEN_FILE)",
     .names = NAMES_FILE},
    {"fingerprint", VALUE_TEXT, "HEX",
     .help = "Trust exactly this certificate of --url ($ORIEL_FINGERPRINT)"},
    {"help", VALUE_FLAG, .help = "Show how a command is used"},
    {0},
};

const VerbGroup *const *verb_groups(void)
{
    return groups;
}

const Option *verb_general_options(void)
{
    return general;
}

const VerbGroup *verb_group_find(const char *name)
{
    for (const VerbGroup *const *group = groups; *group; group++)
        if (strcmp((*group)->name, name) == 0)
            return *group;
    return NULL;
}

const Verb *verb_find(const VerbGroup *group, const char *name)
{
    for (const Verb *verb = group->verbs; verb->run; verb++)
        if (verb->name && strcmp(verb->name, name) == 0)
            return verb;
    return NULL;
}

char *verb_path(const VerbGroup *group, const Verb *verb)
{
    if (!verb || !verb->name)
        return g_strdup_printf("oriel %s", group->name);
    return g_strdup_printf("oriel %s %s", group->name, verb->name);
}
