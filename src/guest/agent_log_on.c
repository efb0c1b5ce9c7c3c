#include "guest/agent_log_on.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/words_wire.h"
#include "guest/agent_child.h"
#include "guest/agent_identity.h"
#include "guest/agent_screen.h"
#include "guest/file.h"

#define UNIT_FILE "/etc/systemd/system/oriel-session@.service"
#define UNIT_MS 20000
#define SESSION_GONE_MS 5000
#define SCREEN "/dev/tty1"
#define REMEMBERED "/run/oriel-person"

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* sentence: with %s for the reason. */
static void warn(AgentLogOn *result, const char *sentence, const Failure *why)
{
    if (result->warnings_count < AGENT_WARNINGS_MOST)
        failure_set(&result->warnings[result->warnings_count++], "%.*s%.170s", (int)strlen(sentence) - 2, sentence, why->text);
}

static void step_done(AgentLogOn *result, const char *name, int64_t *began_us)
{
    int64_t now = now_us();
    result->steps[result->steps_count++] = (AgentStep){name, now - *began_us};
    *began_us = now;
}

void agent_person_init(AgentPerson *who, const char *name)
{
    char text[512], own[8] = "";
    *who = (AgentPerson){0};
    agent_account_find("", name, &who->base);
    if (guest_file_read(REMEMBERED, text, sizeof text) <= 0)
        return;
    guest_value(text, "session", who->session, sizeof who->session);
    char account[sizeof who->person.name] = "";
    guest_value(text, "account", account, sizeof account);
    guest_value(text, "home", own, sizeof own);
    agent_account_find("", account, &who->person);
    who->has_home = own[0] == '1' && who->person.name[0];
}

void agent_person_remember(const AgentPerson *who)
{
    Failure ignored;
    char text[256];
    snprintf(text, sizeof text, "session=%s\naccount=%s\nhome=%d\n", who->session, who->person.name, (int)who->has_home);
    guest_file_replace(REMEMBERED, text, 0600, &ignored);
}

/* ---- where the person is ---- */

/* As locale(1) writes it: "de_DE.utf8" for "de_DE.UTF-8". */
static void archive_name(const char *locale, char *name, size_t size)
{
    size_t used = 0;
    bool codeset = false;
    for (; *locale && used < size - 1; locale++) {
        codeset = (codeset || *locale == '.') && *locale != '@';
        if (!codeset || *locale == '.' || isalnum((unsigned char)*locale))
            name[used++] = (char)(codeset ? tolower((unsigned char)*locale) : *locale);
    }
    name[used] = '\0';
}

/* Names stand in the archive as they are, ended by NUL (glibc, locarchive.h). */
static bool archive_has(int fd, const char *name)
{
    static char block[65536];
    size_t length = strlen(name) + 1, kept = 0;
    ssize_t got;
    while ((got = read(fd, block + kept, sizeof block - kept)) > 0) {
        size_t filled = kept + (size_t)got;
        if (memmem(block, filled, name, length))
            return true;
        kept = filled < length ? filled : length - 1;
        memmove(block, block + filled - kept, kept);
    }
    return false;
}

bool agent_locale_exists(const char *root, const char *locale)
{
    char path[PATH_MAX], name[80];
    if (strcmp(locale, "C.UTF-8") == 0)
        return true;
    archive_name(locale, name, sizeof name);
    snprintf(path, sizeof path, "%s/usr/lib/locale/%s", root, name);
    if (access(path, F_OK) == 0)
        return true;
    snprintf(path, sizeof path, "%s/usr/lib/locale/locale-archive", root);
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && archive_has(fd, name);
}

/* A browser's guess: what the image does not have is left as it is, without a word. */
static void apply_place(AgentRequest *request, AgentLogOn *result)
{
    Failure failure;
    char zone[PATH_MAX];
    if (request->locale[0] && !agent_locale_exists("", request->locale))
        request->locale[0] = '\0';
    snprintf(zone, sizeof zone, "/usr/share/zoneinfo/%s", request->time_zone);
    if (request->time_zone[0] && access(zone, F_OK) < 0)
        request->time_zone[0] = '\0';
    if (!agent_identity_write_place("", request, &failure))
        warn(result, SAY_NO_PLACE, &failure);
}

/* ---- sessions ---- */

static bool unit(const char *verb, const char *account, Failure *failure)
{
    char name[96];
    snprintf(name, sizeof name, "oriel-session@%s.service", account);
    const char *const argv[] = {"systemctl", "--quiet", verb, name, NULL};
    AgentChild child = {.argv = argv, .timeout_ms = UNIT_MS};
    return agent_child_run(&child, failure);
}

/* logind takes no second session on a screen that has one. */
static void await_no_session(void)
{
    autofd int watch = agent_session_watch();
    int64_t end = now_us() + SESSION_GONE_MS * 1000LL;
    for (;;) {
        int64_t left = (end - now_us()) / 1000;
        struct pollfd waiting = {watch, POLLIN, 0};
        if (!agent_session_read().present || left <= 0 || watch < 0 || poll(&waiting, 1, (int)left) <= 0)
            return;
        agent_session_drain(watch);
    }
}

static void say_on_screen(const char *text)
{
    Failure ignored;
    char screen[512];
    snprintf(screen, sizeof screen, "\033[2J\033[H\n\n   %s\n", text);
    guest_file_poke(SCREEN, screen, &ignored);
}

/* From one account's session to another's. Processes of the old one are killed: it is the image's user's, in which nobody
 * has worked, or has ended already. */
static bool change_session(const AgentAccount *from, const AgentAccount *to, const char *text, Failure *failure)
{
    Failure ignored;
    agent_processes_end(from->uid); /* the unit would start it again in a second: */
    unit("stop", from->name, &ignored);
    agent_processes_end(from->uid);
    await_no_session();
    say_on_screen(text);
    return unit("start", to->name, failure);
}

/* ---- the account ---- */

static AgentAccount account_of(const AgentPerson *who, const AgentRequest *request, bool own_home)
{
    AgentAccount person = {.uid = own_home ? request->uid : who->base.uid, .gid = own_home ? request->uid : who->base.gid};
    agent_account_choose("", &who->base, request, person.name, sizeof person.name);
    snprintf(person.full_name, sizeof person.full_name, "%s", request->display_name);
    if (own_home)
        snprintf(person.home, sizeof person.home, "/home/%s", person.name);
    else
        snprintf(person.home, sizeof person.home, "%s", who->base.home);
    return person;
}

static bool begin_own_session(AgentPerson *who, const AgentAccount *person, Failure *failure)
{
    char text[384];
    snprintf(text, sizeof text, "Preparing your desktop%s%s ...", person->full_name[0] ? ", " : "", person->full_name);
    if (!agent_account_write("", &who->base, person, failure))
        return false;
    if (change_session(&who->base, person, text, failure))
        return true;
    Failure ignored;
    change_session(person, &who->base, "", &ignored);
    return false;
}

/* True: the person works in a home of their own from now on. */
static bool with_home(AgentPerson *who, const AgentRequest *request, AgentLogOn *result, int64_t *began_us)
{
    AgentAccount person = account_of(who, request, true);
    Failure failure = {""}, ignored;
    if (access(UNIT_FILE, F_OK) < 0) {
        failure_set(&failure, "this image has no oriel-session@.service");
    } else if (agent_home_mount(&person, request->home_is_new, &failure)) {
        step_done(result, "home", began_us);
        if (begin_own_session(who, &person, &failure)) {
            who->person = person;
            who->has_home = true;
            return true;
        }
        agent_home_unmount(&person, &ignored);
    }
    warn(result, SAY_NO_HOME, &failure);
    return false;
}

static void without_home(AgentPerson *who, const AgentRequest *request, AgentLogOn *result)
{
    AgentAccount person = account_of(who, request, false);
    Failure failure;
    who->person = person;
    if (!agent_account_write("", &who->base, &person, &failure))
        warn(result, SAY_NOT_NAMED, &failure);
}

bool agent_log_on(AgentPerson *who, const AgentRequest *asked, const AgentSession *session, AgentLogOn *result)
{
    AgentRequest request = *asked;
    Failure failure = {""};
    int64_t began_us = now_us();
    *result = (AgentLogOn){0};
    bool again = strcmp(who->session, request.session) == 0; /* the host was restarted, or somebody came back */
    if (again && strcmp(who->last.account, who->person.name) == 0) {
        *result = who->last;
        return false;
    }
    if (request.warning.text[0] && !again)
        result->warnings[result->warnings_count++] = request.warning;
    apply_place(&request, result);
    step_done(result, "place", &began_us);
    if (!who->base.name[0]) {
        failure_set(&failure, "this image has no user of its own");
        warn(result, SAY_NOT_NAMED, &failure);
    } else if (!again) {
        if (who->has_home && !agent_log_off_home(who, &failure))
            warn(result, SAY_NOT_PUT_AWAY, &failure);
        else if (!request.has_home || !with_home(who, &request, result, &began_us))
            without_home(who, &request, result);
        step_done(result, "session", &began_us);
    }
    snprintf(who->session, sizeof who->session, "%s", request.session);
    agent_person_remember(who);
    result->has_home = who->has_home;
    snprintf(result->account, sizeof result->account, "%s", who->person.name);
    if (!who->has_home && session->graphical && request.keyboard[0])
        agent_screen_keyboard(session, request.keyboard, &failure);
    who->last = *result;
    return true;
}

bool agent_log_off_home(AgentPerson *who, Failure *failure)
{
    who->session[0] = '\0';
    who->last = (AgentLogOn){0};
    if (!who->has_home) {
        agent_person_remember(who);
        return true;
    }
    Failure ignored;
    unit("stop", who->person.name, &ignored);
    bool free = agent_home_unmount(&who->person, failure);
    who->has_home = !free;
    if (free)
        agent_account_write("", &who->base, NULL, &ignored);
    change_session(&who->person, &who->base, "", &ignored);
    agent_person_remember(who);
    return free;
}
