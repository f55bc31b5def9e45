// SPDX-License-Identifier: LGPL-2.1-or-later
// A running volume has an image of its own, which shares its data with the state it began from.
#pragma once

#include "drivers/images/driver.h"

namespace varve::file_reflink {

class ReflinkDriver final : public images::Driver {
public:
    ReflinkDriver(api::Method method, std::vector<std::pair<std::string, std::string>> parameters)
        : method_(method), parameters_(std::move(parameters)) {}

    [[nodiscard]] api::Capabilities capabilities() const override;
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> parameters() const override { return parameters_; }

    [[nodiscard]] bool uses(const images::Entry& entry) const override;
    [[nodiscard]] bool fits(const images::Entry& entry, const api::Kind& kind) const override;
    [[nodiscard]] base::Result<api::Identity> identity(const images::VolumeFiles& files, int file,
                                                       const kernel::FileStatus& status) const override;
    [[nodiscard]] base::Result<std::string> revision_file(const images::VolumeFiles& files, const api::Revision& revision) const override;
    [[nodiscard]] std::vector<std::string> leftovers(const images::VolumeFiles& files) const override;

    [[nodiscard]] base::Result<> recover() override { return {}; }
    [[nodiscard]] base::Result<> load(images::VolumeFiles& files, const images::Names& names, images::KnownStates& known,
                                      api::VolumeView& view) override;
    [[nodiscard]] base::Result<> verify(const images::VolumeFiles& files, const images::Names& names, const AddFinding& add) const override;

    [[nodiscard]] base::Result<api::VolumeView> start(images::VolumeFiles& files, const api::VolumeView& present,
                                                      const api::Start& command) override;
    [[nodiscard]] base::Result<api::VolumeView> stop(images::VolumeFiles& files, const api::VolumeView& present,
                                                     const api::Stop& command) override;
    [[nodiscard]] base::Result<api::VolumeView> commit(images::VolumeFiles& files, const api::VolumeView& present,
                                                       const api::Commit& command) override;
    [[nodiscard]] base::Result<api::VolumeView> resize(images::VolumeFiles& files, const api::VolumeView& present,
                                                       base::Bytes size) override;
    [[nodiscard]] base::Result<std::filesystem::path> device(const images::VolumeFiles& files, const api::VolumeView& view) const override;
    [[nodiscard]] base::Result<> prepare_start(images::VolumeFiles& files, const api::VolumeView& present,
                                               const api::Pool::LockIfCurrent& lock_if_current) override;

    [[nodiscard]] base::Result<base::UniqueFd> open_state(const images::VolumeFiles& files, const api::VolumeView& view,
                                                          const api::StateRef& state) const override;
    [[nodiscard]] base::Result<base::UniqueFd> open_to_copy(const images::VolumeFiles& files, const api::VolumeView& view) const override;
    [[nodiscard]] base::Result<base::Bytes> exclusive(const images::VolumeFiles& files, const api::VolumeView& view,
                                                      const api::StateRef& state) const override;
    [[nodiscard]] base::Result<base::Extents> may_differ(const images::VolumeFiles& files, int one, int other) const override;
    [[nodiscard]] base::Result<> drop_prepared(images::VolumeFiles& files) override;
    [[nodiscard]] base::Result<> before_replacing(images::VolumeFiles& files, const api::VolumeView& view) override;
    // Every revision is one.
    [[nodiscard]] base::Result<> make_image_of(images::VolumeFiles&, const api::VolumeView&, const api::Revision&) override { return {}; }

private:
    api::Method method_;
    std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace varve::file_reflink
