// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/lvm_thin/volume_group.h"

#include "drivers/lvm_thin/lvm_worker.h"

#include <sstream>

namespace varve::guest {
namespace {

// The programs take seconds in an emulated machine: what prepares tests uses a worker too.
lvm_thin::LvmWorker& worker() {
    static lvm_thin::LvmWorker one(VARVE_LVM_WORKER);
    return one;
}

base::Result<std::vector<std::string>> names(const std::string& field, const std::string& where) {
    const auto text = TRY(lvm({"lvs", "--noheadings", "-o", field, where}));
    std::istringstream words(text);
    std::vector<std::string> found;
    for (std::string word; words >> word;) found.push_back(word);
    return found;
}

}  // namespace

base::Result<std::string> lvm(std::vector<std::string> words) {
    const auto what = words.front();
    auto answer = TRY(worker().run(words));
    if (answer.succeeded) return std::move(answer.printed);
    std::string reasons;
    for (const auto& error : answer.errors) reasons.append(error).append("; ");
    return base::fail(base::Errc::Io, what + ": " + reasons);
}

base::Result<> make_volume_group() {
    static const auto made = []() -> base::Result<> {
        TRY(lvm({"pvcreate", "--yes", "-ff", "/dev/vda"}));
        TRY(lvm({"vgcreate", "--physicalextentsize", "64k", volume_group, "/dev/vda"}));
        TRY(lvm({"lvcreate", "--yes", "--type", "thin-pool", "--size", "768m", "--chunksize", "64k", "--poolmetadatasize", "8m", "--name",
                 thin_pool, volume_group}));
        return {};
    }();
    return made;
}

base::Result<> empty_thin_pool() {
    std::vector<std::string> removal{"lvremove", "--yes", "--force"};
    for (const auto& name : TRY(names("lv_name", volume_group)))
        if (name != thin_pool && !name.starts_with('[')) removal.push_back(std::string(volume_group) + "/" + name);
    if (removal.size() > 3) TRY(lvm(removal));
    const auto pool = std::string(volume_group) + "/" + thin_pool;
    constexpr std::size_t most_words = 60;  // LVM's library takes 64
    for (const auto& list : TRY(names("lv_tags", pool))) {
        std::vector<std::string> change{"lvchange"};
        std::istringstream tags(list);
        for (std::string tag; std::getline(tags, tag, ',');) {
            change.push_back("--deltag=" + tag);
            if (change.size() < most_words) continue;
            change.push_back(pool);
            TRY(lvm(change));
            change.resize(1);
        }
        change.push_back(pool);
        if (change.size() > 2) TRY(lvm(change));
    }
    return {};
}

base::Result<> reactivate() {
    // Not vgchange: called in LVM's library it goes through a pool's hidden parts too, and fails at them.
    TRY(lvm({"vgchange", "--activate", "n", volume_group}));
    std::vector<std::string> words{"lvchange", "--activate", "y", "--ignoreactivationskip"};
    for (const auto& name : TRY(names("lv_name", volume_group)))
        if (!name.starts_with('[')) words.push_back(std::string(volume_group) + "/" + name);
    TRY(lvm(words));
    return {};
}

}  // namespace varve::guest
