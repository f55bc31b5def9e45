// SPDX-License-Identifier: LGPL-2.1-or-later
// What an open file of the kernel is to us.
#pragma once

#include "drivers/base/unique_fd.h"
#include "fs/engine/image_io.h"
#include "fs/engine/scratch_file.h"
#include "fs/engine/transaction.h"
#include "fs/fuse/node_table.h"
#include "fs/fuse/tree.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace varve::fuse {

// A state, read-only: the descriptor shows it whatever becomes of its name.
struct StateHandle {
    base::UniqueFd fd;
    base::Bytes size;

    [[nodiscard]] engine::Readable readable() const { return {fd.get(), size}; }
};
// A volatile volume: always empty.
struct EmptyHandle {};
// `writes` handles keep the transaction open; others only look.
struct TransactionHandle {
    std::shared_ptr<engine::Transaction> transaction;
    bool writes;
};
struct ScratchHandle {
    engine::VmPtr vm;
    std::shared_ptr<engine::ScratchFile> file;
    bool writes;
};
// The text of a value when it was opened; a write replaces the value.
struct ValueHandle {
    control::Place place;
    std::string name;
    std::string text;
};
// `ctl`: a write runs a command, reads return its reply. With direct I/O a read after a write continues at the write's offset, so reads
// have a cursor of their own.
struct CommandHandle {
    control::Place place;
    std::mutex mutex;
    std::string reply;
    std::size_t cursor = 0;
};

// `events`.
struct EventsHandle {
    std::mutex mutex;
    std::int64_t shift = 0;     // of the log's places against this file's offsets
    std::uint64_t line = 0;     // lines before what is read next
    std::uint64_t read_to = 0;  // the log's place
    std::uint64_t waiter = 0;   // of poll(2)
};

using OpenFile = std::variant<StateHandle, EmptyHandle, TransactionHandle, ScratchHandle, ValueHandle, std::unique_ptr<CommandHandle>,
                              std::unique_ptr<EventsHandle>>;

struct Handle {
    NodeId node;
    NodePtr what;
    OpenFile file;
    // The last thread that wrote and its process: reading /proc for every write would cost more than the write.
    std::atomic<std::uint64_t> last_writer = 0;
};

// An open directory: its entries when it was opened.
struct DirectoryHandle {
    NodePtr directory;
    std::vector<Listed> entries;
};

}  // namespace varve::fuse
