// SPDX-License-Identifier: LGPL-2.1-or-later
// An example of a driver in a shared object (docs/plugin-drivers.md): a pool of another driver in which no volume is larger than `largest`.
//
//   g++ -std=c++20 -O2 -fPIC -shared -o limited.so limited.cpp $(pkg-config --cflags --libs varve)
//
//   [[pool]]
//   name = "students"
//   driver = "plugin:/usr/local/lib/varve/limited.so"
//   driver_below = "file-reflink"
//   largest = "20G"
//   dir_path = "/srv/students"
#include "drivers/api/forwarding_pool.h"
#include "drivers/api/plugin.h"
#include "drivers/base/units.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace {

using namespace varve;
using base::Errc;
using base::fail;
using base::Result;

// How large the volume would be; nullopt for a command that makes nothing larger.
Result<std::optional<base::Bytes>> size_after(const api::Command& command) {
    if (const auto* const create = std::get_if<api::Create>(&command)) return create->config.size;
    if (const auto* const configure = std::get_if<api::Configure>(&command)) return configure->config.size;
    if (const auto* const resize = std::get_if<api::Resize>(&command)) return resize->size;
    if (const auto* const publish = std::get_if<api::Publish>(&command)) return TRY(publish->image->storage().facts()).size;
    return std::nullopt;
}

// Stands before another pool and hands on what it does not refuse.
class LimitedPool final : public api::ForwardingPool {
public:
    LimitedPool(std::unique_ptr<api::Pool> pool, base::Bytes largest) : ForwardingPool(std::move(pool)), largest_(largest) {}

    // For `.varve/config`: what the pool below has, and what it has not.
    std::vector<std::pair<std::string, std::string>> parameters() const override {
        auto all = ForwardingPool::parameters();
        all.emplace_back("largest", std::to_string(largest_.count));
        return all;
    }

private:
    Result<std::optional<api::VolumeView>> run(const base::VolumePath& volume, const api::VolumeView* present,
                                               const api::Command& command) override {
        const auto size = TRY(size_after(command));
        if (size && *size > largest_)
            return fail(Errc::TooLarge, volume.str() + " would have " + base::human(*size) +
                                            ", and no volume of this pool may have more than " + base::human(largest_) + " (largest)");
        return run_checked(inner(), volume, present, command);
    }

    const base::Bytes largest_;
};

struct Parameters {
    std::string driver;
    base::Bytes largest;
    api::DriverSettings below;
};

Result<Parameters> read(const api::DriverSettings& settings) {
    Parameters all{{}, {}, settings};
    const auto largest = settings.parameters.find("largest");
    const auto driver = settings.parameters.find("driver_below");
    if (largest == settings.parameters.end() || driver == settings.parameters.end())
        return fail(Errc::InvalidArgument, "largest and driver_below are both needed");
    all.driver = driver->second;
    const auto size = base::parse_bytes(largest->second);
    if (!size) return fail(Errc::InvalidArgument, "largest: " + size.error().context);
    all.largest = *size;
    all.below.parameters.erase("largest");
    all.below.parameters.erase("driver_below");
    return all;
}

Result<> check(const api::DriverSettings& settings, const api::DriverChecks& drivers) {
    const auto all = TRY(read(settings));
    return drivers.check_driver(all.driver, all.below);
}

Result<std::unique_ptr<api::Pool>> open(const api::DriverSettings& settings, api::DriverHost& host) {
    const auto all = TRY(read(settings));
    return std::make_unique<LimitedPool>(TRY(host.open_driver(all.driver, all.below)), all.largest);
}

}  // namespace

VARVE_DRIVER("limited 1.0", check, open);
