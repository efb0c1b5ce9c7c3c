/* This host's machines: what the store desires becomes so, and stays so.
 *
 * One reconcile thread looks at the rows of this host and at the QEMU processes, and hands each difference to
 * a bounded pool of workers, one small idempotent step a desktop at a time. The click (host_connect) does not
 * wait for that loop: it walks the same steps straight-line on the caller's thread. Nothing is remembered
 * only here: host_close, a crash or kill -9 at any instruction leaves machines running, and the next
 * host_open adopts them.
 *
 * Every function may be called from any thread and may block (QEMU, disk, store); none may be called from the
 * loop thread of an HTTP server. Rows (desktops, sessions, pools) are read from the store; this header gives
 * only their ids.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/display_wire.h"
#include "broker/client.h"
#include "broker/quota.h"
#include "store/home.h"
#include "store/host.h"
#include "store/pool.h"
#include "store/quota.h"
#include "store/session.h"
#include "store/store.h"

typedef struct Host Host;
typedef struct JobRunner JobRunner;   /* job/job.h */
typedef struct HostDriver HostDriver; /* host/driver.h */

typedef struct {
    const Config *config;     /* lives longer than the host */
    Store *store;             /* open; lives longer than the host */
    JobRunner *jobs;          /* runs the template builds; lives longer than the host */
    const HostDriver *driver; /* NULL: real machines (machine/); tests and scale trials simulate them */
} HostSetup;

/* The id of the host that this state folder belongs to; made at the first call (the folder must exist). For
 * job_runner_new, which is needed before host_open. CORRUPT: the file host-id is damaged. Caller frees. */
char *host_id_of(const char *state_folder, GError **error);

/* Takes this state folder for itself (a lock file: CONFLICT if another orield has it),
 * writes this host's row, adopts the machines that run, and starts the reconcile thread. Returns as soon as
 * adoption is done; templates and spares come after. NULL on failure. */
Host *host_open(const HostSetup *setup, GError **error);

/* Ends threads, waits for steps under way; machines go on running. Jobs of the host must have been stopped
 * before (job_runner_stop). NULL is fine. */
void host_close(Host *host);

/* A pool, image or desktop row changed: look now instead of at the next heartbeat. Never blocks. */
void host_wake(Host *host);

/* This host's id in the store. Lives as long as the host. */
const char *host_id(const Host *host);

/* ---- the click ---- */

typedef struct {
    const StoreActor *actor; /* who asks, from where; NULL: the system */
    const char *user_id;     /* whom the desktop is for (an operator may connect for another user) */
    const char *pool_id;     /* this pool's desktop of that user ... */
    const char *desktop_id;  /* ... or the console of this very desktop (then user_id may be NULL and as_admin
                                is needed) */
    const char *own_id;      /* with pool_id: this very desktop of theirs; NULL: the one used last, or a new one */
    bool another;            /* with pool_id: one more, as far as the pool allows several a person */
    const char *agent;       /* the User-Agent of the asker's program; NULL: none */
    bool is_kiosk;           /* it logged in as a kiosk, whatever its program calls itself */
    bool take_over;          /* a console ends the view of the person who works there; without: CONFLICT */
    DisplayClient client;       /* what the ticket will be for */
    StorePlace place;        /* where the click comes from, as far as it says */
    int64_t proved_ms;       /* UTC: when the person that the desktop is for showed who they are; 0: not as this call knows */
    bool as_admin;           /* skips entitlement and maintenance; the caller has checked the role */
} HostConnectRequest;

typedef struct {
    char *desktop_id; /* NULL only if pending on the template */
    char *session_id; /* NULL while pending */
    char *ticket;     /* for host_display_open, once, until expires_ms; NULL while pending */
    int64_t expires_ms;
    char *job_id; /* pending: the job that boots what is missing; ask again when it has ended. NULL: connected
                   */
} HostConnection;

void host_connection_clear(HostConnection *connection); /* frees the fields, wipes the ticket */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostConnection, host_connection_clear)

/* Entitlement, claim, desired = running, thaw, observed = running, session row, ticket: on return the
 * machine's processors run. The same user in the same pool always gets the same desktop, unless `another` is asked for, however
 * many clicks race. Where the template is not there yet or the desktop must boot, true with ret->job_id instead.
 * FORBIDDEN (not entitled, a policy's sentence, or locked after proved_ms), CONFLICT (pool disabled or in maintenance), FULL (size, memory), NO_SPACE,
 * NOT_FOUND, UNAVAILABLE (the machine did not start: its reason), TOO_MANY (too many clicks under way on this
 * host), UNSUPPORTED (not with this kind of client). */
bool host_connect(Host *host, const HostConnectRequest *request, HostConnection *ret, GError **error);

/* What is asked of images while one thing is answered, so that each is read once. One thread at a time. */
typedef struct HostImages HostImages;
HostImages *host_images(Host *host);
void host_images_free(HostImages *images);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostImages, host_images_free)

/* Whether it can be opened with an RDP client, by its image. desktop NULL: a new one of the pool. */
bool host_serves_rdp(HostImages *images, const StorePool *pool, const StoreDesktop *desktop);

/* Whether the display plan offers people this way in. display_plan_id: a policy's; NULL: the pool's. */
bool host_client_offered(Host *host, const StorePool *pool, const char *display_plan_id, DisplayClient client);

/* ---- the display ---- */

typedef struct {
    const char *ticket;
    DisplayClient client;   /* who brings it: a ticket is good for the kind that it was made for */
    const char *address; /* from where */
} HostDisplayRequest;

typedef struct {
    int fd;           /* a connected stream socket, the caller owns it. BROWSER: speaks RFB from its first byte; VV: RFB from
                         ClientInit on (RFC 6143 7.3.1); RDP: RDP */
    char *desktop_id; /* the caller frees with host_display_clear, which closes a fd that is >= 0 */
    char *session_id; /* NULL: an administrator's console */
    char *user_id;    /* who got the ticket; NULL: the local administrator */
    DisplayPacket handover; /* goes to the gateway with the descriptor */
} HostDisplay;

void host_display_clear(HostDisplay *display);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostDisplay, host_display_clear)

/* Uses the ticket up and connects to its desktop's display. NOT_FOUND: unknown, expired or used ticket (no
 * difference is shown); UNAVAILABLE: the machine is gone. The person's earlier displays of the desktop, and consoles, end and are told
 * where it was opened; a console beside a person at work is refused with CONFLICT. */
bool host_display_open(Host *host, const HostDisplayRequest *request, HostDisplay *ret, GError **error);

/* ---- sessions ---- */

/* What holds for the displays of a session. session_id NULL: a console, where everything is allowed. */
bool host_session_display(Host *host, const char *session_id, DisplayPlan *ret, GError **error);

/* Closes the viewers of this session; the desktop runs on. Idempotent. */
bool host_session_disconnect(Host *host, const char *session_id, const StoreActor *actor, GError **error);

/* Locks the session's screen (up to 25 s). UNAVAILABLE: no running desktop, or no agent. Others: its guest cannot, and says why. */
bool host_session_lock(Host *host, const char *session_id, const StoreActor *actor, GError **error);

/* The person has logged in to the portal, at proved_ms: FORBIDDEN unless that was after the session was locked. Idempotent. */
bool host_session_unlock(Host *host, const char *session_id, int64_t proved_ms, const StoreActor *actor, GError **error);

/* Asks the guest to log its user off (at most 60 s, then goes on without it), ends the session, and does with
 * the desktop what the pool says: a floating one is refreshed or released, a dedicated one stays. Returns
 * when the session has ended; the refresh comes beside. Idempotent. */
bool host_session_log_off(Host *host, const char *session_id, const StoreActor *actor, GError **error);

/* Shows a text to whoever sits in front of the session's screen; `title` says who it is from. The trail has it. UNAVAILABLE: the session
 * has no running desktop, or its guest no agent. Takes up to 15 s. */
bool host_session_show(Host *host, const char *session_id, const char *title, const char *text, GError **error);

/* Asks in the session's guest whether somebody may look on; what is answered there is in the store then (store_shadow_answer). Never
 * blocks; without an agent that can ask nothing happens. text NULL: it is answered elsewhere, or over. */
void host_session_ask(Host *host, const StoreSession *session, const char *shadow_id, const char *text);

typedef struct {
    const StoreActor *actor;
    const char *session_id;
    const char *desktop_id;
    bool control; /* else looks on only */
} HostShadowRequest;

/* A ticket for a display beside the person's own. The caller has checked that a shadow allows it. */
bool host_shadow_connect(Host *host, const HostShadowRequest *request, HostConnection *ret, GError **error);

/* ---- one desktop: each writes desired state and an event, then wakes the loop; they return before the
 * machine is there ---- */

bool host_desktop_start(Host *host, const char *desktop_id, const StoreActor *actor, GError **error);
/* Orderly: power button through the agent or ACPI, after 60 s by force. The disk is kept. CONFLICT while
 * somebody is in session, unless force. */
bool host_desktop_stop(Host *host, const char *desktop_id, bool force, const StoreActor *actor,
                       GError **error);
/* The reset button: the guest boots anew from its own disk; sessions go on. CONFLICT unless it runs. Done on
 * return. */
bool host_desktop_reset(Host *host, const char *desktop_id, const StoreActor *actor, GError **error);
/* The guest shuts down in an orderly way (after 60 s by force) and boots from its own disk; sessions go on. The id of the job that
 * ends when it is usable again; caller frees. CONFLICT unless it is to run. */
char *host_desktop_restart(Host *host, const char *desktop_id, const StoreActor *actor, GError **error);
/* Back to the image: its disk and memory are thrown away, its session ends. Also the way out of `failed`. */
bool host_desktop_refresh(Host *host, const char *desktop_id, const StoreActor *actor, GError **error);
/* The desktop belongs to nobody again (its session ends); it is refreshed, so that the next user finds
 * nothing. */
bool host_desktop_release(Host *host, const char *desktop_id, const StoreActor *actor, GError **error);
/* Gives a desktop that belongs to nobody to this user. CONFLICT: it is somebody else's, or the user has one
 * in this pool. */
bool host_desktop_assign(Host *host, const char *desktop_id, const char *user_id, const StoreActor *actor,
                         GError **error);
/* Takes it from one of its users; their session ends. It stays as it is. FLOATING pools: UNSUPPORTED, there release it.
 * NOT_FOUND: it is not theirs. */
bool host_desktop_unassign(Host *host, const char *desktop_id, const char *user_id, const StoreActor *actor,
                           GError **error);
/* In maintenance nobody gets it, and when its session ends it stays as it is for the administrator. Afterwards a floating one
 * that is nobody's is refreshed. */
bool host_desktop_set_maintenance(Host *host, const char *desktop_id, bool maintenance, const StoreActor *actor,
                                  GError **error);
/* Ends the machine and removes row and folder; the session ends. The pool may make a new one for its size. */
bool host_desktop_delete(Host *host, const char *desktop_id, const StoreActor *actor, GError **error);

/* The user disk that is plugged in there has grown in its row: QEMU and the guest follow. Does nothing where it does not run;
 * then it grows when it is next plugged in. */
bool host_home_grown(Host *host, const char *desktop_id, uint64_t bytes, GError **error);

/* Passes a window's size to the guest (1..16384). UNAVAILABLE: it does not run or has no agent. */
bool host_desktop_resize(Host *host, const char *desktop_id, unsigned width, unsigned height, GError **error);

/* The desktop's screen as PNG, at most `width` pixels wide (0: as it is), at most one second old.
 * UNAVAILABLE: it does not run. */
GBytes *host_desktop_thumbnail(Host *host, const char *desktop_id, unsigned width, GError **error);

/* For secret_seal: the VNC password of a machine that was there before Oriel. Caller frees. */
char *external_purpose(const char *name);

/* ---- quotas ---- */

/* What holds for the person that the facts are about; borrows from them. */
void host_quota_limits(const StoreQuotaFacts *facts, QuotaLimit ret[QUOTA_KINDS]);

/* ---- the host ---- */

/* For `make down` and the end of a host's service: every machine ends and nothing is lost. Desktops without
 * an owner or a session end, others are suspended (or shut down in an orderly way where that fails); the next
 * host_open resumes them. Stops reconciling first: only host_close may follow. */
bool host_stop_machines(Host *host, GError **error);

typedef struct {
    char *accelerator;       /* "kvm" or "tcg" */
    char *accelerator_why;   /* one sentence */
    char *qemu_version;      /* "7.2.22" */
    uint64_t memory_total;   /* bytes that machines may use in all: config's memory_limit, else what the host
                                can give */
    uint64_t memory_most;    /* what one machine could get if it were alone: limit, or all that is not the host's own */
    uint64_t memory_used;    /* of it, by machines now (proportional set size) */
    uint64_t memory_desktop; /* one more idle desktop's private memory, as measured here or estimated */
    uint64_t disk_total;
    uint64_t disk_free;
    uint64_t disk_floor; /* below it no new desktops are made */
    unsigned desktops_running;
    unsigned desktops_starting;
    unsigned desktops_failed;
    unsigned desktops_room; /* how many more fit into memory now */
    unsigned sessions;      /* connected or disconnected */
    unsigned waiting;       /* QEMU processes that wait for a click */
    unsigned templates_ready;
    unsigned templates_building;
    StoreHostService service;
    bool accepts_desktops; /* false: no room; says why: */
    char *problem;         /* NULL, or one sentence */
} HostStatus;

void host_status_clear(HostStatus *status);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostStatus, host_status_clear)

/* Opens this host, drains it (nothing new starts; sessions that are open go on) or puts it into maintenance (nothing starts
 * and nobody connects; what runs goes on until somebody ends it). */
bool host_set_service(Host *host, StoreHostService service, const StoreActor *actor, GError **error);

/* From memory, at most 5 s old; quick. */
bool host_status(Host *host, HostStatus *ret, GError **error);

/* State of a pool's template on this host: "waiting" (nothing is decided yet), "waiting for the image", "loading",
 * "booting", "ready" or "failed". */
typedef struct {
    char *state;
    char *job_id;    /* the build, running or last; NULL: none */
    char *error;     /* a sentence; NULL unless "failed" */
    char *waits_for; /* a sentence; NULL unless "waiting for the image" */
    uint64_t memory; /* bytes of RAM the template holds; 0 if not ready */
} HostTemplateStatus;

void host_template_status_clear(HostTemplateStatus *status);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostTemplateStatus, host_template_status_clear)

bool host_template_status(Host *host, const char *pool_id, HostTemplateStatus *ret, GError **error);
