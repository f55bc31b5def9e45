// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/board.h"

#include <utility>

namespace varve::vm {

using base::Errc;
using base::fail;
using base::Result;
using base::VmName;
using definitions::Uuid;

namespace {

base::Failure is_in(VmState state, const VmName& vm, std::string_view what) {
    return fail(Errc::Busy, "cannot " + std::string(what) + " " + vm.str() + ": it is " + std::string(name_of(state)));
}

}  // namespace

// ---- claims

Claim::~Claim() { board_.release(vm_); }

VmState Claim::state() const {
    const std::scoped_lock lock(board_.mutex_);
    return board_.rows_[vm_].state;
}

void Claim::set_state(VmState state, const std::string& reason) {
    const std::scoped_lock lock(board_.mutex_);
    board_.set_state(vm_, board_.rows_[vm_], state, reason);
}

void Claim::set_trouble(std::string trouble) {
    const std::scoped_lock lock(board_.mutex_);
    board_.rows_[vm_].trouble = std::move(trouble);
}

void Claim::set_domain(const std::optional<Uuid>& domain) {
    const std::scoped_lock lock(board_.mutex_);
    auto& row = board_.rows_[vm_];
    row.domain = domain;
    row.which_domain = ++board_.domains_;
    row.gone = false;
    row.agent = false;
}

std::optional<Uuid> Claim::domain() const {
    const std::scoped_lock lock(board_.mutex_);
    return board_.rows_[vm_].domain;
}

bool Claim::domain_gone() const {
    const std::scoped_lock lock(board_.mutex_);
    return board_.rows_[vm_].gone;
}

bool Claim::agent_connected() const {
    const std::scoped_lock lock(board_.mutex_);
    return board_.rows_[vm_].agent;
}

// ---- the board

VmInfo Board::info(const VmName& vm) const {
    const std::scoped_lock lock(mutex_);
    const auto found = rows_.find(vm);
    if (found == rows_.end()) return {vm, VmState::Halted, {}, {}};
    const auto& row = found->second;
    return {vm, row.state, row.domain, row.trouble};
}

Result<std::unique_ptr<Claim>> Board::give(const VmName& vm, Row& row) {
    auto wakeup = TRY(Wakeup::make());
    std::unique_ptr<Claim> claim(new Claim(*this, vm, std::move(wakeup)));
    row.claim = claim.get();
    return claim;
}

Result<std::unique_ptr<Claim>> Board::claim(const VmName& vm, const std::set<VmState>& states, std::string_view what) {
    const std::scoped_lock lock(mutex_);
    auto& row = rows_[vm];
    if (row.claim != nullptr && (row.state == VmState::Starting || row.state == VmState::Stopping)) return is_in(row.state, vm, what);
    if (row.claim != nullptr)
        return fail(Errc::Busy, "cannot " + std::string(what) + " " + vm.str() + ": something else is being done with it");
    if (!states.contains(row.state)) return is_in(row.state, vm, what);
    return give(vm, row);
}

Result<std::unique_ptr<Claim>> Board::claim_after_others(const VmName& vm, const std::set<VmState>& states, std::string_view what,
                                                         Deadline deadline) {
    auto claim = TRY(claim_any(vm, deadline));
    const auto state = claim->state();
    if (!states.contains(state)) return is_in(state, vm, what);
    return claim;
}

Result<std::unique_ptr<Claim>> Board::claim_any(const VmName& vm, Deadline deadline) {
    std::unique_lock lock(mutex_);
    if (!moved_.wait_until(lock, deadline, [&] { return rows_[vm].claim == nullptr; }))
        return fail(Errc::TimedOut, "what is being done with " + vm.str() + " takes too long");
    return give(vm, rows_[vm]);
}

Result<std::unique_ptr<Claim>> Board::claim_halted(const VmName& vm, std::string_view what, Deadline deadline) {
    {
        std::unique_lock lock(mutex_);
        (void)moved_.wait_until(lock, deadline, [&] {  // claim() looks again
            const auto& row = rows_[vm];
            return row.state != VmState::Stopping && (row.state != VmState::Halted || row.claim == nullptr);
        });
    }
    return claim(vm, {VmState::Halted}, what);
}

VmState Board::wait_for(const VmName& vm, const std::set<VmState>& states, Deadline deadline) const {
    std::unique_lock lock(mutex_);
    auto state = VmState::Halted;
    (void)moved_.wait_until(lock, deadline, [&] {  // the state tells what came of it
        const auto found = rows_.find(vm);
        state = found == rows_.end() ? VmState::Halted : found->second.state;
        return states.contains(state) && (found == rows_.end() || found->second.claim == nullptr);
    });
    return state;
}

void Board::set_state(const VmName& vm, Row& row, VmState state, const std::string& reason) {
    if (row.state == state) return;
    row.state = state;
    moved_.notify_all();
    watcher_.changed({vm, state, reason});
}

void Board::release(const VmName& vm) {
    const std::scoped_lock lock(mutex_);
    const auto found = rows_.find(vm);
    if (found == rows_.end()) return;
    found->second.claim = nullptr;
    // It went while its claim was about to end.
    if (found->second.gone && found->second.domain) unattended(vm, found->second);
    moved_.notify_all();
}

std::map<VmName, Board::Row>::iterator Board::with_domain(const Uuid& domain) {
    auto found = rows_.begin();
    while (found != rows_.end() && found->second.domain != domain) ++found;
    return found;
}

std::optional<VmName> Board::vm_of(const Uuid& domain) const {
    const std::scoped_lock lock(mutex_);
    for (const auto& [vm, row] : rows_)
        if (row.domain == domain) return vm;
    return std::nullopt;
}

void Board::gone(const VmName& vm, Row& row) {
    row.gone = true;
    if (row.claim != nullptr)
        row.claim->wakeup_.signal();
    else
        unattended(vm, row);
}

void Board::unattended(const VmName& vm, Row& row) {
    set_state(vm, row, VmState::Stopping, "its domain has gone");
    watcher_.unattended(vm);
}

void Board::domain_stopped(const Uuid& domain) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = with_domain(domain); found != rows_.end()) gone(found->first, found->second);
}

void Board::domain_paused(const Uuid& domain, const std::string& why) {
    const std::scoped_lock lock(mutex_);
    const auto found = with_domain(domain);
    if (found == rows_.end()) return;
    if (!why.empty() && found->second.trouble.empty()) found->second.trouble = why;
    if (found->second.state == VmState::Running) set_state(found->first, found->second, VmState::Paused, why);
}

void Board::domain_trouble(const Uuid& domain, const std::string& what) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = with_domain(domain); found != rows_.end()) found->second.trouble = what;
}

void Board::domain_resumed(const Uuid& domain) {
    const std::scoped_lock lock(mutex_);
    const auto found = with_domain(domain);
    if (found == rows_.end() || found->second.state != VmState::Paused) return;
    found->second.trouble.clear();
    set_state(found->first, found->second, VmState::Running, {});
}

void Board::agent_changed(const Uuid& domain, bool connected) {
    const std::scoped_lock lock(mutex_);
    const auto found = with_domain(domain);
    if (found == rows_.end()) return;
    found->second.agent = connected;
    if (found->second.claim != nullptr) found->second.claim->wakeup_.signal();
}

std::vector<Board::HadDomain> Board::domains_of(const std::set<VmName>& vms) const {
    const std::scoped_lock lock(mutex_);
    std::vector<HadDomain> found;
    for (const auto& [vm, row] : rows_)
        if (row.domain && vms.contains(vm)) found.push_back({vm, *row.domain, row.which_domain});
    return found;
}

void Board::not_there(const HadDomain& had) {
    const std::scoped_lock lock(mutex_);
    const auto found = rows_.find(had.vm);
    if (found != rows_.end() && found->second.which_domain == had.which) gone(found->first, found->second);
}

void Board::wake(const std::set<VmName>& vms) const {
    const std::scoped_lock lock(mutex_);
    for (const auto& [vm, row] : rows_)
        if (row.claim != nullptr && vms.contains(vm)) row.claim->wakeup_.signal();
}

void Board::forget(const VmName& vm) {
    const std::scoped_lock lock(mutex_);
    rows_.erase(vm);
    moved_.notify_all();
}

}  // namespace varve::vm
