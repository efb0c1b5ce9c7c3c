/* What the agent in a simulated guest does and says. */
#include "host/simulated_internal.h"

#include <string.h>

#include "base/application_wire.h"
#include "base/file.h"

/* What was shown last is in its folder. */
bool simulated_show(Machine *machine, const char *title, const char *text, int64_t limit_ms, GError **error)
{
    g_autofree char *shown = g_strconcat(title ? title : "", "\n", text, NULL);
    g_autofree char *path = g_build_filename(simulated_folder(machine), "shown", NULL);
    return simulated_called("show", error) && file_write_atomic(path, shown, strlen(shown), 0600, error);
}

typedef struct {
    const char *question;
    bool allow;
} Answer;

static void say_answer(Machine *machine, const MachineListener *listener, void *listener_data, void *data)
{
    const Answer *answer = data;
    if (listener->answer)
        listener->answer(machine, answer->question, answer->allow, listener_data);
}

bool simulated_guest_answers(const char *folder, const char *question, bool allow)
{
    return simulated_tell(folder, say_answer, &(Answer){question, allow});
}

static bool write_question(Machine *machine, const char *text, GError **error)
{
    g_autofree char *path = g_build_filename(simulated_folder(machine), "asked", NULL);
    return file_write_atomic(path, text, strlen(text), 0600, error);
}

/* What is asked is in its folder, and so is, in "answers", what whoever sits there says to all questions: "allow", "refuse", or to
 * another question: "allow ID". */
bool simulated_ask(Machine *machine, const AgentQuestion *question, GError **error)
{
    g_autofree char *asked = g_strconcat(question->id, "\n", question->text, NULL);
    g_autofree char *path = g_build_filename(simulated_folder(machine), "answers", NULL);
    g_autofree char *answers = NULL;
    if (!simulated_called("ask", error) || !write_question(machine, asked, error))
        return false;
    if (!g_file_get_contents(path, &answers, NULL, NULL))
        return true;
    g_auto(GStrv) words = g_strsplit(answers, " ", 2);
    return simulated_guest_answers(simulated_folder(machine), words[1] ? words[1] : question->id, strcmp(words[0], "allow") == 0);
}

bool simulated_ask_end(Machine *machine, const char *question, GError **error)
{
    return simulated_called("ask_end", error) && write_question(machine, "", error);
}

bool simulated_lock(Machine *machine, int64_t limit_ms, GError **error)
{
    return simulated_called("lock", error) && simulated_guest_is(simulated_folder(machine), -1, true);
}

typedef struct {
    int64_t idle_ms;
    bool locked;
} Activity;

static void say_activity(Machine *machine, const MachineListener *listener, void *listener_data, void *data)
{
    const Activity *activity = data;
    if (listener->activity)
        listener->activity(machine, activity->idle_ms, activity->locked, listener_data);
}

bool simulated_guest_is(const char *folder, int64_t idle_ms, bool locked)
{
    return simulated_tell(folder, say_activity, &(Activity){idle_ms, locked});
}

static void say_logged_off(Machine *machine, const MachineListener *listener, void *listener_data, void *data)
{
    if (listener->session)
        listener->session(machine, false, "user", listener_data);
}

bool simulated_guest_logs_off(const char *folder)
{
    return simulated_tell(folder, say_logged_off, NULL);
}

bool simulated_application(Machine *machine, const char *append, const MachineListener *listener, void *listener_data)
{
    static const char parameter[] = " " APPLICATION_PARAMETER "=";
    const char *at = append ? strstr(append, parameter) : NULL;
    gsize length = 0;
    g_autofree guchar *words = at ? g_base64_decode(at + strlen(parameter), &length) : NULL;
    bool stays = !words || g_strcmp0((const char *)words, "missing") != 0;
    if (words && listener->application)
        listener->application(machine, stays ? NULL : "\"missing\" ended with status 127\nmissing: No such file or directory", listener_data);
    return stays;
}
