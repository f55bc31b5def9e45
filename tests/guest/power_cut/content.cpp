// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/power_cut/content.h"

#include "drivers/base/units.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace varve::power_cut {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;

constexpr std::uint64_t magic = 0x6576'7261'5620'7463;

// Read before the rest of a block is compared.
struct Head {
    std::uint64_t magic = 0;
    std::uint64_t generation = 0;
    std::uint64_t number = 0;
};

Result<std::size_t> block_count(int file) {
    const auto size = ::lseek(file, 0, SEEK_END);  // fstat tells no block device's size
    if (size < 0) return fail_errno(errno, "cannot tell the size of a state");
    if (static_cast<std::size_t>(size) % block_size != 0) return fail(Errc::Corrupt, "the size is " + std::to_string(size));
    return static_cast<std::size_t>(size) / block_size;
}

Result<std::string> read_block(int file, std::size_t number) {
    std::string data(block_size, '\0');
    const auto count = ::pread(file, data.data(), data.size(), static_cast<off_t>(number * block_size));
    if (count < 0) return fail_errno(errno, "cannot read block " + std::to_string(number));
    if (static_cast<std::size_t>(count) != block_size) return fail(Errc::Corrupt, "block " + std::to_string(number) + " is cut short");
    return data;
}

}  // namespace

std::string block(std::uint64_t generation, std::size_t number) {
    std::string data(block_size, '\0');
    if (generation == 0) return data;
    const Head head{magic, generation, number};
    std::memcpy(data.data(), &head, sizeof head);
    auto word = generation * 0x9e37'79b9'7f4a'7c15 + number + 1;  // never 0 in practice, and other for every block
    for (auto at = sizeof head; at < block_size; at += sizeof word) {
        word ^= word << 13;  // xorshift64
        word ^= word >> 7;
        word ^= word << 17;
        std::memcpy(data.data() + at, &word, sizeof word);
    }
    return data;
}

void apply(Content& content, const Change& change) {
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(change.first), change.count, change.generation);
}

Result<> write(int file, const Change& change) {
    std::string data;
    for (std::size_t i = 0; i < change.count; ++i) data += block(change.generation, change.first + i);
    const auto count = ::pwrite(file, data.data(), data.size(), static_cast<off_t>(change.first * block_size));
    if (count < 0) return fail_errno(errno, "cannot write the volume");
    if (static_cast<std::size_t>(count) != data.size()) return fail(Errc::Io, "the volume took only a part of what was written");
    return {};
}

Result<Content> read_content(int file) {
    Content content(TRY(block_count(file)));
    for (std::size_t number = 0; number < content.size(); ++number) {
        const auto data = TRY(read_block(file, number));
        Head head;
        std::memcpy(&head, data.data(), sizeof head);
        content[number] = head.magic == magic && head.number == number ? head.generation : 0;
        if (data != block(content[number], number))
            return fail(Errc::Corrupt, "block " + std::to_string(number) + " is torn or foreign (it begins as generation " +
                                           std::to_string(content[number]) + ")");
    }
    return content;
}

Result<> check_mixture(int file, const std::vector<const Content*>& contents) {
    const auto count = TRY(block_count(file));
    if (count != contents.front()->size())
        return fail(Errc::Corrupt, "it has " + std::to_string(count) + " blocks and not " + std::to_string(contents.front()->size()));
    for (std::size_t number = 0; number < count; ++number) {
        const auto data = TRY(read_block(file, number));
        std::vector<std::string> allowed;
        for (const auto* content : contents)
            if (allowed.empty() || (*content)[number] != (*contents.front())[number]) allowed.push_back(block((*content)[number], number));
        for (std::size_t at = 0; at < block_size; at += base::sector_size)
            if (std::ranges::none_of(allowed,
                                     [&](const auto& one) { return data.compare(at, base::sector_size, one, at, base::sector_size) == 0; }))
                return fail(Errc::Corrupt, "block " + std::to_string(number) + ", sector " + std::to_string(at / base::sector_size) +
                                               ", is of no write that could be there");
    }
    return {};
}

}  // namespace varve::power_cut
