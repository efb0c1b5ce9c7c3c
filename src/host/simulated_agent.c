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

static void say_answer(Machine *machine, const MachineListener *listener, void *listener_data, void *data)
{
    if (listener->answer)
        listener->answer(machine, data, listener_data);
}

bool simulated_guest_answers(const char *folder, const char *question, bool allow)
{
    return simulated_tell(folder, say_answer, &(MachineAnswer){.question = question, .allow = allow});
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
    MachineAnswer answer = {question->seat, words[1] ? words[1] : question->id, strcmp(words[0], "allow") == 0};
    return simulated_tell(simulated_folder(machine), say_answer, &answer);
}

bool simulated_ask_end(Machine *machine, unsigned seat, const char *question, GError **error)
{
    return simulated_called("ask_end", error) && write_question(machine, "", error);
}

bool simulated_resize(Machine *machine, unsigned width, unsigned height, int64_t limit_ms, GError **error)
{
    return simulated_called("resize", error);
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

enum { SCREEN = 16 }; /* pixels of width and height */

static void *swallow(void *data)
{
    autofd int fd = GPOINTER_TO_INT(data);
    char bytes[512];
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
    return NULL;
}

typedef struct {
    int fd;
    unsigned seat;
} Painter;

/* Raw, and all of it, whatever part is asked for. */
static bool paint(const Painter *painter)
{
    uint8_t update[16 + SCREEN * SCREEN * 4] = {0, 0, 0, 1, 0, 0, 0, 0, 0, SCREEN, 0, SCREEN};
    memset(update + 16, (int)painter->seat, sizeof update - 16);
    return send(painter->fd, update, sizeof update, MSG_NOSIGNAL) == sizeof update;
}

/* How long the rest of a client's message is (RFC 6143 7.5); 0: not known. */
static size_t rest_of(int fd, uint8_t kind)
{
    static const size_t fixed[] = {[0] = 19, [3] = 9, [4] = 7, [5] = 5};
    uint8_t count[3];
    if (kind == 2)
        return recv(fd, count, sizeof count, MSG_WAITALL) == sizeof count ? (size_t)(count[1] << 8 | count[2]) * 4 : 0;
    return kind < G_N_ELEMENTS(fixed) ? fixed[kind] : 0;
}

static void *paint_all(void *data)
{
    g_autofree Painter *painter = data;
    autofd int fd = painter->fd;
    enum { VERSION_SECURITY_AND_INIT = 14, UPDATE_REQUEST = 3 };
    uint8_t bytes[4096], kind;
    bool goes_on = recv(fd, bytes, VERSION_SECURITY_AND_INIT, MSG_WAITALL) == VERSION_SECURITY_AND_INIT;
    while (goes_on && recv(fd, &kind, 1, 0) == 1) {
        size_t rest = rest_of(fd, kind);
        goes_on = rest > 0 && rest <= sizeof bytes && recv(fd, bytes, rest, MSG_WAITALL) == (ssize_t)rest &&
                  (kind != UPDATE_REQUEST || paint(painter));
    }
    return NULL;
}

/* All that an RFB server without a password says until it is in use (RFC 6143 7.1 to 7.3), said at once. */
static bool open_screen(const char *call, int ends[2], GError **error)
{
    static const char server[] = "RFB 003.008\n"
                                 "\1\1"
                                 "\0\0\0\0"
                                 "\0\20\0\20"
                                 "\40\30\0\1\0\377\0\377\0\377\20\10\0\0\0\0"
                                 "\0\0\0\4seat";
    if (!simulated_called(call, error))
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "simulated machine: no sockets");
    if (send(ends[1], server, sizeof server - 1, MSG_NOSIGNAL) == sizeof server - 1)
        return true;
    close(ends[0]);
    close(ends[1]);
    return oriel_fail(error, ORIEL_ERROR_INTERNAL, "simulated machine: says nothing");
}

int simulated_seat_display(Machine *machine, unsigned seat, GError **error)
{
    int ends[2];
    if (!open_screen("seat_display", ends, error))
        return -1;
    g_thread_unref(g_thread_new("seat", swallow, GINT_TO_POINTER(ends[1])));
    return ends[0];
}

int simulated_seat_look(Machine *machine, unsigned seat, GError **error)
{
    int ends[2];
    if (!open_screen("seat_look", ends, error))
        return -1;
    Painter *painter = g_new0(Painter, 1);
    *painter = (Painter){ends[1], seat};
    g_thread_unref(g_thread_new("seat", paint_all, painter));
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
