// SPDX-License-Identifier: LGPL-2.1-or-later
// What the machine's QEMU and libvirt need of it, without changing it for others: all in this process's own mount table.
#pragma once

#include <filesystem>

namespace varve::libvirt_test {

// QEMU runs as libvirt-qemu, which Debian's libvirt-daemon-system makes.
[[nodiscard]] bool have_qemu_user(const std::filesystem::path& directory);
// Where /dev/kvm is there but does not work, libvirt finds no KVM, believes itself outdated, and asks QEMU again at every step. Guests are
// emulated here anyway.
[[nodiscard]] bool without_kvm(const std::filesystem::path& directory);

// libvirt asks each QEMU of the machine what it can do, which takes a while: what it found is kept beside the guest's kernel.
class KeptAnswers {
public:
    // `cache`: libvirt's. What is kept is put there.
    explicit KeptAnswers(const std::filesystem::path& cache);
    ~KeptAnswers();
    KeptAnswers(const KeptAnswers&) = delete;
    KeptAnswers& operator=(const KeptAnswers&) = delete;

private:
    std::filesystem::path answers_;
};

}  // namespace varve::libvirt_test
