// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/adoption/carry_out.h"
#include "orchestrator/adoption/contents.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/cli/targets.h"
#include "orchestrator/mount_client/files.h"
#include "orchestrator/mount_client/inventory.h"
#include "orchestrator/qubes_xml/pool_choice.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <algorithm>

namespace varve::cli {
namespace {

using adoption::Action;
using adoption::Step;
using base::Errc;
using base::fail;
using base::Result;
using nlohmann::json;
using settings::Mistake;

// More mistakes than this help nobody.
constexpr std::size_t most_mistakes = 50;

qubes_xml::PoolPlace place_of(const mount_client::Pool& pool) {
    qubes_xml::PoolPlace place{pool.name.str(), pool.driver, {}};
    const auto config = json::parse(pool.config, nullptr, false);
    if (!config.is_object()) return place;
    for (const auto& [key, value] : config.items())
        if (value.is_string()) place.parameters.emplace(key, value.get<std::string>());
    return place;
}

json step_object(const Step& step, const base::PoolName& pool) {
    const auto& wanted = step.wanted;
    auto changes = json::object();
    for (const auto& change : step.changes) changes[std::string(change.file)] = change.value;
    return {{"volume", pool.str() + "/" + wanted.volume.str()},
            {"qube", wanted.qube},
            {"kind", qubes_xml::name_of(wanted.kind)},
            {"source", wanted.source ? json(pool.str() + "/" + wanted.source->str()) : json(nullptr)},
            {"revisions_to_keep", wanted.revisions_to_keep ? json(*wanted.revisions_to_keep) : json(nullptr)},
            {"rw", wanted.rw},
            {"ephemeral", wanted.ephemeral},
            {"size", wanted.size.count},
            {"action", adoption::name_of(step.action)},
            {"changes", std::move(changes)},
            {"note", step.note}};
}

std::string note_of(const Step& step) {
    auto note = step.note;
    if (step.wanted.qube != step.wanted.volume.vm.str()) note = "of the qube " + step.wanted.qube + (note.empty() ? "" : "; ") + note;
    for (const auto& change : step.changes) {
        if (!note.empty()) note += "; ";
        (note += change.file).append(" ").append(change.value);
    }
    return note;
}

class PoolAdoptQubes final : public Command {
public:
    explicit PoolAdoptQubes(CLI::App& app) {
        app.footer(
            "The records of the pool get what the qubes.xml of Qubes OS R4 says of its volumes: kinds, sources, revisions to keep, and "
            "whether\nVMs may write. Volumes without an image (roots of app VMs, volatile volumes) are made; no image is touched. A "
            "second run changes\nnothing. Mistakes in the file are all told, and then nothing is done.\n\n"
            "Examples:\n  varve pool adopt-qubes --dry-run fast /var/lib/qubes/qubes.xml\n"
            "  varve pool adopt-qubes --qubes-pool vm-pool fast qubes.xml");
        app.add_option("POOL", target_, "The pool")->required()->type_name("");
        app.add_option("QUBES.XML", file_, "The file that Qubes keeps its VMs in")->required()->type_name("");
        app.add_flag("--dry-run", dry_run_, "Only say what would be done");
        app.add_option("--qubes-pool", qubes_pool_, "The pool's name in Qubes (default: the one in the same place, or of the same name)")
            ->type_name("NAME");
    }

    Result<> resolve(const mount_client::ReferenceResolver& resolver) override {
        pool_ = TRY(pool_target(resolver, target_));
        return {};
    }

    ExitCode run(const Context& context) override {
        const auto pool = mount_client::read_pool(context.mount, *pool_);
        if (!pool) return context.output.failure(pool.error());
        const auto text = read_file();
        if (!text) return context.output.failure(text.error());
        const auto document = qubes_xml::read_document(*text);
        if (!document) return report(context.output, document.error());
        const auto chosen = choose(*pool, *document);
        if (!chosen) return context.output.failure(chosen.error());
        const auto found = qubes_xml::adoptable(*document, *chosen);
        if (!found) return report(context.output, found.error());
        const auto contents = adoption::read_contents(context.mount, *pool_);
        if (!contents) return context.output.failure(contents.error());
        return adopt(context, *chosen, adoption::plan(found->volumes, *contents), found->omissions);
    }

private:
    [[nodiscard]] Result<std::string> read_file() const {
        const base::UniqueFd fd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
        if (!fd.valid()) return base::fail_errno(errno, "cannot open " + file_);
        auto text = mount_client::read_to_end(fd.get(), qubes_xml::largest_document);
        if (!text) return base::Failure(base::with_context(std::move(text).error(), file_));
        return text;
    }

    [[nodiscard]] Result<std::string> choose(const mount_client::Pool& pool, const qubes_xml::Document& document) const {
        if (pool.driver == "linux-kernel")
            return fail(Errc::InvalidArgument, "the pool " + pool.name.str() + " holds kernels, of which there are no records");
        if (qubes_pool_.empty()) return qubes_xml::choose_pool(document, place_of(pool));
        TRY(qubes_xml::check_pool(document, qubes_pool_));
        return qubes_pool_;
    }

    ExitCode report(const Output& output, const std::vector<Mistake>& mistakes) const {
        for (std::size_t i = 0; i < std::min(mistakes.size(), most_mistakes); ++i) {
            const auto& [line, what] = mistakes[i];
            (void)output.failure({Errc::InvalidArgument, {}, file_ + ":" + (line != 0 ? std::to_string(line) + ":" : "") + " " + what});
        }
        const auto more = mistakes.size() > most_mistakes ? " and " + std::to_string(mistakes.size() - most_mistakes) + " more" : "";
        return output.failure({Errc::InvalidArgument, {}, file_ + " has mistakes" + more + "; nothing was changed"});
    }

    [[nodiscard]] ExitCode adopt(const Context& context, const std::string& chosen, const std::vector<Step>& steps,
                                 const std::vector<qubes_xml::Omission>& omissions) const {
        json object{{"pool", pool_->str()},
                    {"qubes_pool", chosen},
                    {"dry_run", dry_run_},
                    {"volumes", json::array()},
                    {"omitted", json::array()}};
        std::vector<base::Error> failures;
        for (const auto& step : steps) {
            auto volume = step_object(step, *pool_);
            if (step.action == Action::Conflict) failures.push_back({Errc::InvalidArgument, {}, name_of(step) + ": " + step.note});
            if (auto done = dry_run_ ? Result<>() : adoption::carry_out(context.mount, *pool_, step); !done) {
                volume["error"] = done.error().message();
                failures.push_back(base::with_context(std::move(done).error(), name_of(step)));
            }
            object["volumes"].push_back(std::move(volume));
        }
        for (const auto& [qube, why] : omissions) object["omitted"].push_back({{"qube", qube}, {"why", why}});
        context.output.object(object);
        show(context.output, steps, omissions);
        auto code = ExitCode::Ok;
        for (const auto& error : failures) code = context.output.failure(error, ExitCode::Failed);
        return code;
    }

    [[nodiscard]] std::string name_of(const Step& step) const { return pool_->str() + "/" + step.wanted.volume.str(); }

    void show(const Output& output, const std::vector<Step>& steps, const std::vector<qubes_xml::Omission>& omissions) const {
        Table table({{"NAME"}, {"KIND"}, {"SOURCE"}, {"KEEP", Align::Right}, {"ACTION"}, {"NOTE"}});
        for (const auto& step : steps) {
            const auto& wanted = step.wanted;
            table.add({name_of(step), std::string(qubes_xml::name_of(wanted.kind)), wanted.source ? wanted.source->str() : "",
                       wanted.revisions_to_keep ? std::to_string(*wanted.revisions_to_keep) : "pool's",
                       std::string(adoption::name_of(step.action)), note_of(step)});
        }
        output.text(table.text());
        for (const auto& [qube, why] : omissions) output.remark(std::string(qube).append(" is left out: ").append(why));
        if (dry_run_) output.remark("nothing was changed");
    }

    std::string target_;
    std::string file_;
    std::string qubes_pool_;
    bool dry_run_ = false;
    std::optional<base::PoolName> pool_;
};

}  // namespace

Subcommand add_pool_adopt_qubes(CLI::App& parent) {
    auto* app = parent.add_subcommand("adopt-qubes", "Record what a qubes.xml says of a pool's volumes");
    app->fallthrough();
    return {app, std::make_unique<PoolAdoptQubes>(*app)};
}

}  // namespace varve::cli
