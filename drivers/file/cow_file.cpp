// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/cow_file.h"

#include <endian.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::file {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;

constexpr std::uint32_t magic = 0x70416e53;  // "SnAp"
constexpr std::uint32_t version = 1;
constexpr std::uint64_t chunk_bytes = cow_chunk.count * base::sector_size;
constexpr std::uint64_t exceptions_per_area = chunk_bytes / 16;
constexpr std::uint64_t area_stride = exceptions_per_area + 1;

struct DiskHeader {
    std::uint32_t magic;
    std::uint32_t valid;
    std::uint32_t version;
    std::uint32_t chunk_sectors;
};
static_assert(sizeof(DiskHeader) == 16);

struct DiskException {
    std::uint64_t old_chunk;
    std::uint64_t new_chunk;
};
static_assert(sizeof(DiskException) == 16);

std::uint64_t chunks_of(Bytes state) { return state.count / chunk_bytes + (state.count % chunk_bytes != 0 ? 1 : 0); }

// The kernel clears the area behind one that it fills, so also the last full area is followed by one.
std::uint64_t areas_for(std::uint64_t data_chunks) { return data_chunks / exceptions_per_area + 1; }

std::uint64_t all_chunks(std::uint64_t data_chunks) { return 1 + areas_for(data_chunks) + data_chunks; }

// Of a file with so many chunks, or nothing when no number of them makes it.
bool data_chunks_in(std::uint64_t chunks, std::uint64_t& data) {
    if (chunks < 2) return false;
    data = (chunks - 2) / area_stride * exceptions_per_area + (chunks - 2) % area_stride;
    return all_chunks(data) == chunks;
}

Result<Bytes> size_of_file(int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0) return base::fail_errno(errno, "cannot look at a COW file");
    return Bytes{static_cast<std::uint64_t>(status.st_size)};
}

// Fewer bytes only at the end of the file.
Result<std::size_t> read_at(int file, void* to, std::size_t length, std::uint64_t offset) {
    std::size_t done = 0;
    while (done < length) {
        const auto got = ::pread(file, static_cast<char*>(to) + done, length - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return base::fail_errno(errno, "cannot read a COW file");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

base::Failure bad_cow(const std::string& why) { return fail(Errc::Corrupt, "the COW file is damaged: " + why); }

// Nothing for a file of zeroes.
Result<CowUse> read_header(int file) {
    DiskHeader header{};
    if (TRY(read_at(file, &header, sizeof header, 0)) < sizeof header) return bad_cow("it is too short for a header");
    if (header.magic == 0) return CowUse::Unused;
    if (le32toh(header.magic) != magic) return bad_cow("it begins with something else than the header of a snapshot");
    if (le32toh(header.version) != version) return bad_cow("its version is " + std::to_string(le32toh(header.version)) + ", not 1");
    if (le32toh(header.chunk_sectors) != cow_chunk.count)
        return bad_cow("its chunks have " + std::to_string(le32toh(header.chunk_sectors)) + " sectors, not " +
                       std::to_string(cow_chunk.count));
    return le32toh(header.valid) == 0 ? CowUse::Invalid : CowUse::Changed;
}

// Whether the area ends before its last entry.
Result<bool> check_area(const std::vector<DiskException>& area, std::uint64_t chunks_in_file, std::uint64_t chunks_in_state,
                        std::uint64_t& count) {
    for (const auto& entry : area) {
        const auto to = le64toh(entry.new_chunk);
        const auto from = le64toh(entry.old_chunk);
        if (to == 0) return true;
        if (to >= chunks_in_file) return bad_cow("it says that chunk " + std::to_string(to) + " is in use, which is beyond its end");
        if (to % area_stride == 1) return bad_cow("it keeps data in chunk " + std::to_string(to) + ", where its own metadata is");
        if (from >= chunks_in_state)
            return bad_cow("it keeps chunk " + std::to_string(from) + " of a state that has only " + std::to_string(chunks_in_state));
        ++count;
    }
    return false;
}

Result<std::uint64_t> count_exceptions(int file, std::uint64_t chunks_in_file, std::uint64_t chunks_in_state) {
    std::vector<DiskException> area(exceptions_per_area);
    std::uint64_t count = 0;
    for (std::uint64_t chunk = 1; chunk < chunks_in_file; chunk += area_stride) {
        if (TRY(read_at(file, area.data(), chunk_bytes, chunk * chunk_bytes)) < chunk_bytes) break;
        if (TRY(check_area(area, chunks_in_file, chunks_in_state, count))) return count;
    }
    return bad_cow("its list of exceptions has no end");
}

}  // namespace

Bytes cow_file_size(Bytes state) {
    const auto rest = state.count % chunk_bytes;
    return {all_chunks(chunks_of(state)) * chunk_bytes + rest};
}

Result<Bytes> state_size(Bytes cow_file, Bytes image) {
    if (cow_file == image) return image;
    const auto rest = cow_file.count % chunk_bytes;
    std::uint64_t data = 0;
    if (rest % base::sector_size != 0 || !data_chunks_in(cow_file.count / chunk_bytes, data) || (rest != 0 && data == 0))
        return bad_cow("it has " + std::to_string(cow_file.count) + " bytes, a size that no COW file is made with");
    return Bytes{rest == 0 ? data * chunk_bytes : (data - 1) * chunk_bytes + rest};
}

Result<> make_cow_file(kernel::FileSystem& files, int file, Bytes state) {
    const DiskHeader header{htole32(magic), htole32(1), htole32(version), htole32(static_cast<std::uint32_t>(cow_chunk.count))};
    TRY(files.write_all(file, {reinterpret_cast<const char*>(&header), sizeof header}));
    TRY(files.set_size(file, cow_file_size(state)));
    return files.sync(file);
}

Result<> enlarge_cow_file(kernel::FileSystem& files, int file, Bytes state) {
    const auto wanted = cow_file_size(state);
    if (TRY(files.status(file)).size >= wanted) return {};
    TRY(files.set_size(file, wanted));
    return files.sync(file);
}

Result<CowUse> read_cow_use(int file) {
    const auto use = TRY(read_header(file));
    if (use != CowUse::Changed) return use;
    DiskException first{};
    if (TRY(read_at(file, &first, sizeof first, chunk_bytes)) < sizeof first) return bad_cow("it is too short for its exceptions");
    return first.new_chunk == 0 ? CowUse::Unused : CowUse::Changed;
}

Result<CowContent> check_cow_file(int file, Bytes state) {
    const auto size = TRY(size_of_file(file));
    CowContent content{TRY(read_header(file)), 0};
    if (size < cow_file_size(state))
        return fail(Errc::Corrupt, "the COW file is too small: it has " + std::to_string(size.count) + " bytes, and " +
                                       std::to_string(cow_file_size(state).count) + " are needed for a state of " +
                                       std::to_string(state.count));
    if (content.use != CowUse::Changed) return content;
    content.exceptions = TRY(count_exceptions(file, size.count / chunk_bytes, chunks_of(state)));
    if (content.exceptions == 0) content.use = CowUse::Unused;
    return content;
}

}  // namespace varve::file
