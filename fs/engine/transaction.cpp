// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/transaction.h"

#include "fs/paths/entry_name.h"

#include <cerrno>
#include <mutex>
#include <utility>

namespace varve::engine {

using base::Errc;
using base::fail;
using base::Result;

Transaction::Transaction(Volumes& volumes, const Processes& processes, VolumeRef volume, std::optional<base::RevisionId> revision,
                         Origin origin, pid_t process)
    : volumes_(volumes),
      processes_(processes),
      volume_(std::move(volume)),
      revision_(std::move(revision)),
      creates_(!origin.committed.valid()),
      process_(process),
      committed_(origin.truncate ? base::UniqueFd() : std::move(origin.committed)),
      committed_size_(origin.size),
      pending_(committed_.valid() ? Pending::Nothing : Pending::Truncation) {}

std::string Transaction::file() const {
    return revision_ ? paths::revision_file(volume_.volume, *revision_) : paths::volume_file(volume_.volume);
}

std::string Transaction::description() const {
    const auto who = process_ == 0 ? std::string("another program") : "process " + std::to_string(process_);
    return volume_.vm->name().str() + "/" + file() + " is open for writing by " + who;
}

// ---- handles

bool Transaction::expect_open() {
    const std::lock_guard lock(life_mutex_);
    if (ended_) return false;
    last_expected_ = std::chrono::steady_clock::now();
    ++expected_;
    return true;
}

void Transaction::expect_no_open() {
    const std::lock_guard lock(life_mutex_);
    --expected_;
}

bool Transaction::opened() {
    const std::lock_guard lock(life_mutex_);
    --expected_;
    if (ended_) return false;
    ++handles_;
    if (flushed_.exchange(not_flushed) != not_flushed) opened_after_flush_ = true;
    return true;
}

bool Transaction::has_handles() const {
    const std::lock_guard lock(life_mutex_);
    return handles_ > 0;
}

// Needs life_mutex_.
bool Transaction::unused() const {
    if (handles_ > 0) return false;
    return expected_ <= 0 || std::chrono::steady_clock::now() - last_expected_ >= volumes_.settings().wait_open;
}

bool Transaction::end_if_abandoned() {
    const std::lock_guard lock(life_mutex_);
    // One that ended by its last release is still committing, and takes itself away.
    if (ended_ || !unused()) return false;
    ended_ = true;
    return true;
}

std::optional<std::chrono::steady_clock::time_point> Transaction::flushed_since() const {
    const auto when = flushed_.load();
    if (when == not_flushed) return std::nullopt;
    return when;
}

std::optional<std::chrono::steady_clock::time_point> Transaction::unsettled_since() const {
    return pending_ == Pending::Nothing ? std::nullopt : flushed_since();
}

Result<> Transaction::released() {
    {
        const std::lock_guard lock(life_mutex_);
        --handles_;
        if (!unused()) return {};
        ended_ = true;
    }
    Result<> outcome;
    {
        const std::lock_guard lock(mutex_);
        if (!spoiled_) outcome = commit();
    }
    volume_.vm->writes().remove(file(), *this);
    return outcome;
}

// ---- data

int Transaction::fd() const { return image_ ? image_->fd() : committed_.get(); }

Result<Readable> Transaction::image() const {
    if (image_) return readable(*image_);
    return Readable{committed_.get(), committed_size_};
}

Result<> Transaction::usable() const {
    if (spoiled_) return base::Failure(*spoiled_);
    return {};
}

// Needs the exclusive lock. After a commit the image belongs to readers: the next write gets a clone of it.
Result<> Transaction::make_private() {
    TRY(usable());
    if (image_ && !image_published_) return {};
    if (image_published_ && revision_) return fail(Errc::ReadOnly, file() + " is restored already, and a revision is read-only");
    const auto content = fd() >= 0 ? std::optional(fd()) : std::nullopt;
    auto image = volume_.vm->pool().driver().create_image(volume_.vm->name(), content);
    if (!image) {
        drop(image.error());
        return base::Failure(std::move(image).error());
    }
    image_ = std::make_unique<api::PrivateImage>(*std::move(image));
    image_published_ = false;
    return {};
}

// Runs `apply` on the private image; an error spoils the transaction, since nobody can say how much of it was done.
template <class Change>
Result<> Transaction::change(const Change& apply) {
    TRY(make_private());
    if (auto applied = apply(image_->storage()); !applied) {
        drop(applied.error());
        return applied;
    }
    pending_ = Pending::Changes;
    time_only_.reset();  // what is written after a time was set has a new one
    flushed_ = not_flushed;
    return {};
}

void Transaction::drop(base::Error reason) {
    spoiled_ = base::with_context(std::move(reason), "the write of " + file() + " is dropped, and the old state stays");
    pending_ = Pending::Dropped;
}

Result<std::size_t> Transaction::read(std::span<char> buffer, base::Bytes offset) const {
    const std::shared_lock lock(mutex_);
    if (image_) return image_->storage().read(buffer, offset);
    if (fd() < 0) return std::size_t{0};
    return read_at(Readable{committed_.get(), committed_size_}, buffer, offset);
}

Result<> Transaction::write(std::span<const char> data, base::Bytes offset, const Writer& writer) {
    {
        const std::shared_lock lock(mutex_);
        TRY(usable());
        if (image_ && !image_published_ && pending_ == Pending::Changes && flushed_.load() == not_flushed &&
            writers_.contains(writer.process)) {
            auto written = image_->storage().write(data, offset);
            if (written) {
                written_.fetch_add(data.size(), std::memory_order_relaxed);
                return {};
            }
            // Falls through: the failure is noted under the exclusive lock, by trying once more.
        }
    }
    const std::lock_guard lock(mutex_);
    if (writer.process != 0) writers_.insert(writer.process);
    TRY(change([&](api::ImageStorage& image) { return image.write(data, offset); }));
    written_.fetch_add(data.size(), std::memory_order_relaxed);
    return {};
}

Result<> Transaction::set_size(base::Bytes size) {
    const std::lock_guard lock(mutex_);
    return change([&](api::ImageStorage& image) { return image.set_size(size); });
}

Result<> Transaction::truncate_again() {
    const std::lock_guard lock(mutex_);
    if (closing()) opened_after_flush_ = true;  // the truncation is a change, after which it closes no more
    if (pending_ == Pending::Truncation) return {};
    return change([&](api::ImageStorage& image) { return image.set_size(base::Bytes{0}); });
}

Result<> Transaction::allocate(int mode, base::Bytes offset, base::Bytes length) {
    const std::lock_guard lock(mutex_);
    TRY(make_private());
    // Refused modes change nothing, so they do not spoil what was written.
    if (auto done = image_->storage().allocate(mode, offset, length); !done) {
        if (done.error().code == Errc::NoSpace || done.error().code == Errc::Io) drop(done.error());
        return done;
    }
    pending_ = Pending::Changes;
    time_only_.reset();
    flushed_ = not_flushed;
    return {};
}

Result<> Transaction::clone_from(int source, base::Bytes source_offset, base::Bytes offset, base::Bytes length, const Writer& writer) {
    const std::lock_guard lock(mutex_);
    TRY(make_private());
    // What cannot be cloned is Unsupported, and the caller copies: no harm done.
    TRY(volume_.vm->pool().driver().clone_range(source, source_offset, *image_, offset, length));
    if (writer.process != 0) writers_.insert(writer.process);
    pending_ = Pending::Changes;
    time_only_.reset();
    flushed_ = not_flushed;
    return {};
}

Result<base::Bytes> Transaction::seek(base::Bytes offset, int whence) const {
    const std::shared_lock lock(mutex_);
    if (fd() < 0) return base::fail_errno(ENXIO, "the image is empty");
    return engine::seek(TRY(image()), offset, whence);
}

Result<> Transaction::set_time(base::Timestamp time) {
    const std::lock_guard lock(mutex_);
    TRY(usable());
    if (pending_ == Pending::Changes) return image_->storage().set_modified(time);
    time_only_ = time;
    return {};
}

Result<struct stat> Transaction::status() const {
    const std::shared_lock lock(mutex_);
    struct stat found {};
    if (image_) found = TRY(engine::status(*image_));
    if (!image_ && fd() >= 0) {
        if (::fstat(fd(), &found) != 0) return base::fail_errno(errno, "cannot look at the state");
        found.st_size = static_cast<off_t>(committed_size_.count);
    }
    if (time_only_) found.st_mtim = time_only_->to_timespec();
    return found;
}

Result<> Transaction::sync(bool data_only) {
    const std::shared_lock lock(mutex_);
    TRY(usable());
    if (!image_) return {};
    return image_->storage().sync(data_only);
}

Result<> Transaction::with_image(const std::function<Result<>(const Readable&)>& use) const {
    const std::shared_lock lock(mutex_);
    if (fd() < 0) return fail(Errc::Unsupported, "the image is empty");
    return use(TRY(image()));
}

// ---- commit

Result<> Transaction::flush(const Writer& writer) {
    const std::lock_guard lock(mutex_);
    auto done = commit_flushed(writer);
    flushed_ = std::chrono::steady_clock::now();
    volume_.vm->writes().changed();
    return done;
}

// Needs the exclusive lock.
Result<> Transaction::commit_flushed(const Writer& writer) {
    TRY(usable());
    // What was only truncated or allocated is the opener's work.
    const auto wrote = writer.process != 0 && (writers_.empty() ? writer.process == process_ : writers_.contains(writer.process));
    if (pending_ != Pending::Nothing && wrote && processes_.killed(writer.thread)) {
        drop(base::Error{Errc::Io, {}, "process " + std::to_string(writer.process) + ", which wrote to it, was killed by a signal"});
        return {};
    }
    if (pending_ == Pending::Changes || time_only_)
        if (auto committed = commit(); !committed) {
            // Another holder of the descriptor may still make the size right; after any other failure close() has told that nothing was kept.
            if (committed.error().code != Errc::InvalidArgument) drop(committed.error());
            return committed;
        }
    return {};
}

// Needs the exclusive lock.
Result<> Transaction::commit() {
    if (pending_ == Pending::Nothing) {
        if (time_only_ && (!revision_ || commit_)) TRY(volumes_.set_time(volume_, revision_, *time_only_));
        time_only_.reset();
        return {};
    }
    TRY(make_private());
    if (time_only_) TRY(image_->storage().set_modified(*std::exchange(time_only_, {})));
    if (revision_) {
        TRY(volumes_.publish(volume_, *image_, api::Publish::AsRevision{*revision_}, this));
        commit_ = api::StateId{};
    } else {
        const auto now = volume_.view();
        const bool same_writing = !opened_after_flush_.exchange(false);
        const bool amends = same_writing && commit_ && now && now->committed && now->committed->id == *commit_;
        const auto after = amends ? TRY(volumes_.publish(volume_, *image_, api::Publish::AsAmendment{}, this))
                                  : TRY(volumes_.publish(volume_, *image_, api::Publish::AsCommitted{}, this));
        if (after && after->committed) commit_ = after->committed->id;
    }
    image_published_ = true;
    creates_ = false;
    pending_ = Pending::Nothing;
    return {};
}

}  // namespace varve::engine
