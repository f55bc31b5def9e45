// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_keyring.h"

namespace varve::fakes {

using base::Errc;
using base::fail;
using base::Result;

template <class Body>
Result<> FakeKeyring::call(Effect effect, Body body) {
    const std::lock_guard lock(kernel_.mutex);
    TRY(faults_.enter(effect));
    if (!kernel_.there) return fail(Errc::Unsupported, "the kernel keeps no keys");
    TRY(body());
    return faults_.leave();
}

Result<> FakeKeyring::add(const std::string& name, const kernel::SecretKey& key) {
    return call(Effect::Changes, [&]() -> Result<> {
        kernel_.keys.insert_or_assign(name, key);
        return {};
    });
}

Result<> FakeKeyring::hold(const std::string& name) {
    return call(Effect::Reads, [&]() -> Result<> {
        if (!kernel_.keys.contains(name)) return fail(Errc::NotFound, "the kernel has no key '" + name + "'");
        ++kernel_.held[name];
        return {};
    });
}

void FakeKeyring::let_go(const std::string& name) {
    const std::lock_guard lock(kernel_.mutex);
    if (--kernel_.held[name] == 0) kernel_.held.erase(name);
}

Result<> FakeKeyring::remove(const std::string& name) {
    const std::lock_guard lock(kernel_.mutex);
    TRY(faults_.enter(Effect::Removes));
    kernel_.keys.erase(name);
    return faults_.leave();
}

}  // namespace varve::fakes
