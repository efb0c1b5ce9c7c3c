/* Between the simulated machines and their simulated agents. */
#pragma once

#include "host/simulated.h"

/* Counts the call. false, with the error: a fault was ordered. */
bool simulated_called(const char *operation, GError **error);

typedef void (*SimulatedWord)(Machine *machine, const MachineListener *listener, void *listener_data, void *data);

/* Whoever listens to the machine of this folder hears a word. false: none runs there. */
bool simulated_tell(const char *folder, SimulatedWord word, void *data);

/* Tells of the program that the kernel's command line names: it runs, unless it is called "missing". false: it does not. */
bool simulated_application(Machine *machine, const char *append, const MachineListener *listener, void *listener_data);

/* Entries of the driver's table. */
bool simulated_show(Machine *machine, const AgentShow *what, int64_t limit_ms, GError **error);
bool simulated_resize(Machine *machine, unsigned width, unsigned height, int64_t limit_ms, GError **error);
bool simulated_ask(Machine *machine, const AgentQuestion *question, GError **error);
bool simulated_ask_end(Machine *machine, unsigned seat, const char *question, GError **error);
bool simulated_lock(Machine *machine, unsigned seat, int64_t limit_ms, GError **error);
bool simulated_unlock(Machine *machine, unsigned seat, int64_t limit_ms, GError **error);
bool simulated_seats(const Machine *machine);
int simulated_seat_display(Machine *machine, unsigned seat, GError **error);
int simulated_seat_look(Machine *machine, unsigned seat, GError **error); /* as grey as the seat's number, where somebody asks for the picture */
int simulated_tunnel(Machine *machine, unsigned number, GError **error);
