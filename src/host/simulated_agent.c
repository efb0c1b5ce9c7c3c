/* What the agent in a simulated guest does and says. */
#include "host/simulated_internal.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/application_wire.h"
#include "base/error.h"
#include "base/file.h"

/* What was shown last is in its folder. */
bool simulated_show(Machine *machine, const AgentShow *what, int64_t limit_ms, GError **error)
{
    g_autofree char *shown = g_strconcat(what->title ? what->title : "", "\n", what->text, NULL);
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

typedef struct {
    int64_t idle_ms;
    bool locked;
    bool held;
} Activity;

static void say_activity(Machine *machine, const MachineListener *listener, void *listener_data, void *data)
{
    const Activity *activity = data;
    if (listener->activity)
        listener->activity(machine, &(MachineActivity){.idle_ms = activity->idle_ms, .locked = activity->locked, .held = activity->held}, listener_data);
}

bool simulated_lock(Machine *machine, unsigned seat, int64_t limit_ms, GError **error)
{
    return simulated_called("lock", error) && simulated_tell(simulated_folder(machine), say_activity, &(Activity){-1, true, true});
}

bool simulated_unlock(Machine *machine, unsigned seat, int64_t limit_ms, GError **error)
{
    return simulated_called("unlock", error) && simulated_guest_is(simulated_folder(machine), -1, false);
}

bool simulated_guest_is(const char *folder, int64_t idle_ms, bool locked)
{
    return simulated_tell(folder, say_activity, &(Activity){idle_ms, locked, false});
}

static void say_logged_off(Machine *machine, const MachineListener *listener, void *listener_data, void *data)
{
    if (listener->session)
        listener->session(machine, &(MachineSession){.seat = *(const unsigned *)data, .user = "user"}, listener_data);
}

bool simulated_guest_logs_off(const char *folder)
{
    return simulated_seat_logs_off(folder, 0);
}

bool simulated_seat_logs_off(const char *folder, unsigned seat)
{
    return simulated_tell(folder, say_logged_off, &seat);
}

/* ---- seats ---- */

bool simulated_seats(const Machine *machine)
{
    return true;
}

static void *swallow(void *data)
{
    int fd = GPOINTER_TO_INT(data);
    char bytes[512];
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
    close(fd);
    return NULL;
}

/* All that an RFB server without a password says until it is in use (RFC 6143 7.1 to 7.3), said at once; then it listens. */
int simulated_seat_display(Machine *machine, unsigned seat, GError **error)
{
    static const char server[] = "RFB 003.008\n"
                                 "\1\1"
                                 "\0\0\0\0"
                                 "\0\20\0\20"
                                 "\40\30\0\1\0\377\0\377\0\377\20\10\0\0\0\0"
                                 "\0\0\0\4seat";
    int ends[2];
    if (!simulated_called("seat_display", error))
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "simulated machine: no sockets");
        return -1;
    }
    if (send(ends[1], server, sizeof server - 1, MSG_NOSIGNAL) < 0) {
        close(ends[0]);
        close(ends[1]);
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "simulated machine: says nothing");
        return -1;
    }
    g_thread_unref(g_thread_new("seat", swallow, GINT_TO_POINTER(ends[1])));
    return ends[0];
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
