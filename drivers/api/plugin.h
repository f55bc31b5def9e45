// SPDX-License-Identifier: LGPL-2.1-or-later
// A driver in a shared object of its own: what it exports, and what varvefs gives it. docs/plugin-drivers.md says what is promised.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace varve::api {

using DriverParameters = std::map<std::string, std::string>;

// A pool as configured. Parameters that all pools have (revisions_to_keep, owner, ...) are not among the driver's.
struct DriverSettings {
    base::PoolName name;
    DriverParameters parameters;
    RevisionsToKeep revisions_to_keep = RevisionsToKeep::standard();
};

// What is known of drivers without any storage. Thread-safe.
class DriverChecks {
public:
    virtual ~DriverChecks() = default;
    DriverChecks() = default;
    DriverChecks(const DriverChecks&) = delete;
    DriverChecks& operator=(const DriverChecks&) = delete;

    // What open_driver would refuse for its parameters: the messages are those for a pool in the configuration.
    [[nodiscard]] virtual base::Result<> check_driver(const std::string& driver, const DriverSettings& settings) const = 0;
};

// What varvefs gives a driver's pool, and keeps as long as that. Thread-safe.
class DriverHost : public DriverChecks {
public:
    // Every state of every pool has an id from here.
    [[nodiscard]] virtual StateIds& state_ids() = 0;
    [[nodiscard]] virtual const base::Clock& clock() const = 0;
    // /proc/sys/kernel/random/boot_id: whether a session is of this boot.
    [[nodiscard]] virtual std::string boot_id() const = 0;
    // One line of varvefs's log.
    virtual void log(std::string_view line) = 0;
    // A pool of another driver, for those that stand before one. Encrypted volatile volumes are not its work: they are done before all drivers.
    [[nodiscard]] virtual base::Result<std::unique_ptr<Pool>> open_driver(const std::string& driver,
                                                                          const DriverSettings& settings) const = 0;
};

// What else has to be the same on both sides: the compiler's binary interface, the standard library's ...
#define VARVE_TEXT_OF(word) #word
#define VARVE_TEXT(word) VARVE_TEXT_OF(word)
inline constexpr const char* binary_interface =
    "C++ " VARVE_TEXT(__cplusplus) ", ABI " VARVE_TEXT(__GXX_ABI_VERSION) ", std::string " VARVE_TEXT(_GLIBCXX_USE_CXX11_ABI);

// ... and the sizes of what is passed, mixed into one number: a header of another version, or another tl::expected, shows in them.
[[nodiscard]] constexpr std::uint64_t sizes_of_what_is_passed() {
    std::uint64_t mixed = 0;
    for (const std::uint64_t size : {sizeof(Pool), sizeof(VmView), sizeof(VolumeView), sizeof(State), sizeof(Command), sizeof(PrivateImage),
                                     sizeof(Capabilities), sizeof(base::Error), sizeof(base::Result<VmView>), sizeof(std::string)})
        mixed = mixed * 1000003 + size;
    return mixed;
}

// What a shared object exports as the symbol `varve_driver`. The first three members stay as they are in all versions.
struct DriverDescriptor {
    static constexpr std::array<char, 8> right_magic{'V', 'A', 'R', 'V', 'E', 'D', 'R', 'V'};
    // One more with each change of what the headers of drivers/api and drivers/base say to a driver.
    static constexpr std::uint32_t right_version = 2;

    std::array<char, 8> magic;
    std::uint32_t version;
    std::uint32_t size;  // of this descriptor
    std::uint64_t sizes;
    const char* binary_interface;
    const char* name;  // for people: "limited 1.2"
    // The parameters, all mistakes in one InvalidArgument, without a look at any storage.
    base::Result<> (*check)(const DriverSettings&, const DriverChecks&);
    // Opens the pool; nothing on disk is changed but what a probe makes and removes.
    base::Result<std::unique_ptr<Pool>> (*open)(const DriverSettings&, DriverHost&);
};

}  // namespace varve::api

// In one source of the shared object, outside any namespace: VARVE_DRIVER("limited 1.2", check, open)
#define VARVE_DRIVER(driver_name, check_function, open_function)                                                                          \
    extern "C" __attribute__((visibility("default"))) const ::varve::api::DriverDescriptor varve_driver {                                 \
        ::varve::api::DriverDescriptor::right_magic, ::varve::api::DriverDescriptor::right_version,                                       \
            sizeof(::varve::api::DriverDescriptor), ::varve::api::sizes_of_what_is_passed(), ::varve::api::binary_interface, driver_name, \
            check_function, open_function                                                                                                 \
    }
