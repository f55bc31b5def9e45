// SPDX-License-Identifier: LGPL-2.1-or-later
// What must not stay in memory or reach a log: values that overwrite themselves, and that no stream prints.
#pragma once

#include "drivers/base/result.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace varve::kernel {

// Text that may hold a key. Grows by copying into a new buffer and wiping the old one.
class WipedText {
public:
    WipedText() = default;
    explicit WipedText(std::string_view text) { append(text); }
    ~WipedText() { wipe(); }
    WipedText(WipedText&& other) noexcept { swap(other); }
    WipedText& operator=(WipedText&& other) noexcept {
        swap(other);
        return *this;
    }
    WipedText(const WipedText&) = delete;
    WipedText& operator=(const WipedText&) = delete;

    void append(std::string_view text);
    [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }
    [[nodiscard]] const char* c_str() const { return bytes_ ? bytes_.get() : ""; }

private:
    void wipe();
    void swap(WipedText& other) noexcept;

    std::unique_ptr<char[]> bytes_;  // ends with NUL
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

// Memory on pages of its own, which (where the kernel lets us) are never swapped, in no core dump and in no child's memory, and which are
// overwritten before they go. Throws std::bad_alloc.
class SecretMemory {
public:
    SecretMemory() = default;
    explicit SecretMemory(std::size_t bytes);  // zeroes
    ~SecretMemory();
    SecretMemory(SecretMemory&& other) noexcept { swap(other); }
    SecretMemory& operator=(SecretMemory&& other) noexcept {
        swap(other);
        return *this;
    }
    SecretMemory(const SecretMemory&) = delete;
    SecretMemory& operator=(const SecretMemory&) = delete;

    [[nodiscard]] unsigned char* data() { return bytes_; }
    [[nodiscard]] const unsigned char* data() const { return bytes_; }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    void swap(SecretMemory& other) noexcept;

    unsigned char* bytes_ = nullptr;
    std::size_t size_ = 0;
};

// A key's bytes, in SecretMemory; so are those of its copies.
class SecretKey {
public:
    // From the kernel's random generator.
    [[nodiscard]] static base::Result<SecretKey> random(std::size_t bytes);
    // Corrupt for what is no whole number of bytes in hexadecimal; the text is not in the error.
    [[nodiscard]] static base::Result<SecretKey> from_hex(std::string_view text);

    ~SecretKey() = default;
    SecretKey(const SecretKey& other);
    SecretKey& operator=(const SecretKey& other);
    SecretKey(SecretKey&& other) noexcept = default;
    SecretKey& operator=(SecretKey&& other) noexcept = default;

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    // For the kernel only.
    [[nodiscard]] std::span<const unsigned char> bytes() const { return {bytes_.data(), bytes_.size()}; }
    void append_hex_to(WipedText& text) const;
    friend bool operator==(const SecretKey& a, const SecretKey& b);

private:
    explicit SecretKey(std::size_t bytes) : bytes_(bytes) {}

    SecretMemory bytes_;
};

}  // namespace varve::kernel
