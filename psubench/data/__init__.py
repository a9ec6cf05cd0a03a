"""What goes into the neurons: recordings, noise, and data sets from outside. Imports no torch."""

from psubench.data.layer import currents
from psubench.data.names import TABLE, DataRef, DataSpec, parse

__all__ = ["TABLE", "DataRef", "DataSpec", "currents", "parse"]
