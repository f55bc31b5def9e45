// SPDX-License-Identifier: LGPL-2.1-or-later
// The status board: what varvefs shows of itself in a file that others map (docs/status-board.md). One writer, any number of readers, no locks.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace varve::protocol {

// Raised by any change of what lies where, or of what it means.
inline constexpr std::uint32_t board_layout = 1;
inline constexpr std::array<char, 8> board_magic{'V', 'A', 'R', 'V', 'E', 'B', 'R', 'D'};

// A text of at most N - 1 bytes; zeros behind it. What is longer is cut, and ends with "...".
template <std::size_t N>
struct BoardText {
    std::array<char, N> bytes{};

    constexpr BoardText() = default;
    template <std::convertible_to<std::string_view> Text>
    constexpr BoardText(const Text& whole_text) {  // NOLINT(google-explicit-constructor): it is that text
        const std::string_view text = whole_text;
        constexpr std::string_view cut = "...";
        const bool fits = text.size() < N;
        const auto whole = text.substr(0, fits ? text.size() : N - 1 - cut.size());
        std::size_t at = 0;
        for (const char c : whole) bytes[at++] = c;
        if (fits) return;
        for (const char c : cut) bytes[at++] = c;
    }
    // Up to the first zero, or all: whoever wrote it need not have kept to the rules.
    [[nodiscard]] constexpr std::string_view text() const {
        const std::string_view all(bytes.data(), N);
        return all.substr(0, all.find('\0'));
    }
    [[nodiscard]] constexpr bool empty() const { return bytes[0] == '\0'; }
    friend constexpr bool operator==(const BoardText&, const BoardText&) = default;
};

// A value that one thread changes while others, in any process, read it: a sequence lock (Boehm, "Can seqlocks get along with programming language
// memory models?", MSPC 2012). Odd while it is being written. The words are atomic, each stored with release and loaded with acquire, so that
// no fences are needed.
template <class Value>
class BoardSlot {
    static_assert(std::is_trivially_copyable_v<Value> && std::has_unique_object_representations_v<Value> && sizeof(Value) % 8 == 0);

public:
    void write(const Value& value) {
        const auto words = std::bit_cast<Words>(value);
        const auto before = sequence_.load(std::memory_order_relaxed);
        sequence_.store(before | 1, std::memory_order_relaxed);
        for (std::size_t i = 0; i < words.size(); ++i) words_[i].store(words[i], std::memory_order_release);
        sequence_.store((before | 1) + 1, std::memory_order_release);
    }

    // nullopt when it was being written all the `tries` times: by a busy writer, or by one that died meanwhile.
    [[nodiscard]] std::optional<Value> read(unsigned int tries) const {
        for (; tries > 0; --tries) {
            const auto before = sequence_.load(std::memory_order_acquire);
            Words words{};
            for (std::size_t i = 0; i < words.size(); ++i) words[i] = words_[i].load(std::memory_order_acquire);
            if ((before & 1) == 0 && sequence_.load(std::memory_order_relaxed) == before) return std::bit_cast<Value>(words);
        }
        return std::nullopt;
    }

private:
    using Words = std::array<std::uint64_t, sizeof(Value) / 8>;
    std::atomic<std::uint64_t> sequence_ = 0;
    std::array<std::atomic<std::uint64_t>, sizeof(Value) / 8> words_{};
};

// ---- what is shown. Bytes, and seconds since the epoch, unless they say otherwise.

struct BoardPool {
    BoardText<72> name;  // empty: no pool in this slot
    BoardText<24> driver;
    BoardText<192> trouble;  // why it is degraded or not open; empty when nothing is wrong
    std::uint64_t open = 0;  // 1: it is
    std::uint64_t size = 0;  // of the storage below; 0 when it does not tell
    std::uint64_t used = 0;
    std::uint64_t vms = 0;
    std::uint64_t unreadable_vms = 0;
    std::uint64_t volumes = 0;  // all of them; these are among them:
    std::uint64_t started = 0;
    std::uint64_t dirty = 0;
    std::uint64_t writing = 0;
    std::uint64_t removed = 0;
    std::uint64_t degraded = 0;  // what should be there is not
    std::uint64_t revisions = 0;
    friend bool operator==(const BoardPool&, const BoardPool&) = default;
};

struct BoardOperation {
    std::uint64_t number = 0;  // as in `.varve/events`; 0: none in this slot
    std::int64_t begun_seconds = 0;
    std::uint64_t begun_nanoseconds = 0;
    BoardText<24> verb;
    BoardText<136> subject;  // POOL/VM or POOL/VM/VOLUME
    BoardText<72> to;        // of renames
    friend bool operator==(const BoardOperation&, const BoardOperation&) = default;
};

// A volume that is started, dirty, being written, or degraded.
struct BoardVolume {
    BoardText<136> name;     // POOL/VM/VOLUME; empty: none in this slot
    BoardText<16> state;     // a word of protocol::state
    BoardText<192> trouble;  // why it is degraded; empty when it is not
    std::uint64_t size = 0;
    std::uint64_t written = 0;  // while it is being written: how much has come
    friend bool operator==(const BoardVolume&, const BoardVolume&) = default;
};

struct BoardVerb {
    BoardText<24> verb;  // empty: none in this slot
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    std::uint64_t nanoseconds = 0;  // that they took
    friend bool operator==(const BoardVerb&, const BoardVerb&) = default;
};

// Since the writer began.
struct BoardTotals {
    std::uint64_t running = 0;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    std::uint64_t verbs = 0;  // kinds of operations that there were
    friend bool operator==(const BoardTotals&, const BoardTotals&) = default;
};

// What is looked at from time to time: with it come the pools and volumes.
struct BoardGathered {
    std::int64_t at_seconds = 0;
    std::uint64_t at_nanoseconds = 0;
    std::uint64_t pools = 0;    // how many there are, whether they have slots or not
    std::uint64_t volumes = 0;  // those that should have a slot
    std::uint64_t read = 0;     // bytes that went through varvefs: not those that the kernel read by passthrough
    std::uint64_t written = 0;
    friend bool operator==(const BoardGathered&, const BoardGathered&) = default;
};

// Never changes once the file has its name.
struct BoardWriter {
    std::array<char, 8> magic{};
    std::uint32_t layout = 0;
    std::uint32_t reserved = 0;
    std::uint64_t size = 0;        // of the board
    std::uint64_t generation = 0;  // rises with each daemon that takes the place over from one that died
    BoardText<40> boot_id;
    std::int64_t pid = 0;
    std::uint64_t process_start = 0;  // in the kernel's ticks since the boot (proc(5), stat, field 22)
    std::int64_t started_seconds = 0;
    BoardText<32> version;
    BoardText<4096> mountpoint;
};
static_assert(std::has_unique_object_representations_v<BoardWriter>);

inline constexpr std::size_t board_pools = 64;
inline constexpr std::size_t board_operations = 64;  // varvefs answers with at most so many threads
inline constexpr std::size_t board_volumes = 256;
inline constexpr std::size_t board_verbs = 32;

struct Board {
    BoardWriter writer;
    std::atomic<std::uint64_t> ended = 0;      // 1: the writer has ended, and will write no more
    std::atomic<std::uint64_t> gathering = 0;  // odd while the slots of `gathered`, `pools` and `volumes` change; another value after it
    BoardSlot<BoardTotals> totals;
    BoardSlot<BoardGathered> gathered;
    std::array<BoardSlot<BoardPool>, board_pools> pools;
    std::array<BoardSlot<BoardOperation>, board_operations> operations;
    std::array<BoardSlot<BoardVerb>, board_verbs> verbs;
    std::array<BoardSlot<BoardVolume>, board_volumes> volumes;
};
static_assert(std::is_standard_layout_v<Board> && std::is_trivially_destructible_v<Board>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(std::atomic<std::uint64_t>) == 8);

}  // namespace varve::protocol
