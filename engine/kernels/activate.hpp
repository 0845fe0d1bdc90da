// An activation by its number, on whole registers in place: products end with it.
// One function per type and not inlined: the switch and nine loops exist once, not in every tile.
#pragma once

#include "formulas.hpp"

namespace RESPNET_LEVEL {

template <class R> __attribute__((noinline)) void activate(int number, vec<R> *v, int64_t count) {
    with_activation(number, [&](auto tag) {
        for (int64_t i = 0; i < count; i++) v[i] = decltype(tag)::forward(v[i]);
    });
}

} // namespace RESPNET_LEVEL
