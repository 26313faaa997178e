#include "thread_memory.h"

#include <pthread.h>

#include <cstddef>

#if defined(UPNPD_HAVE_MALLOPT)
#include <malloc.h>
#endif

namespace upnpd::announcer {
namespace {

constexpr std::size_t kStackBytes = 1024 * 1024;

#if defined(UPNPD_HAVE_MALLOPT)
void share_one_heap() {
  ::mallopt(M_ARENA_MAX, 1);
}
#else
void share_one_heap() {}
#endif

}  // namespace

void keep_threads_small() {
  share_one_heap();
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
}

}  // namespace upnpd::announcer
