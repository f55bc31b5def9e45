// SPDX-License-Identifier: LGPL-2.1-or-later
// A xenstored for tests: speaks the wire protocol (xen/io/xs_wire.h, docs/misc/xenstore.txt) on a Unix socket, so that the real libxenstore can be
// tried without Xen. What it stores is a FakeXenStore's.
#pragma once

#include "drivers/base/unique_fd.h"
#include "tests/fakes/fake_xenstore.h"

#include <filesystem>
#include <list>
#include <thread>

namespace varve::test_support {

// Serves from its making to its end, each connection in a thread.
class Xenstored {
public:
    // XENSTORED_PATH must name `socket` for the library to find it.
    Xenstored(fakes::FakeXenStore& store, const std::filesystem::path& socket);
    ~Xenstored();
    Xenstored(const Xenstored&) = delete;
    Xenstored& operator=(const Xenstored&) = delete;

private:
    void accept_all(const std::stop_token& stop);
    void serve(int connection, const std::stop_token& stop);

    fakes::FakeXenStore& store_;
    std::filesystem::path socket_;
    base::UniqueFd listener_;
    std::jthread acceptor_;
};

}  // namespace varve::test_support
