// SPDX-License-Identifier: LGPL-2.1-or-later
// What is done to volumes and VMs, told to whoever counts, logs or shows it.
#pragma once

#include "drivers/api/view.h"
#include "drivers/base/names.h"
#include "drivers/base/result.h"
#include "drivers/base/timestamp.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::engine {

struct Operation {
    std::uint64_t number = 0;  // rising from 1; this one's as long as the process lives
    std::string_view verb;     // "start", "commit", "rename VM": of the program's own words, which never go
    base::PoolName pool;
    base::VmName vm;
    std::optional<base::VolumeName> volume;  // absent: it is about the whole VM
    std::optional<std::string> to;           // of renames: the new name, "vm/volume" or "vm"
    base::Timestamp begun;
};

struct Outcome {
    std::chrono::nanoseconds took{};
    const base::Error* error = nullptr;             // nullptr: done
    std::shared_ptr<const api::VolumeView> before;  // of the volume; nullptr for none
    std::shared_ptr<const api::VolumeView> after;
};

// Called by the thread that does the operation, which holds locks: implementations only take note and return.
class OperationListener {
public:
    OperationListener() = default;
    OperationListener(const OperationListener&) = delete;
    OperationListener& operator=(const OperationListener&) = delete;
    virtual ~OperationListener() = default;
    virtual void began(const Operation& operation) = 0;
    virtual void ended(const Operation& operation, const Outcome& outcome) = 0;
};

// Operations that have passed the engine's own rules and reach the driver. Thread-safe; the listeners outlive it.
class Operations {
public:
    Operations(const base::Clock& clock, std::vector<OperationListener*> listeners) : clock_(clock), listeners_(std::move(listeners)) {}

    // Ended by the first of its calls that ends it; by its destructor as a failure, when none came.
    class Running {
    public:
        Running(const Operations& operations, Operation operation);
        ~Running();
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;

        void done(std::shared_ptr<const api::VolumeView> before = nullptr, std::shared_ptr<const api::VolumeView> after = nullptr);
        void failed(const base::Error& error);
        // Hands the result on, and ends with its error when it has one.
        template <class T>
        [[nodiscard]] base::Result<T> checked(base::Result<T> result) {
            if (!result) failed(result.error());
            return result;
        }

    private:
        void end(Outcome outcome);

        const Operations& operations_;
        Operation operation_;
        std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
        bool ended_ = false;
    };
    [[nodiscard]] std::unique_ptr<Running> begin(std::string_view verb, const base::PoolName& pool, const base::VmName& vm,
                                                 std::optional<base::VolumeName> volume = {}, std::optional<std::string> to = {});

private:
    const base::Clock& clock_;
    std::vector<OperationListener*> listeners_;
    std::atomic<std::uint64_t> last_number_ = 0;
};

}  // namespace varve::engine
