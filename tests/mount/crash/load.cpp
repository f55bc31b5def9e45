// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/mount/crash/load.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <sstream>

namespace varve::test_support {

struct LoadProcess::Shared {
    std::atomic<std::size_t> attempted;
    std::atomic<std::size_t> reported;
    std::atomic<const char*> call;  // a literal, at the same place in both processes; nullptr while nothing has failed
    std::atomic<int> error;
};

std::string state_content(std::size_t number) {
    std::string content;
    content.reserve(state_size);
    for (std::size_t sector = 0; sector * 512 < state_size; ++sector) {
        std::array<char, 64> head{};
        (void)std::snprintf(head.data(), head.size(), "state %zu sector %zu\n", number, sector);  // always fits
        std::string text(head.data());
        text.resize(512, '.');
        content += text;
    }
    return content;
}

std::optional<std::size_t> whole_state(const std::string& content) {
    if (!content.starts_with("state ")) return std::nullopt;
    const auto number = static_cast<std::size_t>(std::strtoull(content.c_str() + 6, nullptr, 10));
    if (content != state_content(number)) return std::nullopt;
    return number;
}

LoadProcess::LoadProcess(Path volume, WriteStyle style, std::size_t after)
    : shared_(static_cast<Shared*>(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    new (shared_) Shared{after, after, nullptr, 0};
    child_ = std::make_unique<Child>([this, volume = std::move(volume), style, after] { return run(volume, style, after); });
}

LoadProcess::~LoadProcess() {
    child_.reset();
    (void)::munmap(shared_, sizeof(Shared));  // cannot fail for a mapping of our own
}

int LoadProcess::fail(const char* call, Errno why) const {
    shared_->error = why.number;
    shared_->call = call;
    return 0;
}

int LoadProcess::run(const Path& volume, WriteStyle style, std::size_t after) const {
    const auto scratch = volume.parent_path() / ("." + volume.filename().string() + ".load");
    for (auto number = after + 1;; ++number) {
        shared_->attempted = number;
        const auto content = state_content(number);
        const int flags = style == WriteStyle::Truncating ? O_WRONLY | O_CREAT | O_TRUNC : O_WRONLY | O_CREAT;
        OpenFile file(style == WriteStyle::Scratch ? scratch : volume, flags);
        if (file.opened() != ok) return fail("open", file.opened());
        const std::size_t step = style == WriteStyle::Slowly ? 4096 : state_size;
        for (std::size_t done = 0; done < state_size; done += step)
            if (const auto why = file.write_at(static_cast<off_t>(done), std::string_view(content).substr(done, step)); why != ok)
                return fail("write", why);
        if (const auto why = file.close(); why != ok) return fail("close", why);
        if (style == WriteStyle::Scratch)
            if (const auto why = rename_path(scratch, volume); why != ok) return fail("rename", why);
        shared_->reported = number;
    }
}

Progress LoadProcess::progress() const { return {shared_->attempted, shared_->reported}; }

std::string LoadProcess::ending() const {
    const auto [attempted, reported] = progress();
    std::ostringstream text;
    const char* call = shared_->call;
    if (call != nullptr) text << call << " of state " << attempted << ": " << Errno{shared_->error};
    if (call == nullptr) text << "runs, " << reported << " of " << attempted << " reported";
    return text.str();
}

Progress LoadProcess::finish() {
    (void)child_->wait();  // how it ended does not matter, how far it came does
    return progress();
}

std::vector<std::string> states_of(const Path& vm, const std::string& volume) {
    std::vector<std::string> all;
    for (const auto& name : list_directory(vm))
        if (name == volume + ".img" || name.starts_with(volume + ".img@")) all.push_back(read_file(vm / name));
    return all;
}

void expect_nothing_lost(const Path& vm, const std::string& volume, const Progress& progress, const std::set<std::size_t>& unreported) {
    std::size_t newest = 0;
    std::vector<bool> seen(progress.attempted + 1, false);
    for (const auto& content : states_of(vm, volume)) {
        const auto number = whole_state(content);
        ASSERT_TRUE(number) << volume << " shows a state that nobody wrote: " << content.substr(0, 64);
        ASSERT_LE(*number, progress.attempted) << volume;
        seen[*number] = true;
        newest = std::max(newest, *number);
    }
    EXPECT_GE(newest, progress.reported) << volume << " has lost a state whose close had returned 0";
    // prune_grace spares all that a commit through the mount replaced.
    for (std::size_t number = 1; number <= progress.reported; ++number)
        EXPECT_TRUE(seen[number] || unreported.contains(number)) << volume << " has lost state " << number;
}

}  // namespace varve::test_support
