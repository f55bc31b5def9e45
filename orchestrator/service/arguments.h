// SPDX-License-Identifier: LGPL-2.1-or-later
// The parameters of a method, by name. All errors are InvalidArgument or InvalidName and name the parameter.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace varve::service {

class Arguments {
public:
    // Refuses parameters that are not among the known ones. `params` is an object and outlives this.
    [[nodiscard]] static base::Result<Arguments> of(const nlohmann::json& params, std::span<const std::string_view> known);

    [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
    [[nodiscard]] base::Result<std::string> text(std::string_view name) const;
    [[nodiscard]] base::Result<bool> flag(std::string_view name, bool otherwise) const;
    // A number of milliseconds up to a day.
    [[nodiscard]] base::Result<std::optional<std::chrono::milliseconds>> milliseconds(std::string_view name) const;
    [[nodiscard]] base::Result<std::uint64_t> bytes(std::string_view name) const;
    [[nodiscard]] base::Result<nlohmann::json> object(std::string_view name) const;

    // Any of the checked names.
    template <class Name>
    [[nodiscard]] base::Result<Name> name(std::string_view parameter) const {
        return Name::parse(TRY(text(parameter)));
    }
    template <class Name>
    [[nodiscard]] base::Result<std::optional<Name>> optional_name(std::string_view parameter) const {
        if (!has(parameter)) return std::optional<Name>();
        return std::optional<Name>(TRY(name<Name>(parameter)));
    }

private:
    explicit Arguments(const nlohmann::json& params) : params_(params) {}
    [[nodiscard]] const nlohmann::json* find(std::string_view name) const;

    const nlohmann::json& params_;
};

}  // namespace varve::service
