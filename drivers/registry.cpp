// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/registry.h"

#include "drivers/callback/callback.h"
#include "drivers/callback/program_runner.h"
#include "drivers/ephemeral/ephemeral.h"
#include "drivers/file/convert.h"
#include "drivers/file_reflink/file_reflink.h"
#include "drivers/linux_kernel/linux_kernel.h"
#include "drivers/lvm_thin/lvm_library.h"
#include "drivers/lvm_thin/lvm_thin.h"
#include "drivers/plugin/plugin.h"
#include "drivers/sim/sim.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>

namespace varve::registry {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using PoolResult = Result<std::unique_ptr<api::Pool>>;

using Problems = std::vector<Problem>;

// The parameters of one pool; whatever is wrong with them is collected, so that a user sees all of it at once, and is added to `found` by check().
class Parameters {
public:
    Parameters(const PoolSettings& settings, Problems& found) : settings_(settings), found_(found) {}

    std::string absolute_path(const std::string& key) {
        const auto text = take(key);
        if (!text)
            problem(key, key + " is missing");
        else if (!text->starts_with('/'))
            problem(key, key + " is '" + *text + "' and must be an absolute path");
        return text.value_or("");
    }

    std::string text(const std::string& key) {
        const auto value = take(key);
        if (!value) problem(key, key + " is missing");
        return value.value_or("");
    }

    bool boolean(const std::string& key, bool standard) {
        const auto text = take(key);
        if (text && *text != "true" && *text != "false") problem(key, key + " is '" + *text + "' and must be true or false");
        return text ? *text == "true" : standard;
    }

    // Whole seconds, from 1 to `most`.
    std::chrono::seconds seconds(const std::string& key, std::chrono::seconds standard, std::chrono::seconds most) {
        const auto text = take(key);
        if (!text) return standard;
        std::chrono::seconds::rep count = 0;
        const auto* const end = text->data() + text->size();
        const auto parsed = std::from_chars(text->data(), end, count);
        if (parsed.ec == std::errc{} && parsed.ptr == end && count >= 1 && count <= most.count()) return std::chrono::seconds(count);
        problem(key, key + " is '" + *text + "' and must be a number of seconds from 1 to " + std::to_string(most.count()));
        return standard;
    }

    std::string optional_text(const std::string& key) { return take(key).value_or(""); }

    // What `parse` makes of the text, if there is one.
    template <class T, class Parse>
    T parsed(const std::string& key, T standard, Parse parse) {
        const auto text = take(key);
        if (!text) return standard;
        auto result = parse(*text);
        if (result) return *std::move(result);
        problem(key, key + ": " + result.error().context);
        return standard;
    }

    std::optional<base::Bytes> optional_bytes(const std::string& key) {
        const auto text = take(key);
        if (!text) return {};
        const auto bytes = base::parse_bytes(*text);
        if (bytes) return *bytes;
        problem(key, key + ": " + bytes.error().context);
        return {};
    }

    void problem(const std::string& key, std::string text) { problems_.push_back({key, std::move(text)}); }

    // Call it after the last take: what is left is unknown.
    Result<> check() {
        for (const auto& [key, value] : settings_.parameters)
            if (std::ranges::find(taken_, key) == taken_.end()) problem(key, "the driver " + settings_.driver + " has no parameter " + key);
        if (problems_.empty()) return {};
        std::string all;
        for (const auto& problem : problems_) all += (all.empty() ? "" : "; ") + problem.what;
        found_.insert(found_.end(), problems_.begin(), problems_.end());
        return fail(Errc::InvalidArgument, "pool " + settings_.name.str() + ": " + all);
    }

private:
    std::optional<std::string> take(const std::string& key) {
        taken_.push_back(key);
        const auto found = settings_.parameters.find(key);
        return found == settings_.parameters.end() ? std::nullopt : std::optional(found->second);
    }

    const PoolSettings& settings_;
    Problems& found_;
    std::vector<std::string> taken_;
    Problems problems_;
};

// Where nobody asks what is wrong one by one: the error says it in one text.
template <auto Read>
auto in_one_text(const PoolSettings& settings) {
    Problems found;
    return Read(settings, found);
}

Result<file::Settings> file_settings(const PoolSettings& settings, Problems& found) {
    Parameters parameters(settings, found);
    file::Settings own{.name = settings.name,
                       .dir_path = parameters.absolute_path("dir_path"),
                       .device_uuid = {},
                       .revisions_to_keep = settings.revisions_to_keep};
    TRY(parameters.check());
    own.device_uuid = ephemeral::pool_identity(settings.driver, own.dir_path);
    return own;
}

PoolResult open_file(const PoolSettings& settings, const Environment& environment) {
    return file::open(TRY(in_one_text<file_settings>(settings)), {environment.files, environment.device_mapper, environment.loops},
                      environment.state_ids, environment.clock, environment.log, environment.boot_id);
}

Result<file_reflink::Settings> image_settings(const PoolSettings& settings, Problems& found) {
    Parameters parameters(settings, found);
    file_reflink::Settings own{.name = settings.name,
                               .dir_path = parameters.absolute_path("dir_path"),
                               .setup_check = parameters.boolean("setup_check", true),
                               .revisions_to_keep = settings.revisions_to_keep};
    TRY(parameters.check());
    return own;
}

PoolResult open_images(const PoolSettings& settings, const Environment& environment) {
    return file_reflink::open(TRY(in_one_text<image_settings>(settings)), environment.files, environment.state_ids, environment.clock,
                              environment.log, environment.boot_id);
}

PoolResult open_file_reflink(const PoolSettings& settings, const Environment& environment) {
    auto pool = TRY(open_images(settings, environment));
    auto converted = file::check_images_alone(environment.files, pool->lock_directory().value_or(""));
    if (!converted) return base::Failure(base::with_context(std::move(converted).error(), "pool " + settings.name.str()));
    return pool;
}

// Beside varvefs, as it is built, or where it is installed.
std::filesystem::path lvm_worker() {
    constexpr auto name = "varve-lvm-worker";
    std::error_code failed;
    auto beside = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path() / name;
    if (!failed && std::filesystem::exists(beside, failed)) return beside;
    return std::filesystem::path(VARVE_LIBEXEC_DIR) / name;
}

Result<lvm_thin::Settings> lvm_settings(const PoolSettings& settings, Problems& found) {
    Parameters parameters(settings, found);
    lvm_thin::Settings own{.name = settings.name,
                           .volume_group = parameters.text("volume_group"),
                           .thin_pool = parameters.text("thin_pool"),
                           .revisions_to_keep = settings.revisions_to_keep};
    own.data_watermark = parameters.parsed("data_watermark", own.data_watermark, lvm_thin::parse_watermark);
    own.metadata_watermark = parameters.parsed("metadata_watermark", own.metadata_watermark, lvm_thin::parse_watermark);
    TRY(parameters.check());
    TRY(lvm_thin::VgNameRules::check(own.volume_group));
    TRY(lvm_thin::LvNameRules::check(own.thin_pool));
    return own;
}

PoolResult open_lvm_thin(const PoolSettings& settings, const Environment& environment) {
    const auto own = TRY(in_one_text<lvm_settings>(settings));
    if (!TRY(environment.device_mapper.has_target("thin-pool")))
        return fail(Errc::Unsupported, "pool " + settings.name.str() + ": the kernel has no thin pools; load its module dm-thin-pool");
    auto lvm = std::make_unique<lvm_thin::LvmLibrary>(
        lvm_thin::LvmPlace{own.volume_group, own.thin_pool, lvm_worker(), lvm_thin::lock_directory(own)}, environment.device_mapper);
    return lvm_thin::open(own, std::move(lvm), environment.state_ids, environment.clock, environment.log, environment.boot_id);
}

Result<linux_kernel::Settings> kernel_settings(const PoolSettings& settings, Problems& found) {
    Parameters parameters(settings, found);
    linux_kernel::Settings own{settings.name, parameters.absolute_path("dir_path")};
    TRY(parameters.check());
    return own;
}

PoolResult open_linux_kernel(const PoolSettings& settings, const Environment& environment) {
    return linux_kernel::open(TRY(in_one_text<kernel_settings>(settings)), environment.files, environment.state_ids, environment.log);
}

Result<sim::Settings> sim_settings(const PoolSettings& settings, Problems& found) {
    Parameters parameters(settings, found);
    sim::Settings own{.revisions_to_keep = settings.revisions_to_keep, .size = parameters.optional_bytes("size")};
    TRY(parameters.check());
    return own;
}

PoolResult open_sim(const PoolSettings& settings, const Environment& environment) {
    return sim::open(TRY(in_one_text<sim_settings>(settings)), environment.state_ids, environment.clock, environment.boot_id);
}

// Where the pool's storage is, for what must be told apart from another pool's.
std::string location_of(const api::Pool& pool) {
    if (const auto directory = pool.lock_directory()) return *directory;
    std::string text;
    for (const auto& [key, value] : pool.parameters()) text.append(key).append("=").append(value).append("\n");
    return text;
}

std::unique_ptr<api::Pool> with_ephemeral_volumes(std::unique_ptr<api::Pool> pool, const PoolSettings& settings,
                                                  const Environment& environment) {
    const ephemeral::Settings own{settings.name, ephemeral::pool_identity(settings.driver, location_of(*pool))};
    const ephemeral::Kernel kernel{environment.device_mapper, environment.loops, environment.keyring, environment.blocks};
    return ephemeral::with_ephemeral_volumes(std::move(pool), own, kernel, environment.clock, environment.log);
}

constexpr std::string_view callback_driver = "callback";

Result<> check_into(const PoolSettings& settings, Problems& found);

struct CallbackSettings {
    callback::Settings own;
    std::vector<std::string> arguments;
    std::chrono::seconds deadline;
    PoolSettings wrapped;
};

// Keys that begin with `callback_` are its own, the others the wrapped driver's.
Result<CallbackSettings> callback_settings(const PoolSettings& settings, Problems& found) {
    PoolSettings own{settings.name, settings.driver, {}, settings.revisions_to_keep};
    auto wrapped = own;
    for (const auto& [key, value] : settings.parameters) (key.starts_with("callback_") ? own : wrapped).parameters.emplace(key, value);
    Parameters parameters(own, found);
    wrapped.driver = parameters.text("callback_driver");
    callback::Settings what{.name = settings.name, .driver = wrapped.driver, .program = parameters.absolute_path("callback_program")};
    what.moments = parameters.parsed("callback_steps", callback::standard_moments(), callback::parse_moments);
    what.driver_parameters = wrapped.parameters;
    what.own_parameters.assign(own.parameters.begin(), own.parameters.end());
    auto arguments = callback::split_words(parameters.optional_text("callback_arguments"));
    const auto deadline = parameters.seconds("callback_timeout", std::chrono::minutes(1), std::chrono::hours(1));
    const bool in_itself = wrapped.driver == callback_driver;
    if (in_itself) parameters.problem("callback_driver", "callback_driver cannot be callback itself");
    auto checked = parameters.check();
    auto checked_inside = wrapped.driver.empty() || in_itself ? Result<>() : check_into(wrapped, found);
    TRY(checked);
    TRY(checked_inside);
    return CallbackSettings{std::move(what), std::move(arguments), deadline, std::move(wrapped)};
}

PoolResult open_callback(const PoolSettings& settings, const Environment& environment) {
    const auto all = TRY(in_one_text<callback_settings>(settings));
    auto runner = std::make_unique<callback::ProgramRunner>(all.own.program, all.arguments, all.deadline);
    return callback::open(
        all.own, std::move(runner), [&] { return open_pool(all.wrapped, environment); }, environment.log);
}

// Not for a pool that stands before another's, which has it, or one that nobody writes to.
enum class Encryption { Before, No };

template <auto Read>
Result<> check_with(const PoolSettings& settings, Problems& found) {
    TRY(Read(settings, found));
    return {};
}

struct Driver {
    std::string_view name;
    Result<> (*check)(const PoolSettings&, Problems&);
    PoolResult (*open)(const PoolSettings&, const Environment&);
    Encryption encryption = Encryption::Before;
};

constexpr std::array<Driver, 6> drivers{{{callback_driver, check_with<callback_settings>, open_callback, Encryption::No},
                                         {"file", check_with<file_settings>, open_file},
                                         {"file-reflink", check_with<image_settings>, open_file_reflink},
                                         {"linux-kernel", check_with<kernel_settings>, open_linux_kernel, Encryption::No},
                                         {"lvm_thin", check_with<lvm_settings>, open_lvm_thin},
                                         {"sim", check_with<sim_settings>, open_sim}}};

// "plugin:/path" is the shared object there.
constexpr std::string_view plugin_prefix = "plugin:";

std::optional<std::filesystem::path> plugin_of(const PoolSettings& settings) {
    if (!settings.driver.starts_with(plugin_prefix)) return {};
    return settings.driver.substr(plugin_prefix.size());
}

PoolSettings with_driver(const std::string& driver, const api::DriverSettings& settings) {
    return {settings.name, driver, settings.parameters, settings.revisions_to_keep};
}
api::DriverSettings without_driver(const PoolSettings& settings) {
    return {settings.name, settings.parameters, settings.revisions_to_keep};
}

class Checks final : public api::DriverChecks {
public:
    Result<> check_driver(const std::string& driver, const api::DriverSettings& settings) const override {
        return check_settings(with_driver(driver, settings));
    }
};

PoolResult open_bare(const PoolSettings& settings, const Environment& environment);

class Host final : public api::DriverHost {
public:
    explicit Host(const Environment& environment) : environment_(environment) {}
    Result<> check_driver(const std::string& driver, const api::DriverSettings& settings) const override {
        return check_settings(with_driver(driver, settings));
    }
    api::StateIds& state_ids() override { return environment_.state_ids; }
    const base::Clock& clock() const override { return environment_.clock; }
    std::string boot_id() const override { return environment_.boot_id.text; }
    void log(std::string_view line) override { environment_.log.warn("{}", line); }
    PoolResult open_driver(const std::string& driver, const api::DriverSettings& settings) const override {
        return open_bare(with_driver(driver, settings), environment_);
    }

private:
    const Environment environment_;
};

Result<const Driver*> driver_of(const PoolSettings& settings) {
    const auto* const driver = std::ranges::find(drivers, settings.driver, &Driver::name);
    if (driver != drivers.end()) return driver;
    std::string known;
    for (const auto& each : drivers) known.append(known.empty() ? "" : ", ").append(each.name);
    return fail(Errc::InvalidArgument, "pool " + settings.name.str() + ": there is no driver '" + settings.driver + "'; there are " +
                                           known + ", and plugin:/path/of/a/shared/object");
}

PoolResult open_bare(const PoolSettings& settings, const Environment& environment) {
    if (const auto file = plugin_of(settings)) return plugin::open(*file, without_driver(settings), std::make_shared<Host>(environment));
    return TRY(driver_of(settings))->open(settings, environment);
}

Result<Encryption> encryption_of(const PoolSettings& settings) {
    if (plugin_of(settings)) return Encryption::Before;
    return TRY(driver_of(settings))->encryption;
}

// Adds what is wrong to `found`.
Result<> check_into(const PoolSettings& settings, Problems& found) {
    const auto before = found.size();
    auto checked = [&]() -> Result<> {
        if (const auto file = plugin_of(settings)) return plugin::check(*file, without_driver(settings), Checks());
        return TRY(driver_of(settings))->check(settings, found);
    }();
    if (!checked && found.size() == before) found.push_back({{}, checked.error().message()});
    return checked;
}

}  // namespace

Result<> check_settings(const PoolSettings& settings) { return in_one_text<check_into>(settings); }

std::vector<Problem> problems_of(const PoolSettings& settings) {
    Problems found;
    (void)check_into(settings, found);  // which says it in one text
    return found;
}

PoolResult open_pool(const PoolSettings& settings, const Environment& environment) {
    auto pool = TRY(open_bare(settings, environment));
    if (TRY(encryption_of(settings)) == Encryption::No) return pool;
    return with_ephemeral_volumes(std::move(pool), settings, environment);
}

Result<PoolSettings> convert_pool(const PoolSettings& settings, const Environment& environment) {
    if (settings.driver != "file")
        return fail(Errc::InvalidArgument, "pool " + settings.name.str() + " is of the driver " + settings.driver +
                                               "; only a pool of the driver file can be converted, to file-reflink");
    const auto own = TRY(in_one_text<file_settings>(settings));
    auto converted = settings;
    converted.driver = "file-reflink";
    (void)TRY(open_images(converted, environment));  // the file system can share data
    TRY(file::convert_to_images(own, {environment.files, environment.device_mapper, environment.loops}, environment.state_ids,
                                environment.clock, environment.log, environment.boot_id));
    return converted;
}

}  // namespace varve::registry
