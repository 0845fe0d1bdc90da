# cython: language_level=3
"""Words of inline commands: blanks, quotes, escapes, as redis-cli types them."""


cdef inline bint is_space(char c) noexcept nogil:
    return c == c" " or c"\t" <= c <= c"\r"


cdef inline int hex_value(char c) noexcept nogil:
    if c"0" <= c <= c"9":
        return c - c"0"
    c |= 0x20
    return c - c"a" + 10 if c"a" <= c <= c"f" else -1


cdef inline char escaped(char c) noexcept nogil:
    if c == c"n":
        return c"\n"
    if c == c"r":
        return c"\r"
    if c == c"t":
        return c"\t"
    if c == c"b":
        return c"\b"
    return c"\a" if c == c"a" else c


cdef inline int unquote(const char** at, const char* end, char** out) noexcept nogil:
    """Copies what is between quotes; ``at`` moves from the opening behind the closing quote."""
    cdef const char* p = at[0] + 1
    cdef char quote = at[0][0]
    cdef char* q = out[0]
    while p < end and p[0] != quote:
        if quote == c"'" and p[0] == c"\\" and end - p > 1 and p[1] == c"'":
            p += 1
        elif quote == c'"' and p[0] == c"\\" and end - p > 1:
            p += 1
            if p[0] == c"x" and end - p > 2 and hex_value(p[1]) >= 0 and hex_value(p[2]) >= 0:
                q[0] = <char>(hex_value(p[1]) * 16 + hex_value(p[2]))
                q, p = q + 1, p + 3
                continue
            q[0] = escaped(p[0])
            q, p = q + 1, p + 1
            continue
        q[0] = p[0]
        q, p = q + 1, p + 1
    if p == end or (p + 1 < end and not is_space(p[1])):
        return 0
    at[0], out[0] = p + 1, q
    return 1
