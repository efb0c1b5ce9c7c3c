#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/socket.h"
#include "cli/cli.h"
#include "cli/print.h"

/* Machines have a minute for an orderly end, each group of them in turn. */
enum { END_LIMIT_MS = 170 * 1000 };

/* A descriptor of the process that listens on orield's socket (pidfd_open(2)); -1: elsewhere, or it is not
 * there. */
static int daemon_open(const Cli *cli)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    autofd int socket = cli->socket ? socket_connect(cli->socket, NULL) : -1;
    if (socket < 0 || getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return -1;
    return (int)syscall(SYS_pidfd_open, peer.pid, 0);
}

static bool wait_for_end(int daemon, GError **error)
{
    struct pollfd input = {daemon, POLLIN, 0};
    int ready;
    while ((ready = poll(&input, 1, END_LIMIT_MS)) < 0 && errno == EINTR) {
    }
    return ready > 0 ||
           oriel_fail(error, ORIEL_ERROR_TIMEOUT, "orield still runs after %d seconds; its log says why",
                      END_LIMIT_MS / 1000);
}

/* People see a bar that stands still; they shall know what becomes of it. */
static void jobs_tell(Cli *cli)
{
    g_autoptr(Json) jobs = client_list(cli->client, "jobs?state=running", 0, NULL);
    size_t index;
    json_t *job;
    json_array_foreach(json_object_get(jobs, "items"), index, job) {
        const char *title = json_string_value(json_object_get(job, "title"));
        bool build = g_strcmp0(json_string_value(json_object_get(job, "kind")), "image.build") == 0;
        cli_say(cli, "\"%s\" is under way (%d %%): it is cancelled; after the next start %s.", title ? title : "A job",
                (int)json_integer_value(json_object_get(job, "progress")),
                build ? "\"oriel image build\" or \"make up\" begins it anew" : "it begins anew by itself");
    }
}

static bool run_stop(Cli *cli, const Call *call, GError **error)
{
    bool machines = call_flag(call, "machines");
    g_autoptr(Json) body = json_pack("{s:b}", "machines", machines);
    const char *question = machines ? "Stop orield and every machine of this host?" : "Stop orield?";
    jobs_tell(cli);
    if (!cli_confirm(cli, call, question, error))
        return false;
    /* Held before the request, so that it is this process that is waited for and no other. */
    autofd int daemon = daemon_open(cli);
    g_autoptr(Json) answer = client_request(cli->client, "POST", "host/stop", body, error);
    if (!answer)
        return false;
    if (cli->json)
        print_json(answer);
    if (daemon >= 0 && cli->wait && !wait_for_end(daemon, error))
        return false;
    bool ended = daemon >= 0 && cli->wait;
    if (machines)
        cli_say(cli, ended ? "orield and its machines have ended." : "orield stops its machines, then ends.");
    else
        cli_say(cli, ended ? "orield has ended; its machines go on." : "orield ends; its machines go on.");
    return true;
}

static void show_service(Cli *cli, const Json *answer)
{
    const char *service = json_string_value(json_object_get(answer, "service"));
    int running = (int)json_integer_value(json_object_get(answer, "running"));
    int sessions = (int)json_integer_value(json_object_get(answer, "sessions"));
    if (g_strcmp0(service, "open") == 0)
        cli_say(cli, "This host is open: desktops start here again.");
    else if (running == 0 && sessions == 0)
        cli_say(cli, "Nothing starts here any more, and nothing runs.");
    else
        cli_say(cli, "Nothing starts here any more. %d desktops still run, %d sessions are open.", running, sessions);
}

static bool run_drain(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_request(cli->client, "POST", "host/drain", NULL, error), show_service);
}

static bool run_maintenance(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_request(cli->client, "POST", "host/maintenance", NULL, error), show_service);
}

static bool run_resume(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_request(cli->client, "POST", "host/resume", NULL, error), show_service);
}

static const Option stop_options[] = {
    {"machines", VALUE_FLAG, .help = "The machines too, in an orderly way; desktops in use are kept"},
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

static const Verb verbs[] = {
    {"drain", "Take no new sessions; those that are open go on",
     "Desktops of nobody go. \"oriel status\" says what still runs.", .run = run_drain},
    {"maintenance", "Start nothing and let nobody connect; what runs goes on", .run = run_maintenance},
    {"resume", "Take new sessions again", .run = run_resume},
    {"stop", "End orield in an orderly way",
     "Machines go on without it and are found again by the next orield, unless --machines.",
     .options = stop_options, .run = run_stop},
    {0},
};

const VerbGroup host_group = {"host", "This host's own service", verbs};
