// SPDX-License-Identifier: LGPL-2.1-or-later
// The bytes of one state, session or private image: a file in memory.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/timestamp.h"
#include "drivers/base/unique_fd.h"
#include "drivers/base/units.h"

#include <cstdint>
#include <filesystem>
#include <memory>

namespace varve::sim {

class Content {
public:
    // Zeroed, taking no memory yet. `number` tells it from all others of its disk. TooLarge for a size no file can have.
    [[nodiscard]] static base::Result<std::shared_ptr<Content>> make(std::uint64_t number, base::Bytes size);
    // With the data and size of an open file.
    [[nodiscard]] static base::Result<std::shared_ptr<Content>> copy_of(std::uint64_t number, int file);

    struct Facts {
        base::Bytes size;
        base::Bytes allocated;
        base::Timestamp modified;  // the last write, or set_modified since
    };
    [[nodiscard]] Facts facts() const;
    [[nodiscard]] std::uint64_t number() const { return number_; }
    [[nodiscard]] int fd() const { return fd_.get(); }

    [[nodiscard]] base::Result<> set_size(base::Bytes size);
    void set_modified(base::Timestamp time);

    // A new open file description; `flags` are O_RDONLY or O_RDWR.
    [[nodiscard]] base::Result<base::UniqueFd> open(int flags) const;
    // Where this and other processes can open it for as long as it lives.
    [[nodiscard]] std::filesystem::path path() const;

private:
    Content(std::uint64_t number, base::UniqueFd fd) : number_(number), fd_(std::move(fd)) {}

    std::uint64_t number_;
    base::UniqueFd fd_;
};

// Copies the data of `length` bytes, and only data: where `from` has holes, nothing is written unless `to` has data there.
[[nodiscard]] base::Result<> copy_sparse(int from, std::uint64_t from_offset, int to, std::uint64_t to_offset, std::uint64_t length);

}  // namespace varve::sim
