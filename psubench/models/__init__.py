"""Networks that take any neuron. Importing this imports no torch; building a network does."""

from psubench.models.names import TABLE, ModelRef, ModelSpec, parse
from psubench.models.network import Network, build, shape_for

__all__ = ["TABLE", "ModelRef", "ModelSpec", "Network", "build", "parse", "shape_for"]
