// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/secret.h"

#include <sys/mman.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace varve::kernel {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

}  // namespace

void WipedText::append(std::string_view text) {
    const auto needed = size_ + text.size() + 1;
    if (needed > capacity_) {
        WipedText larger;
        larger.capacity_ = std::max({needed, 2 * capacity_, std::size_t{64}});
        larger.bytes_ = std::make_unique<char[]>(larger.capacity_);
        if (size_ != 0) std::memcpy(larger.bytes_.get(), bytes_.get(), size_);
        larger.size_ = size_;
        swap(larger);
    }
    if (!text.empty()) std::memcpy(bytes_.get() + size_, text.data(), text.size());
    size_ += text.size();
    bytes_[size_] = '\0';
}

void WipedText::wipe() {
    if (bytes_) ::explicit_bzero(bytes_.get(), capacity_);
}

void WipedText::swap(WipedText& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
}

SecretMemory::SecretMemory(std::size_t bytes) : size_(bytes) {
    if (bytes == 0) return;
    auto* const pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    bytes_ = static_cast<unsigned char*>(pages);
    // Each is more safety where it can be had: the limit of locked memory may be low, WIPEONFORK needs Linux 4.14.
    (void)::mlock(pages, bytes);
    (void)::madvise(pages, bytes, MADV_DONTDUMP);
    (void)::madvise(pages, bytes, MADV_WIPEONFORK);
}

SecretMemory::~SecretMemory() {
    if (bytes_ == nullptr) return;
    ::explicit_bzero(bytes_, size_);
    (void)::munmap(bytes_, size_);  // fails only for what was never mapped
}

void SecretMemory::swap(SecretMemory& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
}

base::Result<SecretKey> SecretKey::random(std::size_t bytes) {
    SecretKey key(bytes);
    for (std::size_t done = 0; done < bytes;) {
        const auto got = ::getrandom(key.bytes_.data() + done, bytes - done, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return base::fail_errno(errno, "cannot make a random key");
        done += static_cast<std::size_t>(got);
    }
    return key;
}

base::Result<SecretKey> SecretKey::from_hex(std::string_view text) {
    const auto bad = [] { return base::fail(base::Errc::Corrupt, "a key is not in hexadecimal"); };
    if (text.empty() || text.size() % 2 != 0) return bad();
    SecretKey key(text.size() / 2);
    for (std::size_t i = 0; i < key.size(); ++i) {
        const auto high = hex_digits.find(text[2 * i]);
        const auto low = hex_digits.find(text[2 * i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return bad();
        key.bytes_.data()[i] = static_cast<unsigned char>(high * 16 + low);
    }
    return key;
}

SecretKey::SecretKey(const SecretKey& other) : SecretKey(other.size()) { std::ranges::copy(other.bytes(), bytes_.data()); }

SecretKey& SecretKey::operator=(const SecretKey& other) {
    *this = SecretKey(other);
    return *this;
}

void SecretKey::append_hex_to(WipedText& text) const {
    for (const auto byte : bytes()) {
        text.append(hex_digits.substr(byte / 16, 1));
        text.append(hex_digits.substr(byte % 16, 1));
    }
}

bool operator==(const SecretKey& a, const SecretKey& b) { return std::ranges::equal(a.bytes(), b.bytes()); }

}  // namespace varve::kernel
