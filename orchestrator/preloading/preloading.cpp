// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preloading/preloading.h"

#include <algorithm>
#include <utility>

namespace varve::preloading {

using base::Errc;
using base::Result;
using base::VmName;
using preload::RequestId;
namespace event = preload::event;

Preloading::Preloading(Loop& loop, definitions::DefinitionStore& store, vm::Machines& machines, Makers& makers, Records records,
                       SystemSettings system, Report report)
    : loop_(loop),
      store_(store),
      machines_(machines),
      makers_(makers),
      records_(std::move(records)),
      report_(std::move(report)),
      workers_(store, machines, makers, records_),
      system_(std::move(system)),
      preloads_([this] { return take_name(); }),
      vms_(machines.subscribe([this](const vm::VmEvent& heard_of) { loop_.post([this, heard_of] { heard(heard_of); }); })),
      guests_(machines.watch_guests([this](const vm::GuestEvent& heard_of) { loop_.post([this, heard_of] { heard(heard_of); }); })) {
    store_.on_change([this] { loop_.post([this] { look_again(); }); });
}

Preloading::~Preloading() {
    stop();
    store_.on_change({});
    vms_.reset();
    guests_.reset();
    loop_.stop();
}

// ---- what others ask for

void Preloading::begin() {
    loop_.post([this] {
        begun_ = true;
        loop_.work(Work::Short, [this] {
            if (const auto noted = records_.set_begun(); !noted) report_({}, noted.error());
        });
        tell(event::Begin{});
    });
}

RequestId Preloading::request(const VmName& template_vm, Answer answer) {
    std::unique_lock lock(mutex_);
    const auto request = ++last_request_;
    if (stopped_) {
        lock.unlock();
        answer(base::fail(Errc::Interrupted, "the orchestrator ends"));
        return request;
    }
    answers_.emplace(request, std::move(answer));
    lock.unlock();
    loop_.post([this, template_vm, request] { tell(event::Requested{template_vm, request}); });
    return request;
}

void Preloading::cold_start_ended(RequestId request) {
    loop_.post([this, request] { tell(event::ColdStartEnded{request}); });
}

void Preloading::refresh(const VmName& template_vm) {
    loop_.post([this, template_vm] { tell(event::Refresh{template_vm}); });
}

void Preloading::suspend(Done done) {
    const auto wait = add_wait(std::nullopt, std::move(done));
    if (!wait) return;
    loop_.post([this, wait = *wait] {
        begin_wait(wait);
        suspended_ = true;
        tell(event::HostSuspends{});
    });
}

std::optional<Preloading::WaitId> Preloading::add_wait(std::optional<VmName> template_vm, Done done) {
    std::unique_lock lock(mutex_);
    if (!stopped_) {
        waits_.emplace(++last_wait_, Wait{std::move(template_vm), std::move(done)});
        return last_wait_;
    }
    lock.unlock();
    done();
    return {};
}

void Preloading::begin_wait(WaitId wait) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = waits_.find(wait); found != waits_.end()) found->second.begun = true;
}

void Preloading::resume() {
    loop_.post([this] {
        suspended_ = false;
        tell(event::HostResumed{});
    });
}

void Preloading::retire(const VmName& template_vm, Done done) {
    const auto wait = add_wait(template_vm, std::move(done));
    if (!wait) return;
    loop_.post([this, template_vm, wait = *wait] {
        begin_wait(wait);
        retired_.insert(template_vm);
        settings_.templates.erase(template_vm);
        tell(event::SettingsChanged{settings_});
    });
}

void Preloading::unretire(const VmName& template_vm) {
    loop_.post([this, template_vm] {
        retired_.erase(template_vm);
        look_again();
    });
}

Status Preloading::status() const {
    const std::scoped_lock lock(mutex_);
    return status_;
}

bool Preloading::holds(const VmName& vm) const {
    const std::scoped_lock lock(mutex_);
    return held_.contains(vm);
}

bool Preloading::keeps(const VmName& vm) const {
    const std::scoped_lock lock(mutex_);
    return kept_.contains(vm);
}

void Preloading::answer(RequestId request, Result<std::optional<VmName>> outcome) {
    Answer answer;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = answers_.find(request);
        if (found == answers_.end()) return;  // answered when the orchestrator was to end
        answer = std::move(found->second);
        answers_.erase(found);
    }
    answer(std::move(outcome));
}

void Preloading::stop() {
    std::map<RequestId, Answer> answers;
    std::map<WaitId, Wait> waits;
    {
        const std::scoped_lock lock(mutex_);
        stopped_ = true;
        answers.swap(answers_);
        waits.swap(waits_);
    }
    for (const auto& [request, answer] : answers) answer(base::fail(Errc::Interrupted, "the orchestrator ends"));
    for (const auto& [number, wait] : waits) wait.done();
}

// ---- what definitions and mount say

Preloading::Stock Preloading::take_stock(const Question& question) const {
    Stock stock;
    const auto all = store_.snapshot();
    stock.settings = settings_of(all, question.system, question.retired);
    for (const auto& [name, settings] : stock.settings.templates) {
        if (auto inherited = inherited_from(all.at(name))) stock.inherited.emplace(name, *std::move(inherited));
        if (preload::wanted(stock.settings, name) > 0 && !question.known.contains(name)) stock.origins.emplace(name, makers_.look(name));
    }
    return stock;
}

void Preloading::look_again() {
    look_again_ = looking_;
    if (std::exchange(looking_, true)) return;
    Question question{system_, retired_, {}};
    for (const auto& [name, origin] : origins_)
        if (!stale_.contains(name)) question.known.insert(name);
    stale_.clear();
    loop_.work(Work::Short, [this, question = std::move(question)] {
        loop_.post([this, stock = take_stock(question)]() mutable {
            looking_ = false;
            apply(std::move(stock));
            bool again = std::exchange(look_again_, false);
            for (const auto& volume : std::exchange(changed_meanwhile_, {})) again = outdate_origins(volume) || again;
            if (again) look_again();
        });
    });
}

void Preloading::apply(Stock stock) {
    for (const auto& name : retired_) stock.settings.templates.erase(name);
    for (auto& [name, origin] : stock.origins) {
        if (!origin) {
            stale_.insert(name);
            troubles_[name] = "what its disposables start from cannot be found out: " + origin.error().message();
            continue;
        }
        troubles_.erase(name);
        auto content = origin->content;
        origins_.insert_or_assign(name, *std::move(origin));
        tell(event::ContentChanged{name, std::move(content)});
    }
    const auto before = std::exchange(inherited_, std::move(stock.inherited));
    for (const auto& [name, form] : inherited_)
        if (const auto known = before.find(name); known != before.end() && known->second != form) tell(event::PropertyChanged{name});
    // Nobody looks at what they would start from while none is wanted: it is another by then.
    const auto unwanted = [&](const auto& each) {
        return !inherited_.contains(each.first) || preload::wanted(stock.settings, each.first) == 0;
    };
    std::erase_if(origins_, unwanted);
    std::erase_if(troubles_, unwanted);
    // Without knowing what they start from, none is begun.
    std::erase_if(stock.settings.templates,
                  [&](const auto& each) { return preload::wanted(stock.settings, each.first) > 0 && !origins_.contains(each.first); });
    if (stock.settings == settings_) return publish();
    settings_ = std::move(stock.settings);
    tell(event::SettingsChanged{settings_});
}

void Preloading::set_system(SystemSettings system) {
    loop_.post([this, system = std::move(system)]() mutable {
        system_ = std::move(system);
        look_again();
    });
}

void Preloading::volume_changed(const std::optional<base::VolumeId>& volume) {
    loop_.post([this, volume] {
        if (looking_) changed_meanwhile_.insert(volume);
        (void)outdate_origins(volume);
        if (!stale_.empty()) look_again();
    });
}

bool Preloading::outdate_origins(const std::optional<base::VolumeId>& volume) {
    bool any = false;
    for (const auto& [name, origin] : origins_) {
        if (volume && !origin.volumes.contains(*volume)) continue;
        stale_.insert(name);
        any = true;
    }
    return any;
}

// ---- what happens to VMs

void Preloading::heard(const vm::VmEvent& heard_of) {
    const auto found = entries_.find(heard_of.vm);
    if (found == entries_.end()) {
        if (heard_of.state == vm::VmState::Halted && preloads_.starved()) ask_memory();
        return;
    }
    auto& entry = found->second;
    if (entry.busy) return;  // who has it finds out
    // Nothing else of what is stuck: an end that fails is heard of, too.
    if (entry.unknown && heard_of.state != vm::VmState::Unknown) return became_known(heard_of.vm, entry, heard_of.state);
    if (heard_of.state == vm::VmState::Halted || heard_of.state == vm::VmState::Stopping) tell(event::Gone{heard_of.vm});
}

// After it was paused by us, whoever resumes it uses it. Told by the hypervisor in its order: what it says of the start may come late.
void Preloading::heard(const vm::GuestEvent& heard_of) {
    const auto found = entries_.find(heard_of.vm);
    if (found == entries_.end() || found->second.visible || found->second.doomed) return;
    auto& entry = found->second;
    if (!heard_of.runs) {
        entry.armed = entry.ran;
        return;
    }
    entry.resumed = entry.armed;
    entry.ran = true;
    if (!entry.resumed || entry.busy) return;
    tell(event::Resumed{heard_of.vm});
    use(heard_of.vm);
}

void Preloading::ask_memory() {
    if (settings_.templates.empty() || std::exchange(asking_memory_, true)) return;
    loop_.work(Work::Short, [this, any = settings_.templates.begin()->first] {
        loop_.post([this, free = machines_.free_memory(any, {})] {
            asking_memory_ = false;
            if (free) tell(event::MemoryChanged{*free});
        });
    });
}

// ---- after each event

void Preloading::tell(const preload::Event& event) {
    for (const auto& action : preloads_.handle(event, loop_.now())) std::visit([this](const auto& each) { carry_out(each); }, action);
    publish();
    check_waits();
    plan_wakeup();
}

void Preloading::plan_wakeup() {
    auto next = preloads_.next_wakeup();
    if (!preloads_.starved())
        memory_at_.reset();
    else if (!memory_at_)
        memory_at_ = loop_.now() + between_memory_questions;
    for (const auto& time : {memory_at_, end_again_at_})
        if (time && (!next || *time < *next)) next = time;
    loop_.wake_at(next, [this] { woken(); });
}

void Preloading::woken() {
    const auto now = loop_.now();
    if (memory_at_ && *memory_at_ <= now) {
        memory_at_.reset();
        ask_memory();
    }
    if (end_again_at_ && *end_again_at_ <= now) end_again();
    tell(event::Woken{});
}

void Preloading::publish() {
    Status status{begun_, suspended_, preloads_.starved(), {}};
    std::set<VmName> names;
    for (const auto& name : preloads_.templates()) names.insert(name);
    for (const auto& [name, trouble] : troubles_) names.insert(name);
    for (const auto& name : names) {
        const auto trouble = troubles_.find(name);
        TemplateStatus one{name, preload::wanted(settings_, name), preloads_.list(name),
                           trouble == troubles_.end() ? preloads_.trouble(name) : trouble->second};
        if (one.max > 0 || !one.preloads.empty() || !one.trouble.empty()) status.templates.push_back(std::move(one));
    }
    std::set<VmName> held;
    std::set<VmName> kept;
    for (const auto& [name, entry] : entries_) {
        kept.insert(name);
        if (!entry.visible) held.insert(name);
    }
    const std::scoped_lock lock(mutex_);
    status_ = std::move(status);
    held_ = std::move(held);
    kept_ = std::move(kept);
}

void Preloading::check_waits() {
    const auto under_way = [&](const Wait& wait) {
        return std::ranges::any_of(entries_, [&](const auto& each) {
            const auto& entry = each.second;
            return !entry.stuck && !entry.unknown && !entry.visible && (!wait.template_vm || entry.record.template_vm == *wait.template_vm);
        });
    };
    std::vector<Done> over;
    {
        const std::scoped_lock lock(mutex_);
        std::erase_if(waits_, [&](const auto& each) {
            const auto& wait = each.second;
            const bool is_over = wait.begun && !under_way(wait);
            if (is_over) over.push_back(wait.done);
            return is_over;
        });
    }
    for (const auto& done : over) done();
}

}  // namespace varve::preloading
