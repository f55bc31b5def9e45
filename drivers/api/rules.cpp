// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/rules.h"

#include "drivers/api/overloaded.h"
#include "drivers/api/pool.h"

namespace varve::api {
namespace {

using base::Errc;
using base::fail;
using base::Result;

// One command's checks, with the volume's name at hand for the reasons.
class Checker {
public:
    Checker(const base::VolumePath& volume, const VolumeView* present, const Capabilities& capabilities)
        : name_(volume.str()), present_(present), can_(capabilities) {}

    Result<> operator()(const Create& create) const {
        if (present_ != nullptr) return fail(Errc::Exists, name_ + " exists already");
        return legal(create.config);
    }

    Result<> operator()(const RemoveCommitted&) const {
        TRY(exists());
        TRY(halted("cannot be removed"));
        if (saves_on_stop(present_->config.kind) && !present_->committed && !present_->revisions.empty())
            return fail(Errc::NotFound, name_ + " has no committed state; what is left of it are revisions");
        return {};
    }

    Result<> operator()(const RemoveRevision& remove) const { return has_revision(remove.revision); }

    Result<> operator()(const Start& start) const {
        TRY(exists());
        if (present_->session && present_->session->phase == Session::Phase::Started)
            return fail(Errc::Busy, name_ + " is started already");
        if (present_->config.ephemeral) TRY(can_encrypt());
        if (present_->session) return {};  // a dirty session is continued
        if (const auto* source = source_of(present_->config.kind)) return source_ready(*source, start.source);
        if (std::holds_alternative<Volatile>(present_->config.kind)) return startable(present_->config.size);
        if (!present_->committed) return fail(Errc::NotFound, name_ + " has no committed state to start from");
        return startable(present_->committed->size);
    }

    Result<> operator()(const Stop& stop) const {
        TRY(exists());
        if (!present_->session) return fail(Errc::InvalidArgument, name_ + " is not started");
        if (stop.outcome == Stop::Outcome::Discard && present_->session->no_snapshot_layer)
            return fail(Errc::Unsupported,
                        name_ + " has no snapshot layer (revisions_to_keep is -1): what its VM wrote is its state already");
        return {};
    }

    Result<> operator()(const Commit&) const {
        TRY(exists());
        if (!saves_on_stop(present_->config.kind))
            return fail(Errc::InvalidArgument,
                        name_ + " is " + std::string(kind_name(present_->config.kind)) + ": what its VM writes is never kept");
        if (!present_->session) return fail(Errc::InvalidArgument, name_ + " is not started");
        if (present_->session->phase == Session::Phase::Dirty)
            return fail(Errc::InvalidArgument, name_ + " is dirty: stop commits what its VM wrote, discard drops it");
        if (present_->session->no_snapshot_layer)
            return fail(Errc::Unsupported,
                        name_ + " has no snapshot layer (revisions_to_keep is -1): what its VM wrote is its state already");
        if (!can_.commit_running) return fail(Errc::Unsupported, "this pool's driver commits only when a VM stops; stop " + name_);
        return {};
    }

    Result<> operator()(const Revert& revert) const {
        TRY(has_revision(revert.revision));
        TRY(can_revisions());
        return clean("cannot be reverted");
    }

    Result<> operator()(const Resize& resize) const {
        TRY(exists());
        if (!resize.size.whole_sectors()) return fail(Errc::InvalidArgument, size_text(resize.size) + " is not a multiple of 512");
        if (resize.size > base::largest_volume) return fail(Errc::TooLarge, size_text(resize.size) + " is larger than a volume can be");
        const auto size = present_size();
        if (resize.size < size)
            return fail(Errc::InvalidArgument,
                        name_ + " has " + size_text(size) + " and can only grow; to shrink it, open it for writing and truncate it");
        if (present_->session && present_->session->phase == Session::Phase::Dirty) return clean("cannot be resized");
        if (!present_->session && source_of(present_->config.kind) != nullptr)
            return fail(Errc::InvalidArgument, name_ + " has its source's size until its VM starts");
        if (!present_->session && !present_->committed && std::holds_alternative<Origin>(present_->config.kind))
            return fail(Errc::NotFound, name_ + " has no committed state");
        return {};
    }

    Result<> operator()(const TakeSnapshot& take) const {
        TRY(exists());
        if (can_.label == Method::None) return fail(Errc::Unsupported, "this pool's driver cannot keep labelled revisions");
        if (present_->revisions.find(take.label) != nullptr)
            return fail(Errc::Exists, name_ + " has a revision " + take.label.str() + " already");
        if (present_->session && present_->session->no_snapshot_layer)
            return fail(Errc::Busy, name_ + " has no snapshot layer (revisions_to_keep is -1) and its VM runs");
        if (!present_->committed) return fail(Errc::NotFound, name_ + " has no committed state");
        return {};
    }

    Result<> operator()(const RenameRevision& rename) const {
        TRY(has_revision(rename.from));
        if (can_.label == Method::None) return fail(Errc::Unsupported, "this pool's driver cannot keep labelled revisions");
        if (present_->revisions.find(rename.to) != nullptr)
            return fail(Errc::Exists, name_ + " has a revision " + rename.to.str() + " already");
        return {};
    }

    Result<> operator()(const Publish& publish) const {
        if (can_.transaction == Method::None) return fail(Errc::Unsupported, "this pool's driver is read-only");
        if (const auto* revision = std::get_if<Publish::AsRevision>(&publish.target)) {
            TRY(can_revisions());
            if (present_ != nullptr && !saves_on_stop(present_->config.kind))
                return fail(Errc::InvalidArgument,
                            name_ + " is " + std::string(kind_name(present_->config.kind)) + " and has no revisions");
            if (present_ != nullptr && present_->revisions.find(revision->id) != nullptr)
                return fail(Errc::Exists, name_ + " has a revision " + revision->id.str() + " already");
            return {};
        }
        if (present_ == nullptr) return {};
        if (!std::holds_alternative<Origin>(present_->config.kind))
            return fail(Errc::InvalidArgument,
                        name_ + " is " + std::string(kind_name(present_->config.kind)) + ": only an origin volume can be written");
        return clean("cannot be written");
    }

    Result<> operator()(const SetTime& set) const {
        if (set.revision) return has_revision(*set.revision);
        TRY(exists());
        return halted("keeps its time");
    }

    Result<> operator()(const Configure& configure) const {
        TRY(exists());
        TRY(legal(configure.config));
        const auto& now = present_->config;
        if (now.kind.index() != configure.config.kind.index()) return fail(Errc::InvalidArgument, "a volume's kind cannot be changed");
        const auto layerless = [](const VolumeConfig& config) {
            return config.revisions_to_keep && config.revisions_to_keep->no_snapshot_layer();
        };
        if (layerless(now) != layerless(configure.config)) TRY(halted("cannot switch its snapshot layer (revisions_to_keep -1)"));
        if (now.kind != configure.config.kind || now.ephemeral != configure.config.ephemeral) TRY(halted("cannot be reconfigured so"));
        return {};
    }

    Result<> operator()(const Prune&) const { return exists(); }

private:
    static std::string size_text(base::Bytes size) { return std::to_string(size.count) + " bytes"; }

    Result<> exists() const {
        if (present_ == nullptr) return fail(Errc::NotFound, "there is no volume " + name_);
        return {};
    }

    Result<> has_revision(const base::RevisionId& revision) const {
        TRY(exists());
        if (present_->revisions.find(revision) == nullptr) return fail(Errc::NotFound, name_ + " has no revision " + revision.str());
        return {};
    }

    Result<> halted(std::string_view cannot) const {
        if (present_->session && present_->session->phase == Session::Phase::Started)
            return fail(Errc::Busy, name_ + " " + std::string(cannot) + " while its VM runs");
        return clean(cannot);
    }

    Result<> clean(std::string_view cannot) const {
        if (!present_->session) return {};
        if (present_->session->phase == Session::Phase::Started)
            return fail(Errc::Busy, name_ + " " + std::string(cannot) + " while its VM runs");
        return fail(Errc::Busy, name_ + " " + std::string(cannot) + " while it is dirty: stop commits what its VM wrote, discard drops it");
    }

    Result<> can_revisions() const {
        if (!can_.revisions) return fail(Errc::Unsupported, "this pool's driver keeps no revisions");
        return {};
    }

    Result<> can_encrypt() const {
        if (can_.ephemeral) return {};
        if (can_.why_not_ephemeral.empty()) return fail(Errc::Unsupported, "this pool's driver cannot encrypt volatile volumes");
        return fail(Errc::Unsupported, name_ + " cannot be ephemeral: " + can_.why_not_ephemeral);
    }

    Result<> startable(base::Bytes size) const {
        if (size.count == 0) return fail(Errc::InvalidArgument, name_ + " is empty (0 bytes) and cannot be started; resize it first");
        if (!size.whole_sectors())
            return fail(Errc::InvalidArgument,
                        name_ + " cannot be started: it would have " + size_text(size) + ", which is not a multiple of 512");
        return {};
    }

    Result<> source_ready(const Source& configured, const std::optional<StartSource>& from) const {
        const auto name = [](const Source& source) { return source.volume.str() + (source.fixed ? "@" + source.fixed->str() : ""); };
        if (!from) return fail(Errc::NotFound, "the source of " + name_ + ", " + name(configured) + ", does not exist");
        const auto text = name(from->where);
        const auto* view = from->view;
        if (from->where.fixed) {
            const auto* revision = view->revisions.find(*from->where.fixed);
            if (revision == nullptr) return fail(Errc::NotFound, "the source of " + name_ + ", " + text + ", does not exist");
            return startable(revision->state.size);
        }
        if (view->session && view->session->no_snapshot_layer)
            return fail(Errc::Busy, "the source of " + name_ + ", " + text + ", runs without a snapshot layer (revisions_to_keep is -1)");
        if (!view->committed) return fail(Errc::NotFound, "the source of " + name_ + ", " + text + ", has no committed state");
        return startable(view->committed->size);
    }

    Result<> legal(const VolumeConfig& config) const {
        if (!config.size.whole_sectors()) return fail(Errc::InvalidArgument, size_text(config.size) + " is not a multiple of 512");
        if (config.size > base::largest_volume) return fail(Errc::TooLarge, size_text(config.size) + " is larger than a volume can be");
        if (config.ephemeral && !std::holds_alternative<Volatile>(config.kind))
            return fail(Errc::InvalidArgument, "only a volatile volume can be ephemeral");
        if (config.ephemeral) TRY(can_encrypt());
        if (std::holds_alternative<OriginSnapshot>(config.kind) && !can_.origin_snapshot)
            return fail(Errc::Unsupported, "this pool's driver has no origin_snapshot volumes");
        if (config.revisions_to_keep && config.revisions_to_keep->no_snapshot_layer()) {
            if (!can_.no_snapshot_layer)
                return fail(Errc::Unsupported, "this pool's driver always has a snapshot layer (revisions_to_keep -1 is refused)");
            if (!std::holds_alternative<Origin>(config.kind))
                return fail(Errc::InvalidArgument, "only an origin volume can do without a snapshot layer (revisions_to_keep -1)");
        }
        return {};
    }

    base::Bytes present_size() const {
        if (present_->session) return present_->session->size;
        if (present_->committed && saves_on_stop(present_->config.kind)) return present_->committed->size;
        return present_->config.size;
    }

    std::string name_;
    const VolumeView* present_;
    Capabilities can_;
};

}  // namespace

namespace {

Result<> check_read_only(const base::VolumePath& volume, const VolumeView* present, const Command& command) {
    if (std::holds_alternative<Prune>(command)) return {};  // there is never anything to prune
    if (std::holds_alternative<Start>(command) && present != nullptr)
        return fail(Errc::Unsupported, volume.str() + " needs no start: it is read-only, and its device is always there");
    return fail(Errc::Unsupported, volume.str() + ": this pool's driver is read-only");
}

}  // namespace

base::Result<> check(const base::VolumePath& volume, const VolumeView* present, const Command& command, const Capabilities& capabilities) {
    if (capabilities.read_only) return check_read_only(volume, present, command);
    return std::visit(Checker(volume, present, capabilities), command);
}

std::string_view command_name(const Command& command) {
    return std::visit(Overloaded{
                          [](const Create&) { return "create"; },
                          [](const RemoveCommitted&) { return "remove"; },
                          [](const RemoveRevision&) { return "remove revision"; },
                          [](const Start&) { return "start"; },
                          [](const Stop& stop) { return stop.outcome == Stop::Outcome::Commit ? "stop" : "discard"; },
                          [](const Commit&) { return "commit"; },
                          [](const Revert&) { return "revert"; },
                          [](const Resize&) { return "resize"; },
                          [](const TakeSnapshot&) { return "snapshot"; },
                          [](const RenameRevision&) { return "rename revision"; },
                          [](const Publish&) { return "commit"; },
                          [](const SetTime&) { return "set time"; },
                          [](const Configure&) { return "configure"; },
                          [](const Prune&) { return "prune"; },
                      },
                      command);
}

base::Result<std::optional<VolumeView>> Pool::execute(const base::VolumePath& volume, const VolumeView* present, const Command& command) {
    TRY(check(volume, present, command, capabilities()));
    return run(volume, present, command);
}

}  // namespace varve::api
