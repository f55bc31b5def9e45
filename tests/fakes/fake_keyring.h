// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel's keys, in memory.
#pragma once

#include "drivers/kernel/keyring.h"
#include "tests/fakes/faults.h"

#include <map>
#include <mutex>
#include <string>

namespace varve::fakes {

// What the kernel has of keys: outlives the processes, not a reboot. Thread-safe.
struct FakeKeys {
    std::mutex mutex;  // over everything below
    std::map<std::string, kernel::SecretKey> keys;
    std::map<std::string, int> held;
    bool there = true;  // else every call is Unsupported
};

// Faults as in FakeDeviceMapper.
class FakeKeyring final : public kernel::Keyring {
public:
    FakeKeyring(FakeKeys& kernel, Faults& faults) : kernel_(kernel), faults_(faults) {}

    [[nodiscard]] base::Result<> add(const std::string& name, const kernel::SecretKey& key) override;
    [[nodiscard]] base::Result<> hold(const std::string& name) override;
    void let_go(const std::string& name) override;
    [[nodiscard]] base::Result<> remove(const std::string& name) override;

private:
    template <class Body>
    [[nodiscard]] base::Result<> call(Effect effect, Body body);

    FakeKeys& kernel_;
    Faults& faults_;
};

}  // namespace varve::fakes
