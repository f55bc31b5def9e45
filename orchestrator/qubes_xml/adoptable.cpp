// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/qubes_xml/adoptable.h"

#include "fs/protocol/names.h"
#include "orchestrator/qubes_xml/vid.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

namespace varve::qubes_xml {
namespace {

using base::VolumePath;

// Names are quoted in messages no longer than this.
constexpr std::size_t longest_quote = 80;

std::string quoted(std::string_view text) {
    return "'" + std::string(text.substr(0, longest_quote)) + (text.size() > longest_quote ? "..." : "") + "'";
}

struct Flags {
    bool snap_on_start = false;
    bool save_on_stop = false;
    bool rw = false;
};

// What Qubes takes for flags that are absent: R4.0 wrote only those that are true.
Flags defaults_for(std::string_view klass, std::string_view volume) {
    if (volume == protocol::kind::volatile_volume) return {false, false, true};
    const bool root = volume == "root";
    if (!root && volume != "private") return {};
    if (klass == "TemplateVM" || klass == "StandaloneVM") return {false, true, true};
    if (klass == "AppVM") return {root, !root, true};
    if (klass == "DispVM") return {true, false, true};
    return {};
}

Kind kind_of(const Flags& flags) {
    if (flags.snap_on_start) return flags.save_on_stop ? Kind::OriginSnapshot : Kind::Snapshot;
    return flags.save_on_stop ? Kind::Origin : Kind::Volatile;
}

bool starts_from_source(Kind kind) { return kind == Kind::Snapshot || kind == Kind::OriginSnapshot; }

struct Draft {
    const Domain* domain;
    const VolumeElement* element;
    Volume volume;
};

class Judge {
public:
    Judge(const Document& document, const std::string& pool) : document_(document), pool_(pool) {
        for (const auto& element : document.pools)
            if (element.name == pool) pool_element_ = &element;
        for (const auto& domain : document.domains) domains_.emplace(domain.name, &domain);
    }

    tl::expected<Adoptable, std::vector<settings::Mistake>> judge() {
        for (const auto& domain : document_.domains) take(domain);
        for (auto& [path, draft] : drafts_)
            if (starts_from_source(draft.volume.kind)) draft.volume.source = source_of(draft);
        refuse_circles();
        if (!mistakes_.none()) return tl::unexpected(mistakes_.take());
        for (auto& [path, draft] : drafts_) result_.volumes.push_back(std::move(draft.volume));
        return std::move(result_);
    }

private:
    void take(const Domain& domain) {
        std::set<std::string_view> names;
        bool ours = false;
        for (const auto& element : domain.volumes) {
            if (!names.insert(element.value("name")).second)
                mistakes_.add(element.line, quoted(domain.name) + " has two volumes called " + quoted(element.value("name")));
            if (element.value("pool") != pool_) continue;
            ours = true;
            if (!is_unnamed_disposable(domain)) take(domain, element);
        }
        if (ours && is_unnamed_disposable(domain))
            result_.omissions.push_back({domain.name, "it is a disposable that Qubes removes when it has shut down"});
    }

    static bool is_unnamed_disposable(const Domain& domain) { return domain.klass == "DispVM" && domain.auto_cleanup; }

    void take(const Domain& domain, const VolumeElement& element) {
        auto path = mistakes_.check(element.line, "the vid " + quoted(element.value("vid")), parse_vid(element.value("vid")));
        if (!path) return;
        if (path->volume.str() != element.value("name")) {
            mistakes_.add(element.line,
                          "the vid " + quoted(element.value("vid")) + " is not that of a volume called " + quoted(element.value("name")));
            return;
        }
        const auto flags = flags_of(domain, element);
        Volume volume{domain.name, *path, kind_of(flags), {}, size_of(element), {}, flags.rw, false};
        volume.revisions_to_keep = keep_of(element, volume.kind);
        volume.ephemeral = ephemeral_of(element, volume);
        if (volume.kind == Kind::Volatile && (!element.has("size") || element.value("size") == "0"))
            mistakes_.add(element.line, "a volatile volume needs a size");
        if (!drafts_.emplace(*path, Draft{&domain, &element, std::move(volume)}).second) {
            mistakes_.add(element.line, "a second volume " + path->str() + " in this pool");
            return;
        }
        vids_.emplace(element.value("vid"), *path);
        by_name_.emplace(std::pair(&domain, element.value("name")), *path);
    }

    // ---- values
    bool flag(const VolumeElement& element, std::string_view name, bool otherwise) {
        if (!element.has(name)) return otherwise;
        const auto text = element.value(name);
        if (text != "True" && text != "False")
            mistakes_.add(element.line, std::string(name) + " is " + quoted(text) + ", not True or False");
        return text == "True";
    }

    Flags flags_of(const Domain& domain, const VolumeElement& element) {
        const auto otherwise = defaults_for(domain.klass, element.value("name"));
        return {flag(element, "snap_on_start", otherwise.snap_on_start), flag(element, "save_on_stop", otherwise.save_on_stop),
                flag(element, "rw", otherwise.rw)};
    }

    // Nothing, and a mistake, unless the whole text is a number within the bounds.
    std::optional<std::int64_t> number(const VolumeElement& element, std::string_view name, std::int64_t least, std::int64_t most) {
        const auto text = element.value(name);
        std::int64_t value = 0;
        const auto* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, value);
        if (read.ec == std::errc{} && read.ptr == end && value >= least && value <= most) return value;
        mistakes_.add(element.line, std::string(name) + " is " + quoted(text) + ", not a number from " + std::to_string(least) + " to " +
                                        std::to_string(most));
        return {};
    }

    base::Bytes size_of(const VolumeElement& element) {
        if (!element.has("size")) return {};
        const auto largest = static_cast<std::int64_t>(base::largest_volume.count);
        const base::Bytes size{static_cast<std::uint64_t>(number(element, "size", 0, largest).value_or(0))};
        if (!size.whole_sectors()) mistakes_.add(element.line, "size is " + std::to_string(size.count) + ", not a multiple of 512");
        return size;
    }

    std::optional<std::int64_t> keep_of(const VolumeElement& element, Kind kind) {
        constexpr std::int64_t most = 1'000'000;
        if (!element.has("revisions_to_keep")) return {};
        const auto keep = number(element, "revisions_to_keep", -1, most);
        // Qubes disregards it for the others.
        return keep == -1 && kind != Kind::Origin ? std::nullopt : keep;
    }

    bool ephemeral_of(const VolumeElement& element, const Volume& volume) {
        const bool possible = volume.kind == Kind::Volatile && volume.rw;
        const auto of_pool = pool_element_ == nullptr ? Attributes::const_iterator{} : pool_element_->attributes.find("ephemeral_volatile");
        const bool otherwise = pool_element_ != nullptr && of_pool != pool_element_->attributes.end() && of_pool->second == "True";
        const bool wanted = flag(element, "ephemeral", possible && otherwise);
        if (wanted && !possible) mistakes_.add(element.line, "only a volatile volume that may be written can be ephemeral");
        return wanted && possible;
    }

    // ---- sources
    const Draft* draft_of(std::string_view vid) const {
        const auto path = vids_.find(vid);
        const auto found = path == vids_.end() ? drafts_.end() : drafts_.find(path->second);
        return found == drafts_.end() ? nullptr : &found->second;
    }

    std::optional<VolumePath> source_of(const Draft& draft) {
        const auto vid = draft.element->value("source");
        const auto* const source = vid.empty() ? templates_volume(draft) : draft_of(vid);
        const auto refuse = [&](const std::string& why) {
            mistakes_.add(draft.element->line, draft.volume.volume.str() + ": " + why);
            return std::nullopt;
        };
        if (source == nullptr)
            return refuse(vid.empty() ? "it starts from a source, and names none"
                                      : "its source " + quoted(vid) + " is no volume of the pool " + quoted(pool_));
        if (source->volume.kind == Kind::Volatile)
            return refuse("its source " + quoted(vid) + " is volatile: it never has a state to start from");
        return source->volume.volume;
    }

    // As Qubes finds it: the volume of that name in the template, or in the template's template, which keeps what is written.
    const Draft* templates_volume(const Draft& draft) const {
        constexpr int longest_chain = 8;  // Qubes has three: disposable, app, template
        const auto* domain = draft.domain;
        for (int step = 0; step < longest_chain; ++step) {
            const auto above = domains_.find(domain->template_name);
            if (above == domains_.end()) return nullptr;
            domain = above->second;
            const auto path = by_name_.find(std::pair(domain, draft.element->value("name")));
            if (path == by_name_.end()) return nullptr;
            const auto& found = drafts_.at(path->second);
            if (!starts_from_source(found.volume.kind)) return &found;
        }
        return nullptr;
    }

    // Each volume starts from at most one. A circle is told once.
    void refuse_circles() {
        std::set<VolumePath> good;
        for (const auto& [start, draft] : drafts_) {
            std::set<VolumePath> trail;
            const auto* at = &draft;
            while (at != nullptr && !good.contains(at->volume.volume) && trail.insert(at->volume.volume).second)
                at = at->volume.source ? &drafts_.at(*at->volume.source) : nullptr;
            if (at != nullptr && !good.contains(at->volume.volume))
                mistakes_.add(draft.element->line, start.str() + ": its sources lead in a circle");
            good.merge(trail);
        }
    }

    const Document& document_;
    const std::string& pool_;
    const PoolElement* pool_element_ = nullptr;
    settings::Mistakes mistakes_;
    std::map<VolumePath, Draft> drafts_;
    std::map<std::string_view, const Domain*> domains_;
    std::map<std::string_view, VolumePath> vids_;
    std::map<std::pair<const Domain*, std::string_view>, VolumePath> by_name_;
    Adoptable result_;
};

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::Volatile: return protocol::kind::volatile_volume;
        case Kind::Snapshot: return protocol::kind::snapshot;
        case Kind::Origin: return protocol::kind::origin;
        case Kind::OriginSnapshot: break;
    }
    return protocol::kind::origin_snapshot;
}

tl::expected<Adoptable, std::vector<settings::Mistake>> adoptable(const Document& document, const std::string& pool) {
    return Judge(document, pool).judge();
}

}  // namespace varve::qubes_xml
