// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/secret.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
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

SecretKey::SecretKey(std::size_t bytes) : bytes_(std::make_unique<unsigned char[]>(bytes)), size_(bytes) {}

base::Result<SecretKey> SecretKey::random(std::size_t bytes) {
    SecretKey key(bytes);
    for (std::size_t done = 0; done < bytes;) {
        const auto got = ::getrandom(key.bytes_.get() + done, bytes - done, 0);
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
    for (std::size_t i = 0; i < key.size_; ++i) {
        const auto high = hex_digits.find(text[2 * i]);
        const auto low = hex_digits.find(text[2 * i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return bad();
        key.bytes_[i] = static_cast<unsigned char>(high * 16 + low);
    }
    return key;
}

SecretKey::SecretKey(const SecretKey& other) : SecretKey(other.size_) { std::copy_n(other.bytes_.get(), size_, bytes_.get()); }

SecretKey& SecretKey::operator=(const SecretKey& other) {
    SecretKey copy(other);
    swap(copy);
    return *this;
}

void SecretKey::append_hex_to(WipedText& text) const {
    for (std::size_t i = 0; i < size_; ++i) {
        text.append(hex_digits.substr(bytes_[i] / 16, 1));
        text.append(hex_digits.substr(bytes_[i] % 16, 1));
    }
}

bool operator==(const SecretKey& a, const SecretKey& b) {
    return a.size_ == b.size_ && std::equal(a.bytes_.get(), a.bytes_.get() + a.size_, b.bytes_.get());
}

void SecretKey::wipe() {
    if (bytes_) ::explicit_bzero(bytes_.get(), size_);
}

void SecretKey::swap(SecretKey& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
}

}  // namespace varve::kernel
