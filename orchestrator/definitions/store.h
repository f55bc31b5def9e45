// SPDX-License-Identifier: LGPL-2.1-or-later
// All definitions: <state directory>/vms/<VM>.toml, one file each; and beside them, in remakes, what is done with them and the pools together.
#pragma once

#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/definitions/remakes.h"
#include "orchestrator/definitions/rules.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace varve::definitions {

// What is wrong with a file; `usable` when the VM is loaded all the same (its references are wrong, which its start refuses).
struct Trouble {
    std::filesystem::path file;
    std::string what;  // "line 3: ...; line 7: ..."
    bool usable = false;
};

// Answers from memory. Thread-safe; changes are one at a time and durable when they return. After a crash each VM has its old definition or
// its new one; a rename that was under way is finished by open(). One process at a time may have a store open (the orchestrator's lock).
class DefinitionStore {
public:
    // Makes the directory when it is missing. A file that is no definition is left out, and left alone.
    [[nodiscard]] static base::Result<std::unique_ptr<DefinitionStore>> open(const std::filesystem::path& state_directory);

    [[nodiscard]] std::vector<VmDefinition> all() const;  // in the order of their names
    [[nodiscard]] Definitions snapshot() const;
    [[nodiscard]] base::Result<VmDefinition> find(const base::VmName& vm) const;  // NotFound
    [[nodiscard]] std::vector<Trouble> troubles() const;                          // as found by open()
    // Whether there is a definition, or a file in its place that is none.
    [[nodiscard]] base::Result<bool> is_taken(const base::VmName& vm) const;

    // Exists, also when the name's file is there and no definition; Busy while a rename or clone that has the name is not done; else as
    // check_change().
    [[nodiscard]] base::Result<> create(const VmDefinition& vm);
    // NotFound; InvalidArgument and Busy as check_change(). The second form changes keys (with_changes()), all or none, and returns the result.
    [[nodiscard]] base::Result<> replace(const VmDefinition& vm);
    [[nodiscard]] base::Result<VmDefinition> set(const base::VmName& vm, const std::vector<Change>& changes);
    // Those of a VM whose domain has them already. NotFound.
    [[nodiscard]] base::Result<> set_interfaces(const base::VmName& vm, const std::vector<Interface>& interfaces);
    // NotFound; Busy as check_removable().
    [[nodiscard]] base::Result<> remove(const base::VmName& vm);
    // All references follow. NotFound, Exists. After an error it may be that it is begun, which is to say that the next change or open() finishes it.
    [[nodiscard]] base::Result<> rename(const base::VmName& vm, const base::VmName& to);
    [[nodiscard]] base::Result<bool> is_rename_begun() const;
    // A definition of its own: another UUID, no MAC addresses, and no preload settings. NotFound, Exists.
    [[nodiscard]] base::Result<VmDefinition> clone(const base::VmName& vm, const base::VmName& to);

    [[nodiscard]] Remakes& remakes() { return *remakes_; }

    // Called after each change, in the thread that made it, without the lock of the definitions: it only notes that there was one. When on_change()
    // has returned, the one before is called no more.
    void on_change(std::function<void()> listener);

private:
    explicit DefinitionStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

    // Tells the listener at its end, which comes after the lock's.
    class Telling {
    public:
        explicit Telling(const DefinitionStore& store) : store_(store) {}
        ~Telling() { store_.tell(); }
        Telling(const Telling&) = delete;
        Telling& operator=(const Telling&) = delete;

    private:
        const DefinitionStore& store_;
    };

    void tell() const;
    [[nodiscard]] std::filesystem::path file_of(const base::VmName& vm) const { return directory_ / (vm.str() + ".toml"); }
    [[nodiscard]] std::filesystem::path rename_intent() const { return directory_ / ".rename.toml"; }
    [[nodiscard]] base::Result<> load();
    void load_file(const std::filesystem::path& file);
    [[nodiscard]] base::Result<> finish_rename();
    [[nodiscard]] base::Result<> carry_out_rename(const base::VmName& vm, const base::VmName& to);
    // With the lock held.
    [[nodiscard]] base::Result<VmDefinition> find_locked(const base::VmName& vm) const;
    [[nodiscard]] base::Result<> check_free(const base::VmName& vm) const;
    [[nodiscard]] base::Result<> write(const VmDefinition& vm);

    std::filesystem::path directory_;
    std::unique_ptr<Remakes> remakes_;
    std::vector<Trouble> troubles_;
    mutable std::mutex mutex_;
    Definitions definitions_;  // under the mutex
    mutable std::mutex telling_;
    std::function<void()> changed_;  // under `telling_`, which is never held with the other
};

}  // namespace varve::definitions
