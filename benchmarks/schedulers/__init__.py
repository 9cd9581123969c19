"""Schedulers side by side. Each module runs the shapes of `shapes.py` in its own way, and `serve.py` measures it.

A module has two functions:

    prepare(shape, size)    whatever can be done beforehand, such as compiling a graph; returns what runs it once and
                            returns the number of nodes that ran
    barrier()               seconds from the start until the successor of a 0.1 s branch begins beside a 1.0 s sibling
"""
