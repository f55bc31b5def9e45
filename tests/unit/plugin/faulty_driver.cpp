// SPDX-License-Identifier: LGPL-2.1-or-later
// A driver with the one fault that FAULT_<name> names.
#include "drivers/api/forwarding_pool.h"
#include "drivers/api/plugin.h"

#include <stdexcept>

namespace {

using namespace varve;
using api::DriverDescriptor;
using base::Result;

#ifdef FAULT_throwing_pool
class ThrowingPool final : public api::ForwardingPool {
public:
    using ForwardingPool::ForwardingPool;
    api::Capabilities capabilities() const override { throw std::runtime_error("no idea"); }
    Result<api::Space> space() const override { throw std::runtime_error("no space"); }
    Result<> create_vm(const base::VmName& /*vm*/, const api::Ownership& /*owner*/) override { throw 7; }  // NOLINT: what nobody expects
};
#endif

[[maybe_unused]] Result<> check(const api::DriverSettings& /*settings*/, const api::DriverChecks& /*drivers*/) {
#ifdef FAULT_throwing_check
    throw std::runtime_error("out of patience");
#endif
    return {};
}

[[maybe_unused]] Result<std::unique_ptr<api::Pool>> open([[maybe_unused]] const api::DriverSettings& settings,
                                                         [[maybe_unused]] api::DriverHost& host) {
#if defined(FAULT_throwing_open)
    throw std::runtime_error("out of patience");
#elif defined(FAULT_throwing_oddly)
    throw 7;  // NOLINT: what nobody expects
#elif defined(FAULT_throwing_pool)
    return std::make_unique<ThrowingPool>(TRY(host.open_driver("sim", settings)));
#else
    return std::unique_ptr<api::Pool>();
#endif
}

// What the macro makes, but for the fault.
[[maybe_unused]] constexpr DriverDescriptor faulty() {
    DriverDescriptor all{DriverDescriptor::right_magic,
                         DriverDescriptor::right_version,
                         sizeof(DriverDescriptor),
                         api::sizes_of_what_is_passed(),
                         api::binary_interface,
                         "faulty 0",
                         &check,
                         &open};
#if defined(FAULT_wrong_magic)
    all.magic = {'V', 'A', 'R', 'V', 'E', 'D', 'R', 'W'};
#elif defined(FAULT_wrong_version)
    all.version = 99;
#elif defined(FAULT_wrong_headers)
    all.sizes += 1;
#elif defined(FAULT_wrong_compiler)
    all.binary_interface = "C++ 20, ABI of another one";
#elif defined(FAULT_incomplete)
    all.open = nullptr;
#endif
    return all;
}

}  // namespace

#ifdef FAULT_nothing_exported
extern "C" const int varve_drivers;
const int varve_drivers = 1;
#else
extern "C" const DriverDescriptor varve_driver;
const DriverDescriptor varve_driver = faulty();
#endif
