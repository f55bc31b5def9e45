// SPDX-License-Identifier: LGPL-2.1-or-later
// Xen's small shared tree of keys, as a port.
#pragma once

#include "orchestrator/xenstore/path.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::xenstore {

enum class Access { None, Read, Write, ReadWrite };

// The owner, and the control domain, may do everything.
struct Permissions {
    DomainId owner;
    Access others = Access::None;
    std::vector<std::pair<DomainId, Access>> domains = {};
    friend bool operator==(const Permissions&, const Permissions&) = default;
};

// What can be done alone and in a transaction. Values are bytes; what a guest may write is hostile, and at most 4,096 bytes.
class Tree {
public:
    Tree() = default;
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    virtual ~Tree() = default;

    [[nodiscard]] virtual base::Result<std::string> read(const Path& path) = 0;  // NotFound
    // The names right below, in no order; NotFound.
    [[nodiscard]] virtual base::Result<std::vector<std::string>> list(const Path& path) = 0;
    // Makes what is missing above; a new key has the permissions of the one above it.
    [[nodiscard]] virtual base::Result<> write(const Path& path, std::string_view value) = 0;
    [[nodiscard]] virtual base::Result<> ensure_directory(const Path& path) = 0;
    [[nodiscard]] virtual base::Result<> ensure_removed(const Path& path) = 0;  // with all below
    [[nodiscard]] virtual base::Result<> set_permissions(const Path& path, const Permissions& permissions) = 0;
};

// Ends with this object. For one thread at a time.
class Watch {
public:
    Watch() = default;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    virtual ~Watch() = default;

    // True as soon as something at or below the path has changed since the last call; the first call is always true. False when the time passed.
    [[nodiscard]] virtual base::Result<bool> wait(std::chrono::milliseconds longest) = 0;
};

// Thread-safe. Errors besides those named: Denied; Io when xenstored went away, which it never survives.
class XenStore : public Tree {
public:
    using Steps = std::function<base::Result<>(Tree&)>;

    // All of the steps or nothing. They run again when somebody else changed what they saw, up to `most_tries` times; then Busy. An error of a step
    // ends it with nothing changed.
    [[nodiscard]] base::Result<> transact(const Steps& steps);
    static constexpr int most_tries = 100;

    [[nodiscard]] virtual base::Result<std::unique_ptr<Watch>> watch(const Path& path) = 0;

private:
    // False: somebody came between.
    [[nodiscard]] virtual base::Result<bool> try_transaction(const Steps& steps) = 0;
};

}  // namespace varve::xenstore
