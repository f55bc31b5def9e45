// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/interrupts.h"

#include <csignal>
#include <initializer_list>

namespace varve::cli {
namespace {

volatile std::sig_atomic_t caught = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): a handler reaches nothing else

void note(int /*signal*/) { caught = 1; }

// A terminal that goes hangs up more than once: the shell passes its own hangup on, and the kernel tells of the shell's end. Nobody insists by that,
// and the second must not interrupt what undoes the work either.
void note_hangup(int /*signal*/) {
    caught = 1;
    (void)::signal(SIGHUP, SIG_IGN);  // cannot fail for this signal
}

}  // namespace

void catch_interrupts() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action {};
        action.sa_handler = signal == SIGHUP ? &note_hangup : &note;
        action.sa_flags = signal == SIGHUP ? 0 : static_cast<int>(SA_RESETHAND);  // without SA_RESTART
        sigemptyset(&action.sa_mask);
        struct sigaction before {};
        (void)::sigaction(signal, nullptr, &before);  // cannot fail for these signals
        if (before.sa_handler != SIG_IGN) (void)::sigaction(signal, &action, nullptr);
    }
}

bool interrupted() { return caught != 0; }

}  // namespace varve::cli
