#include "nft_batch.h"

#include <doctest/doctest.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "builders.h"

using namespace upnpd::kernel;

namespace {
std::vector<nlmsghdr> heads_of(std::span<const std::byte> bytes) {
  std::vector<nlmsghdr> heads;
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr head;
    std::memcpy(&head, bytes.data(), sizeof head);
    heads.push_back(head);
    REQUIRE(NLMSG_ALIGN(head.nlmsg_len) <= bytes.size());
    bytes = bytes.subspan(NLMSG_ALIGN(head.nlmsg_len));
  }
  CHECK(bytes.empty());
  return heads;
}
}  // namespace

TEST_SUITE("nft_batch") {
  TEST_CASE("messages stand between begin and end, and only the last asks for an acknowledgement") {
    NftBatch batch;
    CHECK(batch.is_empty());
    batch.add_table(kTable);
    batch.flush_set(kMappings);
    CHECK_FALSE(batch.is_empty());
    const auto heads = heads_of(batch.finish());
    REQUIRE(heads.size() == 4);
    CHECK(heads[0].nlmsg_type == NFNL_MSG_BATCH_BEGIN);
    CHECK(heads[3].nlmsg_type == NFNL_MSG_BATCH_END);
    CHECK((heads[1].nlmsg_flags & NLM_F_ACK) == 0);
    CHECK((heads[2].nlmsg_flags & NLM_F_ACK) != 0);
  }

  TEST_CASE("a sequence number tells what its message is for") {
    NftBatch batch;
    batch.add_table(kTable);
    batch.add_element(kMappings, Element{}, NftBatch::Existing::Refused);
    const auto heads = heads_of(batch.finish());
    CHECK(batch.describe(heads[1].nlmsg_seq) == "add table upnpd");
    CHECK(batch.describe(heads[2].nlmsg_seq) == "add element to mappings");
    CHECK(batch.describe(heads[0].nlmsg_seq) == "nf_tables transaction");
    CHECK(batch.describe(99) == "nf_tables transaction");
  }

  TEST_CASE("elements of a set share messages, and what is done to a set stays in its order") {
    NftBatch batch;
    for (int i = 0; i < 1000; ++i) {
      batch.add_element(kSourcePorts, Element{}, NftBatch::Existing::Refused);
      batch.add_element(kMappedClients, Element{}, NftBatch::Existing::Refused);
    }
    batch.delete_element(kSourcePorts, Element{});
    batch.add_element(kSourcePorts, Element{}, NftBatch::Existing::Kept);
    batch.flush_set(kMappedClients);
    const auto heads = heads_of(batch.finish());
    CHECK(heads.size() < 60);
    std::vector<std::string> steps;
    for (std::uint32_t i = 1; i + 1 < heads.size(); ++i) {
      CHECK(heads[i].nlmsg_len <= 16 * 1024);
      if (const std::string step = batch.describe(i); step.find("source_ports") != step.npos)
        steps.push_back(step);
    }
    const auto deleted = std::ranges::find(steps, "delete element from source_ports");
    REQUIRE(deleted != steps.end());
    CHECK(std::count(steps.begin(), deleted, "add element to source_ports") > 5);
    CHECK(std::count(deleted, steps.end(), "add element to source_ports") == 1);
    CHECK(batch.describe(static_cast<std::uint32_t>(heads.size() - 2)) == "flush mapped_clients");
  }

  TEST_CASE("thousands of messages keep their order and their whole length") {
    NftBatch batch;
    for (int i = 0; i < 10'000; ++i)
      batch.flush_set(kSearchRate);
    const auto heads = heads_of(batch.finish());
    REQUIRE(heads.size() == 10'002);
    for (std::uint32_t i = 1; i <= 10'000; ++i)
      REQUIRE(heads[i].nlmsg_seq == i);
  }
}
