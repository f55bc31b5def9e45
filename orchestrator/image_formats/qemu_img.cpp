// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/qemu_img.h"

#include "orchestrator/mount_client/reference.h"

#include <nlohmann/json.hpp>

#include <charconv>

namespace varve::image_formats {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;
// Its threads' stacks and arenas count, too: 64 of them and caches take a few.
constexpr std::uint64_t info_memory = 2 * gibibyte;
constexpr std::uint64_t convert_memory = 16 * gibibyte;
constexpr std::chrono::seconds info_processor{30};
constexpr std::chrono::minutes info_deadline{2};
constexpr std::chrono::minutes check_deadline{30};  // it reads all tables: 128 MiB of a terabyte

// Its last line, without its own name.
std::string reason(const ConfinedEnd& end) {
    std::string_view text = end.errors;
    while (text.ends_with('\n')) text.remove_suffix(1);
    if (const auto line = text.rfind('\n'); line != std::string_view::npos) text.remove_prefix(line + 1);
    constexpr std::string_view own_name = "qemu-img: ";
    if (text.starts_with(own_name)) text.remove_prefix(own_name.size());
    if (!text.empty()) return mount_client::shown(text);
    return end.signal != 0 ? "signal " + std::to_string(end.signal) + " ended it" : "exit status " + std::to_string(end.exit_status);
}

// `code`: what its failure is, unless it says better. An exit status of `fine` is no failure either.
Result<ConfinedEnd> run_qemu_img(const ConfinedProgram& program, Errc code, const std::string& failure, int fine = 0) {
    auto end = run_confined(program);
    if (!end && end.error().code == Errc::NotFound)
        return fail(Errc::Unsupported, failure + ": qemu-img is not installed; on Debian it is in the package qemu-utils");
    if (!end) return base::Failure(std::move(end).error());
    if (end->interrupted) return fail(Errc::Interrupted, "interrupted; " + failure);
    if (end->timed_out) return fail(Errc::TimedOut, failure + ": qemu-img did not come to an end");
    if (end->errors.find("No space left on device") != std::string::npos) code = Errc::NoSpace;
    if (end->exit_status != 0 && end->exit_status != fine) return fail(code, failure + ": qemu-img: " + reason(*end));
    return end;
}

// "    (12.50/100%)\r", again and again.
class Percentages {
public:
    explicit Percentages(const std::function<void(double)>& told) : told_(told) {}

    void take(std::string_view text) {
        for (const char c : text) {
            if (c == '(') {
                number_.clear();
            } else if (c == '/') {
                double percent = 0;
                const auto [end, error] = std::from_chars(number_.data(), number_.data() + number_.size(), percent);
                if (error == std::errc() && end == number_.data() + number_.size() && percent >= 0 && percent <= 100) told_(percent);
            } else if (number_.size() < longest) {
                number_ += c;
            }
        }
    }

private:
    static constexpr std::size_t longest = 16;
    const std::function<void(double)>& told_;
    std::string number_;
};

}  // namespace

std::string image_in(std::size_t index, Format format, Locking locking) {
    nlohmann::json options{
        {"driver", name_of(format)},
        {"file", {{"driver", "file"}, {"filename", handed_path(index)}, {"locking", locking == Locking::Auto ? "auto" : "off"}}}};
    if (format == Format::Qcow2) options["backing"] = nullptr;
    return "json:" + options.dump();
}

Result<std::string> qemu_img_info(const HandedFile& file, Format format, const std::string& name,
                                  const std::function<bool()>& interrupted) {
    ConfinedProgram program;
    program.arguments = {"qemu-img", "info", "--output=json", image_in(0, format, Locking::Auto)};
    program.files = {file};
    program.memory_limit = info_memory;
    program.processor_limit = info_processor;
    program.deadline = info_deadline;
    program.interrupted = interrupted;
    return TRY(run_qemu_img(program, Errc::InvalidArgument, "cannot read " + name)).output;
}

Result<> qemu_img_check(const HandedFile& file, Format format, const std::string& name, const std::function<bool()>& interrupted) {
    constexpr int only_leaks = 3;  // room that nothing uses
    ConfinedProgram program;
    program.arguments = {"qemu-img", "check", "--output=json", image_in(0, format, Locking::Auto)};
    program.files = {file};
    program.memory_limit = convert_memory;
    program.deadline = check_deadline;
    program.interrupted = interrupted;
    TRY(run_qemu_img(program, Errc::InvalidArgument, name + " is damaged, or its end is missing", only_leaks));
    return {};
}

Result<> qemu_img_convert(const Conversion& conversion) {
    ConfinedProgram program;
    program.arguments = {"qemu-img", "convert", "-p"};
    program.arguments.insert(program.arguments.end(), conversion.arguments.begin(), conversion.arguments.end());
    program.files = conversion.files;
    program.memory_limit = convert_memory;
    program.interrupted = conversion.interrupted;
    Percentages percentages(conversion.progress);
    if (conversion.progress) program.heard = [&](std::string_view text) { percentages.take(text); };
    TRY(run_qemu_img(program, Errc::Io, conversion.failure));
    return {};
}

}  // namespace varve::image_formats
