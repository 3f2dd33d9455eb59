"""Gates: what a metric must show on known damage before it is believed.

table        which quantity is held to what, on which ladder
rules        what can be asked, and the verdict on plain arrays
statistics   order, sensitivity and separation of a ladder's readings
trial        a metric tried on clips of known damage
"""

from metrics.gates.rules import Follows, Judgement, Readings, Refuses, Rule, Steady, Truth, Verdict, Worsens
from metrics.gates.table import GATES
from metrics.gates.trial import Answer, Gate, GateResult, Point, Specimen, judged, tried

__all__ = [
    "GATES",
    "Answer",
    "Follows",
    "Gate",
    "GateResult",
    "Judgement",
    "Point",
    "Readings",
    "Refuses",
    "Rule",
    "Specimen",
    "Steady",
    "Truth",
    "Verdict",
    "Worsens",
    "judged",
    "tried",
]
