// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/command_words.h"

#include <algorithm>

namespace varve::protocol {
namespace {

using base::Errc;
using base::fail;
using base::Result;

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_control(char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; }

// Reads the quoted word that starts at text[at]; leaves `at` behind its closing quote.
Result<std::string> take_quoted(std::string_view text, std::size_t& at) {
    std::string word;
    for (++at; at < text.size(); ++at) {
        if (text[at] == '"') {
            ++at;
            if (at < text.size() && !is_blank(text[at])) return fail(Errc::InvalidArgument, "a quoted word must be followed by a blank");
            return word;
        }
        if (text[at] == '\\') {
            ++at;
            if (at == text.size() || (text[at] != '"' && text[at] != '\\'))
                return fail(Errc::InvalidArgument, "a backslash in a quoted word stands only before \" or another backslash");
        }
        word += text[at];
    }
    return fail(Errc::InvalidArgument, "a quoted word has no closing quote");
}

Result<std::string> take_plain(std::string_view text, std::size_t& at) {
    const auto first = at;
    while (at < text.size() && !is_blank(text[at])) ++at;
    const auto word = text.substr(first, at - first);
    if (word.find('"') != std::string_view::npos) return fail(Errc::InvalidArgument, "a quote stands in the middle of a word");
    return std::string(word);
}

std::string in_quotes(std::string_view word) {
    std::string text = "\"";
    for (const char c : word) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + '"';
}

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (std::ranges::any_of(text, is_control)) return fail(Errc::InvalidArgument, "a command is one line without control characters");
    std::vector<std::string> words;
    std::size_t at = 0;
    while (true) {
        while (at < text.size() && is_blank(text[at])) ++at;
        if (at == text.size()) return words;
        words.push_back(TRY(text[at] == '"' ? take_quoted(text, at) : take_plain(text, at)));
    }
}

Result<std::string> join_command(std::span<const std::string> words) {
    std::string text;
    for (const auto& word : words) {
        if (std::ranges::any_of(word, is_control)) return fail(Errc::InvalidArgument, "an argument must not hold control characters");
        if (!text.empty()) text += ' ';
        const bool plain = !word.empty() && word.find_first_of(" \t\"") == std::string::npos;
        text += plain ? word : in_quotes(word);
    }
    text += '\n';
    if (text.size() > longest_command) return fail(Errc::TooLarge, "the arguments are longer than one command may be (4096 bytes)");
    return text;
}

}  // namespace varve::protocol
