// Put before every source of a build for size (meson.build). libstdc++'s assertions name the file,
// the function and the condition that failed: a sixth of the binary is that text and the code that
// hands it over. Here a failed one only traps, which ends the process in the same way.
#pragma once

#include <bits/c++config.h>

#ifdef __glibcxx_assert
#undef __glibcxx_assert
#define __glibcxx_assert(condition)                                  \
  do {                                                               \
    if (__builtin_expect(!bool(condition), false)) __builtin_trap(); \
  } while (false)
#endif

// With assertions every binary has std::string's functions of its own; the library's serve as well.
#undef _GLIBCXX_EXTERN_TEMPLATE
#define _GLIBCXX_EXTERN_TEMPLATE 1
