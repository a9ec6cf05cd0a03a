"""Input of the neurons: recordings, noise, and data plug-ins. Imports no torch."""

from psubench.data.batches import batches, count, note, shape
from psubench.data.layer_current import currents
from psubench.data.names import DataRef, parse
from psubench.data.spec import DataSpec
from psubench.data.state import state
from psubench.data.table import TABLE

__all__ = ["TABLE", "DataRef", "DataSpec", "batches", "count", "currents", "note", "parse", "shape", "state"]
