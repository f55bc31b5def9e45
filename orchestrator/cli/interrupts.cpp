// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/interrupts.h"

#include <csignal>
#include <initializer_list>

namespace varve::cli {
namespace {

volatile std::sig_atomic_t caught = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): a handler reaches nothing else

void note(int /*signal*/) { caught = 1; }

}  // namespace

void catch_interrupts() {
    struct sigaction action {};
    action.sa_handler = &note;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // without SA_RESTART
    sigemptyset(&action.sa_mask);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        (void)::sigaction(signal, nullptr, &before);  // cannot fail for these signals
        if (before.sa_handler != SIG_IGN) (void)::sigaction(signal, &action, nullptr);
    }
}

bool interrupted() { return caught != 0; }

}  // namespace varve::cli
