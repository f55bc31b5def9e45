// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/session_files.h"

#include "orchestrator/mount_client/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace varve::vm {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;
using nlohmann::json;
using Phase = SessionRecord::Phase;

constexpr std::string_view suffix = ".json";
constexpr std::array<std::pair<Phase, std::string_view>, 3> phases{
    {{Phase::Starting, "starting"}, {Phase::Resuming, "resuming"}, {Phase::Running, "running"}}};

std::string_view name_of(Phase phase) {
    for (const auto& [known, name] : phases)
        if (known == phase) return name;
    return "";
}

std::string text_of(const SessionRecord& record) {
    auto volumes = json::array();
    for (const auto& [volume, fresh] : record.volumes)
        volumes.push_back({{"pool", volume.pool.str()}, {"vm", volume.vm.str()}, {"volume", volume.volume.str()}, {"fresh", fresh}});
    const json object{{"phase", name_of(record.phase)}, {"hypervisor", record.hypervisor}, {"volumes", volumes}, {"frozen", record.frozen}};
    return object.dump() + "\n";
}

std::string text_field(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<SessionVolume> read_volume(const json& object) {
    if (!object.is_object()) return fail(Errc::Corrupt, "a volume is no object");
    auto pool = TRY(base::PoolName::parse(text_field(object, "pool")));
    auto vm = TRY(base::VmName::parse(text_field(object, "vm")));
    auto volume = TRY(base::VolumeName::parse(text_field(object, "volume")));
    // Not known to be fresh is not fresh: then nothing is dropped.
    const auto fresh = object.find("fresh");
    return SessionVolume{{std::move(pool), std::move(vm), std::move(volume)},
                         fresh != object.end() && fresh->is_boolean() && fresh->get<bool>()};
}

Result<SessionRecord> parse(const base::VmName& vm, const std::string& text) {
    const auto object = json::parse(text, nullptr, false);
    if (!object.is_object()) return fail(Errc::Corrupt, "the session record of " + vm.str() + " is no JSON object");
    SessionRecord record{vm, Phase::Starting, text_field(object, "hypervisor"), {}};
    bool known = false;
    for (const auto& [phase, name] : phases)
        if (name == text_field(object, "phase")) {
            record.phase = phase;
            known = true;
        }
    if (!known) return fail(Errc::Corrupt, "the session record of " + vm.str() + " is in no known phase");
    const auto volumes = object.find("volumes");
    if (volumes == object.end() || !volumes->is_array())
        return fail(Errc::Corrupt, "the session record of " + vm.str() + " lists no volumes");
    for (const auto& volume : *volumes) record.volumes.push_back(TRY(read_volume(volume)));
    // Records of earlier versions do not say.
    if (const auto frozen = object.find("frozen"); frozen != object.end() && frozen->is_boolean()) record.frozen = frozen->get<bool>();
    return record;
}

// Whatever is wrong in it, what is wrong is the record.
Result<SessionRecord> parse_record(const base::VmName& vm, const std::string& text) {
    auto record = parse(vm, text);
    if (!record) return fail(Errc::Corrupt, record.error().context);
    return record;
}

class SessionFiles final : public SessionRecords {
public:
    explicit SessionFiles(UniqueFd directory) : directory_(std::move(directory)) {}

    Result<std::vector<SessionRecord>> all() override {
        std::vector<SessionRecord> found;
        for (const auto& name : TRY(mount_client::list_names(directory_.get(), "."))) {
            if (!name.ends_with(suffix)) continue;
            const auto vm = base::VmName::parse(name.substr(0, name.size() - suffix.size()));
            if (!vm) continue;
            auto record = find(*vm);
            if (record && *record) found.push_back(std::move(**record));
        }
        return found;
    }

    Result<std::optional<SessionRecord>> find(const base::VmName& vm) override {
        const auto text = mount_client::read_text(directory_.get(), file_of(vm));
        if (!text && text.error().code == Errc::NotFound) return std::optional<SessionRecord>();
        if (!text) return base::Failure(text.error());
        return std::optional(TRY(parse_record(vm, *text)));
    }

    // By a rename, so that a reader sees the old one or the new one.
    Result<> put(const SessionRecord& record) override {
        const auto text = text_of(record);
        const auto next = "." + file_of(record.vm) + ".next";
        const UniqueFd fd(::openat(directory_.get(), next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!fd.valid()) return failure("write", record.vm);
        const auto written = ::write(fd.get(), text.data(), text.size());
        if (written < 0) return failure("write", record.vm);
        if (static_cast<std::size_t>(written) != text.size())
            return fail(Errc::NoSpace, "cannot write the whole session record of " + record.vm.str());
        if (::renameat(directory_.get(), next.c_str(), directory_.get(), file_of(record.vm).c_str()) != 0)
            return failure("replace", record.vm);
        return {};
    }

    Result<> remove(const base::VmName& vm) override {
        if (::unlinkat(directory_.get(), file_of(vm).c_str(), 0) == 0 || errno == ENOENT) return {};
        return failure("remove", vm);
    }

private:
    static std::string file_of(const base::VmName& vm) { return vm.str() + std::string(suffix); }
    static base::Failure failure(const std::string& what, const base::VmName& vm) {
        const int number = errno;
        return fail_errno(number, "cannot " + what + " the session record of " + vm.str());
    }

    const UniqueFd directory_;
};

}  // namespace

Result<std::unique_ptr<SessionRecords>> open_session_files(const std::filesystem::path& directory) {
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(errno, "cannot create '" + directory.string() + "'");
    UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) return fail_errno(errno, "cannot open '" + directory.string() + "'");
    return std::make_unique<SessionFiles>(std::move(fd));
}

}  // namespace varve::vm
