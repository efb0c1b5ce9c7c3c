/* What the files of this room share. Nobody outside includes it.
 *
 * Locks, in the order in which they may be taken:
 *   1. a slot (slot_acquire): one worker or click at a time acts on a desktop's machine; may be held for
 * seconds
 *   2. host->lock: a leaf; guards what is marked "lock" below, never held over a call to store, driver or job
 * runner Threads: the reconcile thread (loop.c) looks and queues; workers (pool.c of GLib, bounded) act on
 * slots; callbacks of the machine thread only set flags and queue. */
#pragma once

#include "base/config.h"
#include "broker/plan.h"
#include "broker/policy.h"
#include "broker/session.h"
#include "broker/step.h"
#include "broker/value.h"
#include "host/driver.h"
#include "host/host.h"
#include "image/image.h"
#include "job/job.h"
#include "store/desktop.h"
#include "store/home.h"
#include "store/host.h"
#include "store/image.h"
#include "store/policy.h"
#include "store/pool.h"
#include "store/session.h"

typedef struct Viewers Viewers; /* host/viewers.h */
typedef struct Relay Relay;     /* host/relay.h */
typedef struct FileRoom FileRoom; /* host/transfer.c */
typedef struct LogOn LogOn;     /* host/steps.c */

/* What a machine told since somebody last looked. */
enum {
    SLOT_ENDED = 1,
    SLOT_VIEWERS = 2,
    SLOT_HELLO = 4,
    SLOT_READY = 8,
    SLOT_LOGGED_OFF = 16,
    SLOT_ACTIVITY = 64, /* somebody did something there, or locked it */
    SLOT_NOTICE = 1024, /* its guest is to show something */
    SLOT_STEPS = 512,   /* a step of a log-on is over */
    SLOT_IDLE = 256,    /* told by the loop: its power plan has something to do with an idle desktop */
    SLOT_FLOODED = 128, /* its agent says more than is read */
    SLOT_QUESTION = 4096, /* its guest is to ask something, or has answered */
    SLOT_APPLICATION = 2048, /* the one program that it shows has ended */
    SLOT_TIME_UP = 32, /* told by the loop: its session's time is over, and the next user gets this very machine */
};

typedef enum {
    GUEST_NOTHING,
    GUEST_FORKED,  /* identity, network */
    GUEST_BOOTED,  /* network: its disk knows who it is */
    GUEST_RESUMED, /* as forked, for the clock's sake */
} GuestWork;

/* A desktop in memory: a cache of nothing but what can be asked again. */
typedef struct {
    gatomicrefcount count;
    Host *host;
    char *id; /* the desktop's */

    /* lock */
    bool busy;        /* acquired */
    bool queued;      /* on its way to a worker */
    bool again;       /* somebody wanted a worker while it was busy */
    Machine *machine; /* NULL: none that we know; replaced only by who is busy with it */
    unsigned events;  /* SLOT_... */
    unsigned viewers;         /* all of them */
    unsigned machine_viewers; /* those that its machine counts; others are relays */
    GuestWork guest;       /* to be done beside the picture */
    unsigned guest_tries;  /* with this machine */
    bool agent_ready;      /* with this machine */
    bool log_on_due;       /* its guest is to be told who works there */
    bool logging_on;       /* that is under way */
    bool no_home;          /* no user disk is locked to it, as far as we know: not asked again and again */
    unsigned failures;     /* steps that failed in a row */
    int64_t retry_ms;      /* monotonic: no step before */
    bool by_job;           /* busy with a job that restarts it or makes its disk */
    int64_t up_generation; /* this machine runs, its row says so, and is of this generation; 0: not so */
    bool booted; /* this machine booted from its disk: until its agent is ready there is no desktop to see */
    int64_t running_ms;      /* monotonic: since when it runs */
    bool reserved;           /* a click made its row for itself and is about to claim it */
    bool emptying;           /* its last user, who has left in the store, may still look on: for nobody yet */
    int64_t ticket_until_ms; /* UTC: end of the newest ticket given out by this process */
    int64_t input_ms;        /* UTC: last input, as the gateway saw it or the guest says */
    int64_t input_told_ms;   /* UTC: what of it the store knows */
    bool locked, locked_told; /* what the guest says of its screen, and what of it the store knows */
    bool held, held_told;     /* whether only we unlock it, the same */
    bool screen_known;        /* this machine's guest has said so at all */
    int64_t locking_ms;      /* UTC: when it was last locked because nobody did anything */
    char *notice;            /* what; NULL: nothing */
    GPtrArray *questions;    /* of Question, to be asked in the guest or taken back; NULL: none */
    char *answered;          /* which question the guest has answered; NULL: none */
    bool answer_allows;
    unsigned displays_waiting; /* callers who wait for its guest, for a display */
    char *application_ended; /* how the one program of this machine ended last; NULL: it has not */
    LogOn *log_on;           /* the last one; NULL: none since this process began */
    uint64_t private_bytes;  /* last measured; 0: not yet */
    char *seat_of;           /* a seat's: its machine's desktop; NULL: none, or not known yet. Never changed again, as the next */
    unsigned seat;
    GPtrArray *seats;        /* a shared machine's: Slots, counted; NULL: none known */
    char *seated;            /* a seat's: the session that the guest has ready there; NULL: none */
    bool checking;           /* a machine that was there before: somebody looks at it now */
    int64_t check_ms;        /* monotonic: when that is due again; 0: at once */

    /* who is busy with it */
    GBytes *thumbnail;    /* the whole screen */
    int64_t thumbnail_ms; /* monotonic */
    GBytes *scaled;       /* made of it; NULL: not yet */
    unsigned scaled_width;
} Slot;

typedef enum {
    TEMPLATE_NONE,    /* nothing yet */
    TEMPLATE_OPENING, /* a worker opens the saved copy */
    TEMPLATE_BUILDING,
    TEMPLATE_SHARING, /* another pool's build (job_id) freezes the very same: it will be copied */
    TEMPLATE_READY,
    TEMPLATE_FAILED,
    TEMPLATE_NO_IMAGE,
} PoolTemplateState;

/* A pool's template on this host. All fields: lock. While a newer one is made, the one that is there serves
 * on. */
typedef struct {
    char *pool_id;
    Template *frozen; /* NULL: none ready */
    char *key;        /* of `frozen`: its folder's name */
    char *made_of; /* of `frozen`: image version, memory, processors; pools that want the same can copy it */
    char *version_id; /* image version of `frozen`, or that desktops boot from */
    bool boots;       /* linked or full: nothing is frozen, READY says that the image is */
    PoolTemplateState state;
    char *wanted; /* what the pool wants now; NULL: not known yet */
    char *job_id; /* of the last build */
    char *error;
    unsigned failures;
    int64_t retry_ms; /* monotonic */
} PoolTemplate;

typedef struct {
    uint64_t total;     /* MemTotal */
    uint64_t available; /* MemAvailable */
    uint64_t used;      /* private memory of machines and RAM of templates */
    uint64_t promised;  /* what machines that run are expected to take beyond what they have now */
    uint64_t desktop;   /* estimate of one more */
    uint64_t disk_total;
    uint64_t disk_free;
    int64_t measured_ms; /* monotonic; 0: never */
} Capacity;

/* All plans as they were read at one moment: never changed, only replaced. */
typedef struct {
    gatomicrefcount count;
    unsigned edition;
    GHashTable *plans;   /* id → Plan */
    GPtrArray *policies; /* Policy, in their order */
    GPtrArray *problems; /* sentences: what in the store cannot be read, and so does nothing */
} PlanBook;

struct Host {
    const Config *config;
    Store *store;
    JobRunner *jobs;
    const HostDriver *driver;
    Hypervisor *hypervisor;
    DriverAbout about;
    char *id;
    char *name;     /* of the host's row */
    char *desktops; /* folders */
    char *templates;
    char *images;
    int lock_fd;
    GThread *loop;
    GThreadPool *workers; /* of Slot */
    GThreadPool *checkers; /* of Slot: machines that were there before are looked at */
    GThreadPool *log_ons; /* of Slot: guests take their time, and nobody else may wait for them */
    GThreadPool *openers; /* of TemplateOrder: saved templates are loaded beside everything else */
    unsigned watch;       /* handle of store_subscribe */
    GHashTable *file_rooms;   /* lock; session id → FileRoom */
    GHashTable *rdp_versions; /* lock; image version id → whether it serves RDP */
    Viewers *viewers;     /* who looks at its desktops */

    GMutex lock;
    GCond changed; /* lock: a slot was released, wake or ending was set, a template or agent became ready */
    bool wake;     /* lock */
    bool ending;   /* lock: no new work */
    bool paused;   /* lock: host_stop_machines: no steps any more */
    GHashTable *slots;        /* lock: id → Slot */
    GHashTable *templates_of; /* lock: pool id → PoolTemplate */
    Capacity capacity;        /* lock */
    uint64_t copying;         /* lock: bytes that copies of disks have yet to write */
    unsigned thawing;         /* lock: forks, boots and resumes under way */
    unsigned thaws_queued;    /* lock: callers that wait for their turn */
    StoreHostService service; /* lock: as this host's row says */
    char *problem;            /* lock: what keeps the loop from its work, NULL: nothing */
    GPtrArray *relays;        /* lock: of Relay, each of its own thread */
    unsigned relay_threads;   /* lock */
    unsigned displays_waiting; /* lock: for guests */
    PlanBook *plans;          /* lock: NULL: not read yet */
    unsigned plans_edition;   /* lock: raised by every change of a plan */
    int64_t plans_due_ms;     /* loop thread: UTC, when a plan's time may be over */
    unsigned plans_followed;  /* loop thread: the edition that was last followed */
    int policies_dirty;       /* atomic: what was decided for open sessions may be otherwise now */
    int64_t policies_minute;  /* loop thread: UTC, of the last look by the clock */
    int64_t sessions_due_ms;  /* loop thread: UTC, when a session's time limit may be over */
    GHashTable
        *unwanted; /* loop thread: names of template folders that nothing wanted at the last collection */
};

/* One desktop's row and pool, as read by who is busy with its slot. */
typedef struct {
    Host *host;
    Slot *slot;
    StoreDesktop *row;
    StorePool *pool;
    Job *job; /* whose work this is, with its progress; NULL: a worker's or a click's. Borrowed */
} Work;

void work_clear(Work *work);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Work, work_clear)

/* ---- sample.c ---- */
typedef struct {
    uint64_t all; /* of all processors; 0: never looked */
    uint64_t idle;
} ProcessorTicks;

typedef struct {
    ProcessorTicks ticks;
    int64_t thinned_ms; /* monotonic */
} Sampler;

int sample_processor(const char *text, ProcessorTicks *last); /* percent busy since the last look; -1: not known */
void sample_pass(Host *host, Sampler *sampler);

/* ---- quota.c ---- */
bool host_quota_judge(const StoreQuotaFacts *facts, GError **error); /* a StoreQuotaJudge */

/* ---- slot.c ---- */
Slot *slot_of(Host *host, const char *id);   /* finds or makes it; the caller unrefs */
Slot *slot_find(Host *host, const char *id); /* NULL: none */
GPtrArray *slot_list(Host *host);            /* all, counted */
Slot *slot_ref(Slot *slot);
void slot_unref(Slot *slot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Slot, slot_unref)
bool slot_try(Slot *slot); /* acquire if nobody has it */
/* As slot_acquire, but ends early with *ret_up where somebody else has brought this generation up meanwhile:
 * then it is not acquired. */
bool slot_acquire_unless_up(Slot *slot, int64_t generation, int64_t limit_ms, bool *ret_up, GError **error);
void slot_tell_job(Slot *slot, bool by_job); /* who is busy with it is a job that takes long: whoever wants it up shall not wait here */
void slot_tell_up(Slot *slot, int64_t generation);               /* 0: it is about to go down */
bool slot_acquire(Slot *slot, int64_t limit_ms, GError **error); /* TIMEOUT */
void slot_release(Slot *slot);
void slot_queue(Slot *slot);       /* a worker shall look at it */
void slot_forget(Slot *slot);      /* out of the table: its row is gone */
Machine *slot_machine(Slot *slot); /* counted; NULL: none, or it has ended */
void slot_release_machine(Host *host, Machine *machine);
/* Takes the machine over (NULL: none any more); `guest` is what is to be done with it beside the picture. */
void slot_set_machine(Slot *slot, Machine *machine, GuestWork guest);
char *slot_folder(const Slot *slot);
void slot_succeeded(Slot *slot);
void slot_failed(Slot *slot); /* the next step waits for its back-off */
void slot_put_off(Slot *slot, int64_t pause_ms); /* no next step by itself before that */
/* Somebody waits for its boot: their session is not taken for one that nobody came to. */
void slot_hold_session(Slot *slot);
void slot_reserve(Host *host, const char *id, bool reserved);
bool slot_is_reserved(Host *host, const char *id); /* or emptying */
void slot_tell_emptying(Slot *slot, bool emptying);
void slot_tell_time_up(Slot *slot);
void slot_tell_idle(Slot *slot);
void slot_tell_input(Slot *slot, int64_t input_ms); /* UTC; what is older than the newest changes nothing */
void slot_tell_locked(Slot *slot, bool locked, bool held);
void slot_tell_notice(Slot *slot, char *text); /* takes it; the last one counts */
void slot_event_locked(Slot *slot, unsigned event); /* with the lock held */
void slot_tell_viewers(Slot *slot, unsigned viewers);
void slot_tell_viewers_again(Slot *slot); /* as many, but perhaps other ones */

/* ---- values.c ---- */
BrokerPool values_pool(const StorePool *pool); /* borrows from pool */
BrokerDesktop values_desktop(const StoreDesktop *row);
SessionFacts values_session(const StoreSession *session, Slot *slot); /* slot NULL: as the store knows it */
StoreAfter values_after(DesktopFate fate);

/* ---- work.c ---- */
bool work_load(Work *work, Host *host, Slot *slot, GError **error);
DesktopStep work_next(const Work *work);
/* Does one step. On failure the row says failed, with the reason. */
bool work_do(Work *work, DesktopStep step, GError **error);
/* Whether this step has to wait until the host is open again: it would start a machine. A click does not ask. */
bool work_is_held(Host *host, DesktopStep step);
void work_run(Slot *slot); /* a worker's whole visit */
bool work_observe(const Work *work, StoreObserved observed, const char *sentence, GError **error);
bool work_end(Work *work, GError **error); /* kills its machine */
bool work_shut_down(Work *work, GError **error); /* in an orderly way, after a minute by force */

/* ---- thaw.c ---- */
bool thaw_fork(Work *work, GError **error);
bool thaw_resume(Work *work, GError **error);
bool thaw_boot(Work *work, GError **error);
char *thaw_machine_id_new(void);
bool thaw_suspend(Work *work, GError **error); /* the other direction; for host_stop_machines */
bool thaw_is_suspended(const Slot *slot);
/* What a crash between two file operations of resume may have left: see thaw.c. */
void thaw_tidy(const Slot *slot, bool alive);

/* ---- make.c ---- */
bool make_step(Work *work, GError **error);     /* at once where it is quick, else the job that does it */
bool make_and_boot(Work *work, GError **error);

/* ---- adopt.c ---- */
bool adopt_all(Host *host, GError **error); /* every folder; waits for all */
void adopt_slot(
    Slot *slot,
    const StoreDesktop *row); /* the caller is busy with it; it has a machine then, or none runs */

/* ---- guest.c ---- */
void guest_prepare(Work *work); /* what slot->guest says */
/* Plugs it in where somebody looks at the desktop: a spare does not start a program for nobody. */
void guest_clipboard(Work *work);

/* ---- home.c ---- */
/* The user disk of whoever works here, locked and plugged in. NULL: none, and *ret_warning says why if there should be one (a
 * sentence; caller frees). The caller is not busy with the slot: this may wait until somebody has left elsewhere. */
StoreHome *home_attach(Work *work, Machine *machine, const char *user_id, char **ret_warning);
void home_mounted(const Work *work, const StoreHome *home);
/* The guest has let go of it, or is asked to if `ask`: unplugs and unlocks. true: there is none any more. */
bool home_put_away(Work *work, bool ask);
/* Its machine is gone and not asleep: unlocks. Also puts away a disk whose person has left. */
void home_settle(Work *work);
char *home_path_of_desktop(const Work *work, GError **error); /* of a disk that was plugged when it was suspended */
void home_pass(Host *host); /* locks without a desktop, and files to be deleted */

/* ---- log_on.c ---- */
void log_on_wanted(Slot *slot); /* a person comes, or the guest has just come up */
void log_on_start(Work *work);  /* if it is due: on a thread of its own */
void log_on_run(gpointer slot, gpointer host); /* that thread; takes the slot's reference over */
bool log_on_is_running(Slot *slot);

/* ---- seat.c ---- */
void seat_register(Host *host, const StoreDesktop *row); /* nothing where it is no seat */
bool seat_is(Slot *slot);
Slot *seat_machine_locked(Slot *slot); /* with the lock: whose machine works for it: itself, but for a seat. Borrowed; may be NULL */
/* The machine whose agent is to be asked, and for which seat (0: the desktop itself). Counted; NULL: none listens. */
Machine *seat_guest(Slot *slot, unsigned *ret_seat);
Slot *seat_find(Slot *machine, unsigned seat); /* counted; NULL: none */
void seats_log_on_wanted(Slot *machine);
bool seats_check(Work *machine); /* false: it is to be shared, but its guest cannot seat people, which its row says from now on */
/* All who sit there; again and again until none does. *ret_some: there were some. */
bool seats_end(Work *machine, SessionEvent event, bool *ret_some, GError **error);
bool seats_leave(Host *host, const StoreDesktop *machine, const StoreActor *actor, const char *reason, GError **error); /* as an administrator wants it */
bool seat_forbid(const StoreDesktop *row, const char *what, GError **error); /* what is for machines; what: "restart" */
void seat_tell_seated(Slot *slot, const char *session_id); /* NULL: nobody */
int seat_display(Slot *slot, const StoreTicket *ticket, DisplayClient client, GError **error); /* as external_display */
GBytes *seat_picture(Slot *slot, GError **error); /* PNG of its screen, past whoever looks at it */

/* ---- event.c ---- */
extern const MachineListener event_listener; /* data: Slot */
void event_handle(Work *work, unsigned events);
/* The machine is gone and nobody asked for it. */
bool event_died(Work *work, GError **error);

/* ---- steps.c ---- */
void steps_begin(Slot *slot, const char *session_id, int64_t click_us); /* a click has its session; times are monotonic */
void steps_next(Slot *slot, const char *name, int64_t end_us);  /* a step on the way to the picture, from the last one's end */
void steps_opened(Slot *slot);                                  /* the client came with its ticket */
void steps_seen(Slot *slot);                                    /* and has its picture */
void steps_beside(Slot *slot, const char *name, int64_t from_us); /* one that the picture does not wait for, until now */
void steps_logged_on(Slot *slot);                               /* the guest says so */
void steps_write(Work *work);
void steps_free(LogOn *log_on);

/* ---- session.c ---- */
bool session_apply(Host *host, const StoreSession *session, const SessionVerdict *verdict, GError **error);
bool session_tell(Work *work, SessionEvent event,
                  GError **error);               /* the desktop's session, if there is one */
bool session_time_up(Work *work, GError **error); /* its time may be over */
/* It is locked, but its guest says that it is open: locked once more, or else nobody looks at it. */
void session_lock_again(Work *work);
/* question.c */
void slot_tell_answer(Slot *slot, const char *question, bool allow); /* the last one counts */
void question_handle(Work *work);

void session_show_notice(Work *work); /* what slot_tell_notice said; without an agent it is only logged */
bool session_disconnect_idle(Work *work, GError **error); /* nobody does anything: the picture goes, the programs stay */
/* Whoever looks at this desktop is put out; the session's state is not asked. */
bool session_viewers_out(Host *host, const char *desktop_id, GError **error);
void session_pass(Host *host, GHashTable *rows); /* time limits; rows: id → StoreDesktop */

/* ---- template.c ---- */
typedef struct {
    Host *host;
    char *pool_id;
    char *pool_name;
    char *made_of; /* as in PoolTemplate */
    char *key;     /* name of the folder */
    char *version_id;
    uint64_t memory;
    unsigned vcpus;
    char *application; /* of the pool; "": none */
    bool answered; /* pool_template_done was called */
} TemplateOrder;

void template_order_free(TemplateOrder *order); /* unanswered: answers that it was cancelled */
/* The end of an order: takes `frozen` over (NULL: failed, with error). */
void pool_template_done(TemplateOrder *order, Template *frozen, const GError *error);

void template_open_saved(
    TemplateOrder *order); /* takes it over: the saved copy, else a job that boots the image */

void pool_template_free(PoolTemplate *entry);
/* The pool's template and the image version it was made of. NULL: not ready. Caller releases and frees. */
Template *pool_template_get(Host *host, const char *pool_id, char **ret_version_id);
bool pool_template_is_ready(Host *host, const char *pool_id);
/* The image version that new desktops of the pool are made of on this host. NULL: not ready. Caller frees. */
char *pool_version_get(Host *host, const char *pool_id);
/* Whether a desktop made of this template, or with this image version (where key is NULL), is as a new one
 * would be. True where no template is ready: nothing better is there. */
bool pool_template_fits(Host *host, const char *pool_id, const char *key, const char *version_id);
void pool_template_follow(Host *host, const StorePool *pool);
void pool_template_sweep(Host *host, GHashTable *pools); /* pools: id → StorePool: others are gone */
void pool_template_keep_waiting(Host *host, const StorePool *pool, unsigned wanted);
void pool_template_lost(Host *host, const char *pool_id, const GError *why); /* a fork says it is corrupt */

/* Waits while it is being loaded. True: *ret_job_id NULL: ready; else the job that boots it. UNAVAILABLE: why
 * there is none. */
bool pool_template_await(Host *host, const StorePool *pool, char **ret_job_id, GError **error);

/* ---- template_build.c ---- */
bool template_build(Job *job, void *order, GError **error); /* a JobFunction */
Image *host_image(Host *host, const char *version_id, GError **error);

/* ---- pool.c ---- */
void pool_pass(Host *host, GHashTable *pools, GPtrArray *rows);

/* ---- plan.c ---- */
/* What holds for somebody in a pool; all borrowed from the book. NULL: the pool's own ways. */
typedef struct {
    PlanBook *book;
    const PowerPlan *power;
    const ReleasePlan *release;
    const DisplayPlan *display;
} PlanChoice;
void plan_choice_clear(PlanChoice *choice);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PlanChoice, plan_choice_clear)
PlanBook *plan_book(Host *host); /* counted; NULL: the store has not answered yet */
void plan_book_release(PlanBook *book);
void plan_book_outdated(Host *host); /* read them again when they are next needed */
/* choice: what policies decided; NULL: nothing. */
PlanChoice plan_choose(Host *host, const StorePool *pool, const StoreChoice *choice);
/* values_pool as the release plan makes it that holds on this desktop. Fails where that cannot be read: nothing may then be done
 * in its place. */
bool plan_values(Host *host, const StorePool *pool, const StoreDesktop *row, BrokerPool *ret, GError **error);
unsigned plan_spares(Host *host, const StorePool *pool, unsigned own);
bool plan_rest_idle(Work *work, GError **error); /* what the power plan does with a desktop whose user is connected but away */
/* Power and release of desktops that nobody looks at; when to come again (UTC; 0: never). */
int64_t plan_pass(Host *host, GHashTable *rows, GHashTable *pools);

/* ---- policy.c ---- */
GPtrArray *policy_book_read(Host *host, GError **error); /* Policy, in their order */

/* ---- choice.c ---- */
/* What policies decided for the last session of this desktop; *ret NULL: nothing. Where it fails, the pool's plans must not be
 * taken instead. */
bool choice_find(Host *host, const char *desktop_id, StoreChoice **ret, GError **error);
GHashTable *choice_table(Host *host); /* desktop id → StoreChoice, of this host; NULL where it cannot be read now */
/* FORBIDDEN: a policy does not let this ticket's user in any more, from there. UNSUPPORTED: as client_check_plan. Then nothing has changed. */
bool choice_check_ticket(Host *host, const StoreTicket *ticket, const HostDisplayRequest *request, GError **error);
/* Decides anew for sessions that are open, where something has changed. rows: id → StoreDesktop. */
void choice_pass(Host *host, GHashTable *rows);

/* ---- capacity.c ---- */
void capacity_measure(Host *host);
bool capacity_admit(Host *host, uint64_t need, const char *what, GError **error); /* memory and disk */
uint64_t capacity_of_fork(Host *host, uint64_t guest_memory);
uint64_t capacity_of_new(Host *host, const StorePool *pool); /* one more desktop of it */
unsigned capacity_room(Host *host, const StorePool *pool);
/* The room that a copy has yet to take: nobody else is given it. Of one thread. */
typedef struct {
    Host *host; /* NULL: none is held */
    uint64_t bytes;
    uint64_t left;
} CopyRoom;
/* NO_SPACE unless a file of this size fits beside what must stay free and what other copies have yet to take. */
bool capacity_copy_begin(Host *host, uint64_t bytes, const char *desktop, CopyRoom *ret, GError **error);
void capacity_copy_wrote(CopyRoom *room, uint64_t done, uint64_t total);
void capacity_copy_end(CopyRoom *room);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CopyRoom, capacity_copy_end)
/* Takes a turn: only so many machines start at once. TOO_MANY. */
bool capacity_turn_begin(Host *host, GError **error);
void capacity_turn_end(Host *host);

/* ---- collect.c ---- */
bool collect_is_backing(Host *host, const char *template_folder); /* some desktop's disk rests on it */
bool collect_retire(Host *host, const char *template_folder,
                    GError **error); /* keeps only a disk that is needed */
void collect_pass(Host *host);       /* folders that nothing names */

/* ---- loop.c ---- */
void *loop_main(void *host);
bool loop_beat(Host *host, GError **error); /* this host's row */

/* ---- service.c ---- */
StoreHostService host_service(Host *host);
bool service_read(Host *host, GError **error); /* from this host's row */
/* UNAVAILABLE, with what to do, unless this host takes the click; in_session: one of the user's open sessions. */
bool service_check(Host *host, bool in_session, GError **error);

/* ---- external.c ---- */
void external_pass(Host *host, GHashTable *rows); /* queues a look at those that are due */
void external_check(Slot *slot);                  /* the look */
/* The job that wakes it, where it can be woken, and ends when it lets us in; its id. */
char *external_wake(Host *host, const StoreDesktop *row, const StoreActor *actor, GError **error);
int external_display(Slot *slot, const StoreDesktop *row, DisplayClient client, GError **error); /* as HostDisplay.fd; -1 */
/* false with UNSUPPORTED for a machine that was there before; what: "start", "refresh". */
bool external_refuse(const StoreDesktop *row, const char *what, GError **error);

/* ---- client.c ---- */
char *client_ticket_hash(DisplayClient kind, const char *ticket);
int64_t client_ticket_ms(DisplayClient kind);
bool client_check(Host *host, DisplayClient kind, const StoreDesktop *row, GError **error); /* UNSUPPORTED: another kind is needed */
/* Makes the rules such as can be held over this kind. UNSUPPORTED: what RDP carries nobody here looks into. */
bool client_bind_rules(DisplayClient kind, DisplayRules *rules, GError **error);
/* The same of the plan that will hold for this session. display_plan_id: a policy's; NULL: the pool's. */
bool client_check_plan(Host *host, DisplayClient kind, const StoreSession *session, const char *display_plan_id, GError **error);
/* fd: a machine's display that has said nothing yet; afterwards as HostDisplay.fd. */
bool client_let_in(DisplayClient kind, int fd, GError **error);

/* ---- tunnel.c ---- */
/* A connected socket to what this tunnel leads to in the guest (base/tunnel_wire.h), plugged in for it; whoever had the number
 * before sees an end. The caller's, and it needs no orield any more. -1: UNAVAILABLE or TIMEOUT: not now; UNSUPPORTED: an image whose
 * agent serves none. The caller need not be busy with the slot; waits for the agent for a moment. */
int tunnel_connect(Slot *slot, unsigned number, GError **error);

/* ---- transfer.c ---- */
GHashTable *file_rooms_new(void);
void transfer_pass(Host *host);      /* closes what nothing uses any more */
void transfer_close_all(Host *host); /* nobody asks any more */

/* ---- display.c ---- */
/* One more who waits for what a guest does, so that a display can be opened; UNAVAILABLE: enough do, of this desktop or in all. */
bool display_wait_begin(Slot *slot, GError **error);
void display_wait_end(Slot *slot);

/* ---- relay.c ---- */
/* Takes machine; our viewer's end, or -1. rfb: the viewer is let in first, without a password. */
int relay_start(Slot *slot, int machine, bool rfb, GError **error);
void relay_pump(int machine, int viewer); /* until either has gone; for tests */
void relay_end(Host *host, const Slot *slot);             /* puts out its viewers; slot NULL: everybody's */
unsigned relay_count_locked(const Host *host, const Slot *slot);
bool relay_is_open(Slot *slot);
void relay_close_all(Host *host); /* and waits for their threads */

/* ---- thumbnail.c ---- */
/* A smaller PNG, at most `width` pixels wide; `png` itself if it is not wider. One at a time.
 * CORRUPT: damaged; TOO_LARGE: more pixels than this is worth, which is not decoded. */
GBytes *thumbnail_scale(GBytes *png, unsigned width, GError **error);

/* ---- start_job.c ---- */
bool start_is_booting(Slot *slot); /* it runs, but whoever connects now would see a boot */
/* The job that boots this desktop and waits until it is usable; its id. */
char *start_job(Host *host, const StoreDesktop *row, const StoreActor *actor, GError **error);
/* The one that makes its disk first; the same one where it runs already. */
char *make_job(Host *host, const StoreDesktop *row, const StoreActor *actor, GError **error);
/* The job that is making its disk, or restarts it: whoever comes waits for it. NULL: none. Caller frees. */
char *start_job_pending(Host *host, const char *desktop_id);
bool make_is_under_way(Host *host, const char *desktop_id);
