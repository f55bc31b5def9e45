// SPDX-License-Identifier: LGPL-2.1-or-later
// std::visit with one lambda per alternative; a missing one does not compile.
#pragma once

namespace varve::base {

template <class... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace varve::base
