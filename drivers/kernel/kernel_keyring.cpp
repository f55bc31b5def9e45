// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/kernel_keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace varve::kernel {
namespace {

using base::Errc;
using base::fail;
using base::Result;

using Serial = int;  // key_serial_t of libkeyutils
constexpr const char* logon = "logon";

bool is_no_key(int number) { return number == ENOKEY || number == EKEYREVOKED || number == EKEYEXPIRED; }

base::Failure keyring_failure(int number, const std::string& what) {
    if (number == ENOSYS || number == EOPNOTSUPP || number == ENODEV)
        return fail(Errc::Unsupported, what + ": the kernel keeps no keys (CONFIG_KEYS)");
    if (number == EDQUOT) return fail(Errc::NoSpace, what + ": root has as many keys as /proc/sys/kernel/keys/root_maxkeys allows");
    return base::fail_errno(number, what);
}

// Finds a key by its name, and links it to this thread's keyring on the way: only who possesses a key may link or revoke it.
Result<Serial> find_and_hold(const std::string& name) {
    const auto found =
        ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, logon, name.c_str(), static_cast<Serial>(KEY_SPEC_THREAD_KEYRING));
    if (found >= 0) return static_cast<Serial>(found);
    if (is_no_key(errno)) return fail(Errc::NotFound, "the kernel has no key '" + name + "'");
    return keyring_failure(errno, "cannot look for the key '" + name + "'");
}

void unlink_key(Serial key, Serial keyring) {
    (void)::syscall(SYS_keyctl, KEYCTL_UNLINK, key, keyring);  // fails only when it is not linked there
}

}  // namespace

Result<> KernelKeyring::add(const std::string& name, const SecretKey& key) {
    const auto bytes = key.bytes();
    if (::syscall(SYS_add_key, logon, name.c_str(), bytes.data(), bytes.size(), static_cast<Serial>(KEY_SPEC_USER_KEYRING)) < 0)
        return keyring_failure(errno, "cannot give the kernel the key '" + name + "'");
    return {};
}

Result<> KernelKeyring::hold(const std::string& name) {
    TRY(find_and_hold(name));
    return {};
}

void KernelKeyring::let_go(const std::string& name) {
    const auto found = ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_THREAD_KEYRING, logon, name.c_str(), 0);
    if (found >= 0) unlink_key(static_cast<Serial>(found), KEY_SPEC_THREAD_KEYRING);
}

Result<> KernelKeyring::remove(const std::string& name) {
    const auto found = find_and_hold(name);
    if (!found && (found.error().code == Errc::NotFound || found.error().code == Errc::Unsupported)) return {};
    if (!found) return base::Failure(found.error());
    // Revoked, it has no bytes any more, whoever still links to it (user_revoke in security/keys/user_defined.c).
    const bool revoked = ::syscall(SYS_keyctl, KEYCTL_REVOKE, *found) == 0 || is_no_key(errno);
    const int why = errno;
    unlink_key(*found, KEY_SPEC_USER_KEYRING);
    unlink_key(*found, KEY_SPEC_THREAD_KEYRING);
    if (!revoked) return keyring_failure(why, "cannot destroy the key '" + name + "'");
    return {};
}

}  // namespace varve::kernel
