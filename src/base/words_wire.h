/* Sentences that a guest's agent shows to people and knows in their language too: host and agent both take them from here, the English is
 * the key (guest/agent_words.c has the others). Constants only, no GLib, as agent_wire.h. %s: a name, or a reason. */
#pragma once

#define SAY_HELP_DESK "Help desk"
#define SAY_SOMEBODY "An administrator"
#define SAY_ALLOW "Allow"
#define SAY_REFUSE "Refuse"
#define SAY_ASK_VIEW "%s of the help desk asks to look at your screen."
#define SAY_ASK_CONTROL "%s of the help desk asks to look at your screen and work in it."
#define SAY_SEES "%s of the help desk sees this screen."
#define SAY_WORKS "%s of the help desk sees this screen and works in it."
#define SAY_NO_HOME "Your own files are not here, and what you save now will be lost: %s"
#define SAY_NOT_NAMED "The account could not be named after you: %s"
#define SAY_NOT_PUT_AWAY "Somebody else's files could not be put away: %s"
#define SAY_NO_PLACE "Language, keyboard or time zone could not be set: %s"
