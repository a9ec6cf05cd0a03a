"""Neurons of other libraries by name, such as `spikingjelly:LIFNode(tau=2)`: one adapter file per library.

Each adapter imports its library and is itself imported only when one of its neurons is built.
"""
