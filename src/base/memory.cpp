#include "memory.h"

#include <malloc.h>

namespace upnpd::base {

#ifdef __GLIBC__
void give_back_memory() {
  ::malloc_trim(0);
}
#else
void give_back_memory() {}  // musl gives back by itself
#endif

}  // namespace upnpd::base
