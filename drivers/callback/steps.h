// SPDX-License-Identifier: LGPL-2.1-or-later
// The steps of a pool's and its volumes' lives around which a program is run.
#pragma once

#include "drivers/base/result.h"

#include <compare>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace varve::callback {

enum class Step { Setup, Destroy, Create, Start, Stop, Remove, Resize, Import, Export };
enum class When { Before, After };

// "start"; "before".
[[nodiscard]] std::string_view name_of(Step step);
[[nodiscard]] std::string_view name_of(When when);

struct Moment {
    When when;
    Step step;
    friend auto operator<=>(const Moment&, const Moment&) = default;
    [[nodiscard]] std::string str() const;  // "before start"
};

using Moments = std::set<Moment>;

// All but those of export, which every open of a state is.
[[nodiscard]] Moments standard_moments();
// From words such as "create start" (both moments of a step, where it has two) or "before-start after-stop", parted by blanks.
// InvalidArgument says what there is.
[[nodiscard]] base::Result<Moments> parse_moments(std::string_view words);

// What stands between blanks.
[[nodiscard]] std::vector<std::string> split_words(std::string_view text);

}  // namespace varve::callback
