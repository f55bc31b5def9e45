// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/xenstore/guest_keys.h"

#include <algorithm>

namespace varve::xenstore {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Places {
    Path own;    // what is written here
    Path guest;  // what the guest writes
};

Result<Places> places_of(DomainId domain) {
    const auto own = TRY(below(TRY(home_of(domain)), TRY(Key::parse("varve"))));
    auto guest = TRY(below(own, TRY(Key::parse("guest"))));
    return Places{own, std::move(guest)};
}

Result<bool> has_value(XenStore& store, const Path& path, std::string_view expected) {
    const auto value = store.read(path);
    if (value) return *value == expected;
    if (value.error().code == Errc::NotFound) return false;
    return base::Failure(value.error());
}

}  // namespace

Result<> publish(XenStore& store, DomainId domain, const GuestKeys& keys) {
    const auto places = TRY(places_of(domain));
    std::map<Path, std::string> values;
    for (const auto& [key, value] : keys) values.emplace(TRY(below(places.own, key)), value);
    if (values.contains(places.guest)) return fail(Errc::InvalidArgument, "the key 'guest' is the guest's own");
    const Permissions readable{control_domain, Access::None, {{domain, Access::Read}}};
    return store.transact([&](Tree& tree) -> Result<> {
        TRY(tree.ensure_removed(places.own));
        TRY(tree.ensure_directory(places.own));
        TRY(tree.set_permissions(places.own, readable));
        for (const auto& [path, value] : values) {
            TRY(tree.write(path, value));
            TRY(tree.set_permissions(path, readable));
        }
        TRY(tree.ensure_directory(places.guest));
        return tree.set_permissions(places.guest, {domain});
    });
}

Result<> wait_for_guest(XenStore& store, DomainId domain, const Key& key, std::string_view expected, milliseconds longest,
                        const std::function<bool()>& given_up) {
    constexpr milliseconds between_looks{250};
    const auto until = steady_clock::now() + longest;
    const auto path = TRY(below(TRY(places_of(domain)).guest, key));
    const auto watch = TRY(store.watch(path));
    while (true) {
        if (TRY(has_value(store, path, expected))) return {};
        if (given_up()) return fail(Errc::Interrupted, "nobody waits any more for " + path.str());
        const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
        if (left.count() <= 0) break;
        (void)TRY(watch->wait(std::min(left, between_looks)));  // either way the value is looked at
    }
    return fail(Errc::TimedOut, "the guest did not write '" + std::string(expected) + "' to " + path.str() + " within " +
                                    std::to_string(longest.count()) + " ms");
}

}  // namespace varve::xenstore
