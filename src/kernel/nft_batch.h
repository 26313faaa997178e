// One transaction on `table inet upnpd`: messages in their order between NFNL_MSG_BATCH_BEGIN and
// NFNL_MSG_BATCH_END, which the kernel carries out together or not at all. Elements of one set that
// come after each other share a message, whatever of other sets is between them.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "nft_element.h"
#include "nft_owner.h"
#include "nft_rules.h"
#include "nft_sets.h"

namespace upnpd::kernel {

class NftBatch {
 public:
  NftBatch();

  // Adding what is there already changes nothing, where it is the same; the kernel refuses the
  // batch where it differs.
  void add_table(const char* name);                       // of whatever flags
  void add_table(const char* name, std::uint32_t flags);  // NFT_TABLE_F_...
  void add_set(const SetDefinition& definition);
  void add_chain(const ChainDefinition& definition);
  void add_rule(nftnl_rule& rule);

  // An element that is there already: Refused refuses the batch (EEXIST); Kept leaves it as it is
  // when its data is the same, and else refuses the batch (EBUSY, or EEXIST).
  enum class Existing { Refused, Kept };
  void add_element(const char* set, const Element& element, Existing existing);

  void delete_table(const char* name);                           // must be there
  void delete_element(const char* set, const Element& element);  // by its key; must be there
  void flush_rules();                                            // every rule of every chain
  void flush_set(const char* set);

  bool is_empty() const { return steps_.empty() && runs_.empty(); }
  // Ends the batch: it takes no more messages. The bytes live as long as the batch.
  std::span<const std::byte> finish();
  // What the message with this sequence number is for: "add element to mappings".
  std::string describe(std::uint32_t sequence) const;

 private:
  struct Step {
    const char* verb;
    const char* object;
  };
  // Elements of one set that will share a message.
  struct Run {
    int type;
    int flags;
    Step step;
    Owned<nftnl_set> elements;
    std::size_t bytes = 0;  // at most what they take
  };
  void add_table(nftnl_table& table, const char* name);
  nlmsghdr* begin_message(int type, int flags, Step step);
  void end_message(const nlmsghdr* message) { used_ += NLMSG_ALIGN(message->nlmsg_len); }
  void change_element(int type, int flags, Step step, const Element& element);
  Run& run_for(int type, int flags, Step step, std::size_t bytes);
  void write(const Run& run);
  void write_runs();
  nlmsghdr* append_message(int type, int flags, Step step);
  char* free_room();

  std::vector<char> bytes_;
  std::size_t used_ = 0;
  std::size_t last_message_ = 0;
  std::vector<Step> steps_;  // the message with sequence number n is steps_[n - 1]
  std::vector<Run> runs_;    // not yet written, one a set
  std::uint32_t set_count_ = 0;
};

}  // namespace upnpd::kernel
