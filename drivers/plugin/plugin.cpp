// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/plugin/plugin.h"

#include "drivers/plugin/guarded_pool.h"
#include "drivers/plugin/library.h"

#include <exception>
#include <string>
#include <utility>

namespace varve::plugin {
namespace {

using base::Errc;
using base::fail;
using base::Result;

// No exception of a stranger's reaches varvefs.
template <class Call>
auto caught(const std::string& driver, Call call) -> decltype(call()) {
    try {
        return call();
    } catch (const std::exception& thrown) {
        return fail(Errc::Io, driver + " has thrown, which no driver may: " + thrown.what());
    } catch (...) {
        return fail(Errc::Io, driver + " has thrown what is no std::exception");
    }
}

// What is wrong is wrong with this pool.
template <class T>
Result<T> of_pool(const api::DriverSettings& settings, Result<T> result) {
    const auto what = "pool " + settings.name.str();
    if (result || result.error().context.starts_with(what + ": ")) return result;  // of a driver below, say
    return base::Failure(base::with_context(std::move(result).error(), what));
}

std::string name_of(const api::DriverDescriptor& driver, const std::filesystem::path& file) {
    return (driver.name == nullptr ? std::string("the driver") : std::string("the driver ") + driver.name) + " (" + file.string() + ")";
}

Result<std::unique_ptr<api::Pool>> open_guarded(const std::filesystem::path& file, const api::DriverSettings& settings,
                                                std::shared_ptr<api::DriverHost> host) {
    const auto* const driver = TRY(load(file));
    const auto name = name_of(*driver, file);
    auto pool = TRY(caught(name, [&] { return driver->open(settings, *host); }));
    if (pool == nullptr) return fail(Errc::Io, name + " has opened nothing, and given no reason");
    return guarded(std::move(pool), std::move(host), name);
}

Result<> check_loaded(const std::filesystem::path& file, const api::DriverSettings& settings, const api::DriverChecks& drivers) {
    const auto* const driver = TRY(load(file));
    return caught(name_of(*driver, file), [&] { return driver->check(settings, drivers); });
}

}  // namespace

Result<> check(const std::filesystem::path& file, const api::DriverSettings& settings, const api::DriverChecks& drivers) {
    return of_pool(settings, check_loaded(file, settings, drivers));
}

Result<std::unique_ptr<api::Pool>> open(const std::filesystem::path& file, const api::DriverSettings& settings,
                                        std::shared_ptr<api::DriverHost> host) {
    return of_pool(settings, open_guarded(file, settings, std::move(host)));
}

}  // namespace varve::plugin
