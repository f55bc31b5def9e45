// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/mount_storage.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/clone.h"
#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/path_reference.h"
#include "orchestrator/mount_client/remove.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <utility>

namespace varve::vm {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;
using base::VolumeId;
using mount_client::Mount;
using mount_client::Reply;
namespace verb = protocol::verb;
namespace volume_file = protocol::volume_file;

Result<VolumeState> state_from(const std::string& text, const VolumeId& volume) {
    if (text == protocol::state::halted) return VolumeState::Halted;
    if (text == protocol::state::started) return VolumeState::Started;
    if (text == protocol::state::dirty) return VolumeState::Dirty;
    if (text == protocol::state::writing) return VolumeState::Writing;
    if (text == protocol::state::removed) return VolumeState::Removed;
    if (text == protocol::state::degraded) return VolumeState::Degraded;
    return fail(Errc::Corrupt, volume.str() + " is in a state called '" + mount_client::shown(text) + "'");
}

Result<domain_xml::SourceKind> kind_of(const std::filesystem::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return base::fail_errno(errno, "cannot look at '" + path.string() + "'");
    if (S_ISBLK(status.st_mode)) return domain_xml::SourceKind::BlockDevice;
    if (S_ISREG(status.st_mode)) return domain_xml::SourceKind::File;
    return fail(Errc::InvalidArgument, "'" + path.string() + "' is neither a file nor a block device");
}

bool keeps(std::string_view kind) { return kind == protocol::kind::origin || kind == protocol::kind::origin_snapshot; }

bool halted(VolumeState state) { return state == VolumeState::Halted || state == VolumeState::Removed; }

class MountStorage final : public Storage {
public:
    explicit MountStorage(std::string mountpoint) : mountpoint_(std::move(mountpoint)) {}

    Result<VolumeFacts> look(const VolumeId& volume) override {
        const auto mount = TRY(reach());
        auto state = mount.value(mount_client::volume_control(volume, volume_file::state));
        if (!state && state.error().code == Errc::NotFound)
            return fail(Errc::NotFound, "the volume " + volume.str() + " does not exist; 'varve create' makes one");
        VolumeFacts facts;
        facts.state = TRY(state_from(TRY(std::move(state)), volume));
        const auto size = TRY(mount.value(mount_client::volume_control(volume, volume_file::size)));
        const auto read = std::from_chars(size.data(), size.data() + size.size(), facts.size.count);
        if (read.ec != std::errc{}) return fail(Errc::Corrupt, volume.str() + " has the size '" + mount_client::shown(size) + "'");
        facts.rw = TRY(mount.value(mount_client::volume_control(volume, volume_file::rw))) == "1";
        facts.kept = keeps(TRY(mount.value(mount_client::volume_control(volume, volume_file::kind))));
        if (auto device = mount.link_target(mount_client::volume_control(volume, volume_file::device))) facts.device = std::move(*device);
        return facts;
    }

    Result<std::vector<std::string>> verify(const base::PoolName& pool, const base::VmName& vm) override {
        const auto mount = TRY(reach());
        const mount_client::VmReference place{pool, vm};
        if (!TRY(mount.exists(mount_client::vm_directory(place)))) return std::vector<std::string>();
        const auto reply = TRY(send(mount, mount_client::vm_control(place, protocol::vm_file::ctl), place.str(), verb::verify));
        std::vector<std::string> findings;
        findings.reserve(reply.findings.size());
        for (const auto& finding : reply.findings) findings.push_back(finding.object + ": " + finding.what);
        return findings;
    }

    Result<Attachable> start(const VolumeId& volume) override {
        const auto reply = TRY(command(volume, verb::start));
        if (reply.device.empty()) return fail(Errc::Corrupt, volume.str() + " was started, but varvefs does not say where");
        return attachable(reply.device);
    }

    Result<StopOutcome> stop(const VolumeId& volume) override {
        if (halted(TRY(look(volume)).state)) return StopOutcome{};
        const auto reply = TRY(command(volume, verb::stop));
        return StopOutcome{reply.committed, reply.revision};
    }

    Result<std::optional<StopOutcome>> commit(const VolumeId& volume) override {
        const auto mount = TRY(reach());
        // Without a snapshot layer what the VM writes is the state already.
        const bool layerless = TRY(mount.value(mount_client::volume_control(volume, volume_file::revisions_to_keep))).starts_with("-1");
        const auto facts = TRY(look(volume));
        if (!facts.kept || layerless || facts.state != VolumeState::Started) return std::nullopt;
        const auto reply = TRY(command(volume, verb::commit));
        return StopOutcome{reply.committed, reply.revision};
    }

    Result<> discard(const VolumeId& volume) override {
        if (halted(TRY(look(volume)).state)) return {};
        (void)TRY(command(volume, verb::discard));
        return {};
    }

    Result<> resize(const VolumeId& volume, Bytes size) override {
        const auto mount = TRY(reach());
        const std::array<std::string, 2> words{std::string(verb::resize), std::to_string(size.count)};
        const auto reply = TRY(mount.command(mount_client::volume_control(volume, volume_file::ctl), volume.str(), words));
        if (!reply.ok) return base::Failure(reply.error);
        return {};
    }

    Result<Attachable> attachable(const std::filesystem::path& path) override {
        const auto kind = TRY(kind_of(path));
        return Attachable{path, kind};
    }

    Result<bool> is_state(const std::filesystem::path& path) override {
        const auto mount = TRY(reach());
        const auto within = path.lexically_normal().lexically_relative(mount.path());
        if (within.empty() || *within.begin() == "..") return false;
        const auto reference = TRY(mount_client::ReferenceResolver(mount.path(), "/").resolve(path.native()));
        if (!std::holds_alternative<mount_client::StateReference>(reference))
            return fail(Errc::InvalidArgument, "'" + path.string() + "' is no volume");
        return true;
    }

    Result<bool> has_vm(const base::PoolName& pool, const base::VmName& vm) override {
        const auto mount = TRY(reach());
        return mount.exists(mount_client::vm_directory({pool, vm}));
    }

    Result<> remove_vm(const base::PoolName& pool, const base::VmName& vm) override {
        const auto mount = TRY(reach());
        if (!TRY(mount.exists(mount_client::vm_directory({pool, vm})))) return {};
        return mount_client::remove_vm(mount, {pool, vm}, [](const std::string&) {});
    }

    Result<> rename_vm(const base::PoolName& pool, const base::VmName& vm, const base::VmName& to) override {
        const auto mount = TRY(reach());
        if (!TRY(mount.exists(mount_client::vm_directory({pool, vm})))) return {};
        return mount.rename(mount_client::vm_directory({pool, vm}), mount_client::vm_directory({pool, to}), Mount::Replace::No);
    }

    Result<> clone_vm(const base::PoolName& pool, const base::VmName& vm, const base::VmName& to) override {
        const auto mount = TRY(reach());
        if (!TRY(mount.exists(mount_client::vm_directory({pool, vm})))) return {};
        (void)TRY(mount_client::clone_vm(mount, {pool, vm}, {pool, to}, {}));
        return {};
    }

private:
    // A mount that does not answer is no answer about a volume: NotFound says that there is none.
    [[nodiscard]] Result<Mount> reach() const {
        auto mount = Mount::open(mountpoint_);
        if (mount || mount.error().code != Errc::NotFound) return mount;
        auto error = std::move(mount).error();
        error.code = Errc::Io;
        return base::Failure(std::move(error));
    }

    static Result<Reply> send(const Mount& mount, const std::string& ctl, const std::string& subject, std::string_view word) {
        const std::array<std::string, 1> words{std::string(word)};
        auto reply = TRY(mount.command(ctl, subject, words));
        if (!reply.ok) return base::Failure(std::move(reply.error));
        return reply;
    }

    [[nodiscard]] Result<Reply> command(const VolumeId& volume, std::string_view word) const {
        const auto mount = TRY(reach());
        return send(mount, mount_client::volume_control(volume, volume_file::ctl), volume.str(), word);
    }

    const std::string mountpoint_;
};

}  // namespace

std::unique_ptr<Storage> make_mount_storage(std::string mountpoint) { return std::make_unique<MountStorage>(std::move(mountpoint)); }

}  // namespace varve::vm
