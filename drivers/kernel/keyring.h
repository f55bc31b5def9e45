// SPDX-License-Identifier: LGPL-2.1-or-later
// Keys that the kernel keeps, as a port: the real one (kernel_keyring.h), and in tests one in memory (tests/fakes/fake_keyring.h). A
// device-mapper table can name such a key instead of holding its bytes: then nobody can read it back, root neither.
#pragma once

#include "drivers/base/result.h"
#include "drivers/kernel/secret.h"

#include <string>
#include <utility>

namespace varve::kernel {

// Keys of type "logon" (Documentation/security/keys/core.rst: a program can never read them). They outlive the process, not a reboot. Names are
// "varve:<rest>" without blanks. Errors: Unsupported when the kernel has no keyrings, Denied when this process may not use them. Thread-safe.
class Keyring {
public:
    virtual ~Keyring() = default;
    Keyring() = default;
    Keyring(const Keyring&) = delete;
    Keyring& operator=(const Keyring&) = delete;

    // Gives the kernel a key, in place of the one that has this name.
    [[nodiscard]] virtual base::Result<> add(const std::string& name, const SecretKey& key) = 0;
    // From now on tables that the calling thread loads can name it. NotFound when there is none.
    [[nodiscard]] virtual base::Result<> hold(const std::string& name) = 0;
    // The same thread's end of that.
    virtual void let_go(const std::string& name) = 0;
    // Destroys it: the kernel overwrites its bytes. Devices whose table has named it keep their copy. Success when there is none.
    [[nodiscard]] virtual base::Result<> remove(const std::string& name) = 0;
};

// Holds a key for the thread that made it.
class HeldKey {
public:
    [[nodiscard]] static base::Result<HeldKey> hold(Keyring& keyring, std::string name) {
        TRY(keyring.hold(name));
        return HeldKey(keyring, std::move(name));
    }
    ~HeldKey() {
        if (keyring_ != nullptr) keyring_->let_go(name_);
    }
    HeldKey(HeldKey&& other) noexcept : keyring_(std::exchange(other.keyring_, nullptr)), name_(std::move(other.name_)) {}
    HeldKey& operator=(HeldKey&&) = delete;
    HeldKey(const HeldKey&) = delete;
    HeldKey& operator=(const HeldKey&) = delete;

private:
    HeldKey(Keyring& keyring, std::string name) : keyring_(&keyring), name_(std::move(name)) {}
    Keyring* keyring_;
    std::string name_;
};

}  // namespace varve::kernel
