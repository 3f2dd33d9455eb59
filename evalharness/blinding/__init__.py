"""Blinding: clips become exhibits that tell nothing of their systems, and an audit that proves it.

make_exhibits(clips, outputs, recipe)     all clips of one prompt to exhibits, spoiled copies with them
flaws_for(prompt)                         what to spoil in a prompt's copy
audit_exhibits(exhibits, folder)          what still tells systems apart, and how well
"""

from evalharness.blinding.audit import AuditReport, Finding, audit_exhibits
from evalharness.blinding.exhibits import MadeExhibit, make_exhibits
from evalharness.blinding.flaws import Flaw, flaws_for
from evalharness.blinding.recipe import BlindingRecipe

__all__ = [
    "AuditReport",
    "BlindingRecipe",
    "Finding",
    "Flaw",
    "MadeExhibit",
    "audit_exhibits",
    "flaws_for",
    "make_exhibits",
]
