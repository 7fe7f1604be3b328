#include "tests/remote/collector_under_test.h"

#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "collector/store/engine/open.h"
#include "tests/remote/answers.h"

namespace leadline::collector::remotetest {

CollectorUnderTest::CollectorUnderTest(std::string remote_write_url)
    : remote_write_url_(std::move(remote_write_url)) {
  port_ = PortForRestarts();
  Start();
}

void CollectorUnderTest::Start() {
  registry_ = std::make_shared<prometheus::Registry>();
  if (!remote_write_url_.empty()) {
    auto sender = remote::send::Sender::Open({.target = {.url = remote_write_url_},
                                              .dir = dir_.File("data"),
                                              .histograms = true,
                                              .files = &store::file::PosixFiles(),
                                              .registry = registry_.get()});
    ASSERT_TRUE(sender.ok()) << sender.status();
    sender_ = *std::move(sender);
  }
  auto store = store::engine::OpenStore({.dir = dir_.File("data"),
                                         .tenant_limits = limits_,
                                         .registry = registry_.get(),
                                         .files = sender_ ? &sender_->files() : nullptr});
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
  if (sender_ != nullptr) sender_->Start(store_->queryable());
  writes_ = std::make_unique<remote::write::Receiver>(remote::write::IntakeOptions{
      .store = store_.get(), .registry = registry_.get(), .metadata = &metadata_});
  reads_ = std::make_unique<remote::read::RemoteRead>(
      remote::read::ReadOptions{.queryable = &store_->queryable(), .registry = registry_.get()});
  api::ApiOptions options;
  options.address = fmt::format("127.0.0.1:{}", port_);
  options.registry = registry_;
  options.described = &metadata_;
  options.more_routes = [this](http::Router& router, const promql::Engine&) {
    writes_->AddRoutes(router);
    reads_->AddRoutes(router);
  };
  auto api = api::ApiServer::Start(store_->queryable(), std::move(options));
  ASSERT_TRUE(api.ok()) << api.status();
  api_ = *std::move(api);
}

void CollectorUnderTest::Stop() {
  api_ = nullptr;
  reads_ = nullptr;
  writes_ = nullptr;
  if (sender_ != nullptr) sender_->Stop();
  store_ = nullptr;
  sender_ = nullptr;
}

}  // namespace leadline::collector::remotetest
