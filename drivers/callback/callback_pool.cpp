// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/forwarding_pool.h"
#include "drivers/api/overloaded.h"
#include "drivers/callback/callback.h"
#include "drivers/callback/hooks.h"

#include <spdlog/spdlog.h>

namespace varve::callback {
namespace {

using api::VolumeView;
using base::Result;
using base::VolumePath;

// nullopt: nothing is run around it.
std::optional<Step> step_of(const api::Command& command) {
    using Answer = std::optional<Step>;
    return std::visit(api::Overloaded{
                          [](const api::Create&) -> Answer { return Step::Create; },
                          [](const api::Start&) -> Answer { return Step::Start; },
                          [](const api::Stop&) -> Answer { return Step::Stop; },
                          [](const api::RemoveCommitted&) -> Answer { return Step::Remove; },
                          [](const api::RemoveRevision&) -> Answer { return Step::Remove; },
                          [](const api::Resize&) -> Answer { return Step::Resize; },
                          [](const api::Publish&) -> Answer { return Step::Import; },
                          [](const api::Commit&) -> Answer { return {}; },
                          [](const api::Revert&) -> Answer { return {}; },
                          [](const api::TakeSnapshot&) -> Answer { return {}; },
                          [](const api::RenameRevision&) -> Answer { return {}; },
                          [](const api::SetTime&) -> Answer { return {}; },
                          [](const api::Configure&) -> Answer { return {}; },
                          [](const api::Prune&) -> Answer { return {}; },
                      },
                      command);
}

using Facts = std::vector<std::pair<std::string, std::string>>;

void add_size(Facts& facts, base::Bytes size) { facts.emplace_back("size", std::to_string(size.count)); }

void add_config(Facts& facts, const api::VolumeConfig& config) {
    facts.emplace_back("kind", api::kind_name(config.kind));
    facts.emplace_back("rw", config.rw ? "1" : "0");
    if (const auto* source = api::source_of(config.kind))
        facts.emplace_back("source", source->volume.str() + (source->fixed ? "@" + source->fixed->str() : ""));
}

base::Bytes size_of(const VolumeView& view) {
    if (view.session) return view.session->size;
    return view.committed ? view.committed->size : view.config.size;
}

// What a snapshot is about to start with.
std::optional<base::Bytes> size_of(const api::Start& start) {
    if (!start.source) return {};
    const auto& [where, view] = *start.source;
    if (where.fixed) {
        const auto* revision = view->revisions.find(*where.fixed);
        return revision == nullptr ? std::nullopt : std::optional(revision->state.size);
    }
    return view->committed ? std::optional(view->committed->size) : std::nullopt;
}

void add_what_is_asked(Facts& facts, const api::Command& command) {
    if (const auto* stop = std::get_if<api::Stop>(&command))
        facts.emplace_back("outcome", stop->outcome == api::Stop::Outcome::Commit ? "commit" : "discard");
    if (const auto* remove = std::get_if<api::RemoveRevision>(&command)) facts.emplace_back("revision", remove->revision.str());
    if (const auto* publish = std::get_if<api::Publish>(&command))
        if (const auto* revision = std::get_if<api::Publish::AsRevision>(&publish->target))
            facts.emplace_back("revision", revision->id.str());
}

// A base, and the first one, so that it outlives the wrapped pool: what runs after `destroy` may take away the storage.
class Ending {
public:
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;

protected:
    explicit Ending(std::unique_ptr<const Hooks> hooks) : hooks_(std::move(hooks)) {}
    ~Ending() {
        if (removed_) hooks_->after(Step::Destroy, {});
    }

    std::unique_ptr<const Hooks> hooks_;
    bool removed_ = false;
};

class CallbackPool final : private Ending, public api::ForwardingPool {
public:
    CallbackPool(std::unique_ptr<api::Pool> wrapped, std::unique_ptr<const Hooks> hooks)
        : Ending(std::move(hooks)), ForwardingPool(std::move(wrapped)) {}

    std::vector<std::pair<std::string, std::string>> parameters() const override {
        auto all = hooks_->settings().own_parameters;
        const auto driver = inner().parameters();
        all.insert(all.end(), driver.begin(), driver.end());
        return all;
    }

    Result<> before_removal() override {
        TRY(hooks_->before(Step::Destroy, {}));
        TRY(inner().before_removal());
        removed_ = true;
        return {};
    }

    Result<base::UniqueFd> open_state(const VolumePath& volume, const VolumeView& view, const api::StateRef& state) const override {
        if (hooks_->wanted(When::Before, Step::Export)) {
            Facts facts;
            add_config(facts, view.config);
            const auto* revision = std::get_if<base::RevisionId>(&state);
            if (revision != nullptr) facts.emplace_back("revision", revision->str());
            const auto* kept = revision != nullptr ? view.revisions.find(*revision) : nullptr;
            add_size(facts, kept != nullptr ? kept->state.size : size_of(view));
            TRY(hooks_->before(Step::Export, Subject{volume, std::move(facts)}));
        }
        return inner().open_state(volume, view, state);
    }

private:
    Result<std::optional<VolumeView>> run(const VolumePath& volume, const VolumeView* present, const api::Command& command) override {
        const auto step = step_of(command);
        if (!step) return run_checked(inner(), volume, present, command);
        if (hooks_->wanted(When::Before, *step)) TRY(hooks_->before(*step, before_subject(volume, present, command)));
        auto done = TRY(run_checked(inner(), volume, present, command));
        if (!hooks_->wanted(When::After, *step)) return done;
        // Of what is removed there is only the past to tell.
        hooks_->after(*step,
                      *step == Step::Remove || !done ? before_subject(volume, present, command) : after_subject(volume, *done, command));
        return done;
    }

    Subject before_subject(const VolumePath& volume, const VolumeView* present, const api::Command& command) const {
        Facts facts;
        const auto* create = std::get_if<api::Create>(&command);
        const api::VolumeConfig fresh;  // what an import makes when nothing is there
        add_config(facts, create != nullptr ? create->config : present != nullptr ? present->config : fresh);
        add_size(facts, size_before(present, command));
        add_what_is_asked(facts, command);
        if (present != nullptr) add_device(facts, volume, *present);
        return {volume, std::move(facts)};
    }

    Subject after_subject(const VolumePath& volume, const VolumeView& done, const api::Command& command) const {
        Facts facts;
        add_config(facts, done.config);
        add_size(facts, size_of(done));
        add_what_is_asked(facts, command);
        add_device(facts, volume, done);
        return {volume, std::move(facts)};
    }

    static base::Bytes size_before(const VolumeView* present, const api::Command& command) {
        if (const auto* create = std::get_if<api::Create>(&command)) return create->config.size;
        if (const auto* resize = std::get_if<api::Resize>(&command)) return resize->size;
        if (const auto* publish = std::get_if<api::Publish>(&command))
            if (const auto facts = publish->image->storage().facts()) return facts->size;
        if (const auto* remove = std::get_if<api::RemoveRevision>(&command))
            if (const auto* revision = present->revisions.find(remove->revision)) return revision->state.size;
        if (const auto* start = std::get_if<api::Start>(&command); start != nullptr && present != nullptr && !present->session)
            if (const auto size = size_of(*start)) return *size;
        return present != nullptr ? size_of(*present) : base::Bytes{};
    }

    void add_device(Facts& facts, const VolumePath& volume, const VolumeView& view) const {
        if (!view.session) return;
        if (const auto device = inner().device(volume, view)) facts.emplace_back("device", device->string());
    }
};

}  // namespace

Result<std::unique_ptr<api::Pool>> open(const Settings& settings, std::unique_ptr<HookRunner> runner, const OpenWrapped& open_wrapped,
                                        spdlog::logger& log) {
    auto hooks = std::make_unique<const Hooks>(settings, std::move(runner), log);
    if (auto trusted = hooks->check(); !trusted)
        return base::Failure(base::with_context(std::move(trusted).error(), "pool " + settings.name.str()));
    TRY(hooks->before(Step::Setup, {}));
    return std::make_unique<CallbackPool>(TRY(open_wrapped()), std::move(hooks));
}

}  // namespace varve::callback
