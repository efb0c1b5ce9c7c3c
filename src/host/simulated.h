/* Machines that are only rows in a table and files in folders, behind the same interface as real ones: for
 * tests of faults and of scale. They live in this process but apart from any Host, so that closing a host and
 * opening it again is a restart of orield with machines that went on running. One simulation for each
 * process; any thread. */
#pragma once

#include "base/error.h"
#include "host/driver.h"

const HostDriver *host_driver_simulated(void);

/* Forgets all machines and faults. No host may be open. */
void simulated_reset(void);

/* The next `times` calls of this entry of the table ("fork", "start", "identity", ...) fail in this way. */
void simulated_fail(const char *operation, OrielErrorKind kind, unsigned times);

/* At the next call of this entry, once and before it does anything, `visit` is called on the caller's thread: what comes
 * between two instructions of somebody else. */
void simulated_visit(const char *operation, void (*visit)(void *data), void *data);

/* How often this entry was called. */
unsigned simulated_calls(const char *operation);

/* How many machines run; the most that ever ran in one folder at once is checked inside (a second one is a
 * bug and aborts). */
unsigned simulated_running(void);
bool simulated_runs(const char *folder);

/* What happens to machines without anybody asking. false: none runs in this folder. */
bool simulated_die(const char *folder, MachineEnd end);
bool simulated_pause(const char *folder); /* as a fork that was cut off before its processors ran */
const char *simulated_folder(const Machine *machine); /* lives as long as it */
bool simulated_set_viewers(const char *folder, unsigned viewers);
bool simulated_guest_logs_off(const char *folder);
bool simulated_guest_answers(const char *folder, const char *question, bool allow);
bool simulated_seat_logs_off(const char *folder, unsigned seat);
bool simulated_guest_is(const char *folder, int64_t idle_ms, bool locked); /* what its agent tells */
