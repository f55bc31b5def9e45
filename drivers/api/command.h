// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything that can be done to one volume. A new command does not compile until every driver and rule handles it.
#pragma once

#include "drivers/api/private_image.h"
#include "drivers/api/retention.h"
#include "drivers/api/view.h"

#include <optional>
#include <variant>

namespace varve::api {

// Makes the volume. An origin gets a zeroed state of config.size bytes; the other kinds get no state.
struct Create {
    VolumeConfig config;
};

// Removes the committed state, or the volume itself when its kind has none.
struct RemoveCommitted {};
struct RemoveRevision {
    base::RevisionId revision;
};

// What a snapshot really starts from. Its own source may be a snapshot too, which has no state: `where` is the end of that chain, with the
// revision if the last step is fixed to one, and `view` is the present view of that volume.
struct StartSource {
    Source where;
    const VolumeView* view;
};

// `source` is for the kinds that start from one, and absent when it does not exist. A dirty session is continued and needs none.
struct Start {
    std::optional<StartSource> source = {};
};

// Ends the session. Commit makes a new state (kinds that save; none when nothing was written), Discard drops what was written.
// Commit then prunes by `retention`.
struct Stop {
    enum class Outcome { Commit, Discard };
    Outcome outcome = Outcome::Commit;
    Retention retention;
};

// Makes what the VM of a started session has written so far the committed state, in one moment; the session goes on. What the VM still holds in its
// memory is not in it. The present state is kept as a revision; no state is made when nothing was written. Prunes by `retention`.
struct Commit {
    Retention retention;
};

// Makes a revision the committed state.
struct Revert {
    enum class Revision { Move, Keep };           // Keep: the revision also stays under its name
    enum class Present { KeepAsRevision, Drop };  // Drop only undoes a state that no one was told about
    base::RevisionId revision;
    Revision source = Revision::Move;
    Present present = Present::KeepAsRevision;
};

// Grows the volume: the committed state of a halted one, the session of a running one, the configured size of a volatile one.
struct Resize {
    base::Bytes size;
};

// Takes a labelled, pinned revision of the committed state now.
struct TakeSnapshot {
    base::Label label;
};

// Pins a revision under a label, or renames a label.
struct RenameRevision {
    base::RevisionId from;
    base::Label to;
};

// Makes a private image, whose data the driver syncs first, a state.
struct Publish {
    struct AsCommitted {};  // the present state is kept as a revision, marked as replaced by the mount
    struct AsAmendment {};  // the present state, published by the same transaction, is dropped
    struct AsRevision {
        base::RevisionId id;
    };                              // a restored revision; its time becomes the state's
    PrivateImage* image = nullptr;  // on success image->published() has been called
    std::variant<AsCommitted, AsAmendment, AsRevision> target;
};

// Sets the time of the committed state, or of a revision.
struct SetTime {
    std::optional<base::RevisionId> revision;
    base::Timestamp modified;
};

struct Configure {
    VolumeConfig config;
};

// Removes what `retention` says can go.
struct Prune {
    Retention retention;
};

using Command = std::variant<Create, RemoveCommitted, RemoveRevision, Start, Stop, Commit, Revert, Resize, TakeSnapshot, RenameRevision,
                             Publish, SetTime, Configure, Prune>;

// "start", "stop", ...: for messages and the log.
[[nodiscard]] std::string_view command_name(const Command& command);

}  // namespace varve::api
