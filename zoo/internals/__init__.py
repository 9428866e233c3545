"""Private interfaces of other libraries that the zoo uses, one module per library.

Each use says why it is needed and which public way was missing. ``tests/internals`` checks that each is still there,
and names the versions on which it was seen to work.
"""
