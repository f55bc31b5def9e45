// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/libvirt/machine.h"

#include <pwd.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>
#include <system_error>
#include <utility>

namespace varve::libvirt_test {
namespace {

const std::filesystem::path kept_answers = VM_DIRECTORY "/qemu-capabilities";

void copy_answers(const std::filesystem::path& from, const std::filesystem::path& to) {
    using std::filesystem::copy_options;
    std::error_code ignored;  // without them libvirt asks again
    std::filesystem::create_directories(to, ignored);
    std::filesystem::copy(from, to, copy_options::recursive | copy_options::update_existing, ignored);
}

}  // namespace

bool have_qemu_user(const std::filesystem::path& directory) {
    if (::getpwnam("libvirt-qemu") != nullptr) return true;
    for (const auto& [file, line] :
         {std::pair{"passwd", "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin"}, std::pair{"group", "libvirt-qemu:x:64055:"}}) {
        const auto own = directory / file;
        const auto theirs = std::filesystem::path("/etc") / file;
        std::filesystem::copy_file(theirs, own);
        std::ofstream(own, std::ios::app) << line << "\n";
        if (::mount(own.c_str(), theirs.c_str(), nullptr, MS_BIND, nullptr) != 0) return false;
    }
    return ::getpwnam("libvirt-qemu") != nullptr;
}

bool without_kvm(const std::filesystem::path& directory) {
    if (!std::filesystem::exists("/dev/kvm")) return true;
    const auto nothing = directory / "no-kvm";
    std::ofstream(nothing).flush();
    return ::chmod(nothing.c_str(), 0) == 0 && ::mount(nothing.c_str(), "/dev/kvm", nullptr, MS_BIND, nullptr) == 0;
}

KeptAnswers::KeptAnswers(const std::filesystem::path& cache) : answers_(cache / "qemu" / "capabilities") {
    copy_answers(kept_answers, answers_);
}

KeptAnswers::~KeptAnswers() { copy_answers(answers_, kept_answers); }

}  // namespace varve::libvirt_test
