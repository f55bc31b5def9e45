// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/changes.h"
#include "orchestrator/cli/domain_adopter.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/cli/terminal_text.h"
#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/mount_client/inventory.h"

#include <algorithm>

namespace varve::cli {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using domain_adoption::LeftOut;
using domain_adoption::Wish;
using nlohmann::json;

Result<base::PoolName> choose_pool(const mount_client::Mount& mount, const std::string& option) {
    if (!option.empty()) return TRY(mount_client::read_pool(mount, TRY(base::PoolName::parse(option)))).name;
    const auto pools = TRY(mount_client::pools(mount));
    if (pools.size() == 1) return pools.front();
    std::string names;
    for (const auto& pool : pools) names += (names.empty() ? "" : ", ") + pool.str();
    return fail(Errc::InvalidArgument, pools.empty() ? "there is no pool: 'varve pool add' makes one"
                                                     : "--pool has to say which pool the disks are copied to: " + names);
}

// "/domain/devices/disk[2]" without the number: many of one kind are one line.
std::string without_number(const std::string& path) { return path.ends_with(']') ? path.substr(0, path.rfind('[')) : path; }

std::string table_of(const std::vector<LeftOut>& all) {
    Table table({{"LEFT OUT"}, {"WHY"}});
    for (std::size_t first = 0; first < all.size();) {
        auto next = first + 1;
        while (next < all.size() && without_number(all[next].path) == without_number(all[first].path) && all[next].why == all[first].why)
            ++next;
        const auto count = next - first;
        table.add({count == 1 ? all[first].path : without_number(all[first].path) + " (" + std::to_string(count) + ")", all[first].why});
        first = next;
    }
    return table.text();
}

std::string printable_lines(std::string_view text) {
    std::string shown;
    for (std::size_t end = 0; !text.empty(); text.remove_prefix(std::min(end + 1, text.size()))) {
        end = std::min(text.find('\n'), text.size());
        shown += printable(text.substr(0, end)) + "\n";
    }
    return shown;
}

class VmAdoptCommand final : public OrchestratorCommand {
public:
    explicit VmAdoptCommand(CLI::App& app) {
        app.footer(
            "The domain must be shut off; it and its disks stay as they are. What a definition cannot say of it is told first. A VM cannot "
            "start\nbeside a domain of its name: --name gives it another, or --undefine takes the domain (not its disks) away in the "
            "end.\n\n"
            "Examples:\n  varve vm adopt --dry-run --undefine debian12\n  varve vm adopt --undefine --pool fast debian12\n"
            "  varve vm adopt --name work --skip vdb debian12\n  varve vm adopt --name work --format vda=qcow2 debian12");
        app.add_option("DOMAIN", domain_, "Its name, or its UUID")->required()->type_name("");
        app.add_option("--uri", uri_, "Its hypervisor, as libvirt names it (default: the orchestrator's)")->type_name("URI");
        app.add_option("--name", name_, "The VM's name (default: the domain's)")->type_name("NAME");
        app.add_option("--pool", pool_, "Where its volumes go (default: the only pool there is)")->type_name("POOL");
        app.add_option("--format", formats_, "Of a disk that does not say its format: raw, qcow2, vdi, vhdx or vpc; may be given again")
            ->type_name("DISK=FORMAT")
            ->allow_extra_args(false);
        app.add_option("--skip", skip_, "A disk to leave out, as vdb; may be given again")->type_name("DISK")->allow_extra_args(false);
        app.add_flag("--keep-mac", keeps_mac_, "Give the VM the domain's MAC addresses, though both can run at once");
        app.add_flag("--undefine", takes_over_, "Take the domain away in the end; the VM has its UUID and MAC addresses");
        app.add_flag("--dry-run", dry_run_, "Only say what would be done");
    }
    [[nodiscard]] bool uses_mount() const override { return true; }

    Result<> run(const OrchestratorContext& context) override {
        const auto wish = TRY(read_wish(*context.mount));
        const DomainAdopter adopter(context, domain_, wish);
        const auto planned = TRY(adopter.plan());
        show(context.output, planned, wish);
        if (!dry_run_) TRY(adopter.carry_out(planned));
        context.output.object(object_of(planned, wish));
        context.output.remark(planned.plan.vm.name.str() + (dry_run_ ? "  would be adopted" : "  adopted"));
        return {};
    }

private:
    [[nodiscard]] Result<Wish> read_wish(const mount_client::Mount& mount) const {
        Wish wish{.pool = TRY(choose_pool(mount, pool_))};
        if (!name_.empty()) wish.name = TRY(base::VmName::parse(name_));
        if (!uri_.empty()) wish.hypervisor = TRY(definitions::HypervisorUri::parse(uri_));
        wish.takes_over = takes_over_;
        wish.keeps_mac = keeps_mac_;
        const auto formats = TRY(read_changes(formats_));
        for (const auto& [target, format] : formats.items())
            wish.formats.emplace(target, TRY(image_formats::parse_format(format.get<std::string>())));
        wish.skip.insert(skip_.begin(), skip_.end());
        return wish;
    }

    static void show(const Output& output, const PlannedAdoption& planned, const Wish& wish) {
        const auto& plan = planned.plan;
        Table disks({{"DISK"}, {"FORMAT"}, {"SIZE", Align::Right}, {"VOLUME"}, {"SOURCE"}});
        for (std::size_t index = 0; index < plan.disks.size(); ++index) {
            const auto& disk = plan.disks[index];
            disks.add({disk.target, std::string(image_formats::name_of(disk.format)), output.size(planned.disks[index].size),
                       wish.pool.str() + "/" + plan.vm.name.str() + "/" + disk.volume.str(), disk.source.string()});
        }
        if (!plan.disks.empty()) output.text(disks.text() + "\n");
        output.text(printable_lines(definitions::to_toml(plan.vm)) + "\n");
        if (!plan.left_out.empty()) output.text(table_of(plan.left_out) + "\n");
        if (planned.domain.snapshots > 0)
            output.text("Its " + std::to_string(planned.domain.snapshots) +
                        " snapshots are left out: the disks are copied as they are now.\n");
    }

    [[nodiscard]] json object_of(const PlannedAdoption& planned, const Wish& wish) const {
        const auto& plan = planned.plan;
        auto disks = json::array();
        for (std::size_t index = 0; index < plan.disks.size(); ++index) {
            const auto& disk = plan.disks[index];
            disks.push_back({{"disk", disk.target},
                             {"source", disk.source.string()},
                             {"format", image_formats::name_of(disk.format)},
                             {"size", planned.disks[index].size.count},
                             {"volume", wish.pool.str() + "/" + plan.vm.name.str() + "/" + disk.volume.str()}});
        }
        auto left_out = json::array();
        for (const auto& [path, why] : plan.left_out) left_out.push_back({{"path", path}, {"why", why}});
        return {{"domain", planned.domain.name},
                {"uuid", planned.domain.uuid},
                {"hypervisor", planned.domain.hypervisor},
                {"vm", plan.vm.name.str()},
                {"dry_run", dry_run_},
                {"undefined", takes_over_ && !dry_run_},
                {"snapshots", planned.domain.snapshots},
                {"toml", definitions::to_toml(plan.vm)},
                {"disks", std::move(disks)},
                {"left_out", std::move(left_out)}};
    }

    std::string domain_;
    std::string uri_;
    std::string name_;
    std::string pool_;
    std::vector<std::string> formats_;
    std::vector<std::string> skip_;
    bool keeps_mac_ = false;
    bool takes_over_ = false;
    bool dry_run_ = false;
};

}  // namespace

OrchestratorSubcommand add_vm_adopt(CLI::App& parent) {
    return subcommand<VmAdoptCommand>(parent, "adopt", "Make a domain of libvirt's a VM, with copies of its disks");
}

}  // namespace varve::cli
