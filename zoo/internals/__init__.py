"""What the zoo uses of other libraries beyond their public interfaces, one module a library.

Each use says why it is needed and which public way was missing. ``tests/internals`` checks that each is still there,
and names the versions on which it was seen to work.
"""
