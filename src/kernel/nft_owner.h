// Owners of libnftnl's objects. Allocation fails only when there is no memory; then we end.
#pragma once

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include <cstdlib>
#include <memory>

namespace upnpd::kernel {

struct NftnlFree {
  void operator()(nftnl_table* table) const { nftnl_table_free(table); }
  void operator()(nftnl_chain* chain) const { nftnl_chain_free(chain); }
  void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
  void operator()(nftnl_set* set) const { nftnl_set_free(set); }
  void operator()(nftnl_set_elem* element) const { nftnl_set_elem_free(element); }
  void operator()(nftnl_expr* expression) const { nftnl_expr_free(expression); }
};

template <class Object>
using Owned = std::unique_ptr<Object, NftnlFree>;

// Takes what an nftnl_..._alloc() returned.
template <class Object>
Owned<Object> own(Object* object) {
  if (object == nullptr) std::abort();
  return Owned<Object>(object);
}

}  // namespace upnpd::kernel
