// SPDX-License-Identifier: LGPL-2.1-or-later
// The port's real version: add_key(2) and keyctl(2).
#pragma once

#include "drivers/kernel/keyring.h"

namespace varve::kernel {

// Keys stand in root's user keyring, so that the next process finds them; a thread that holds one has it in its own keyring too, since
// device-mapper looks for it there (request_key in crypt_set_keyring_key, drivers/md/dm-crypt.c), and the user keyring is not searched where
// a service has a session keyring of its own. Stateless.
class KernelKeyring final : public Keyring {
public:
    [[nodiscard]] base::Result<> add(const std::string& name, const SecretKey& key) override;
    [[nodiscard]] base::Result<> hold(const std::string& name) override;
    void let_go(const std::string& name) override;
    [[nodiscard]] base::Result<> remove(const std::string& name) override;
};

}  // namespace varve::kernel
