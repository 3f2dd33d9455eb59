"""Known damage to clips, in memory: what metrics are held against before they are believed.

damage    what a damage is: a function of clip and level, and its ladder of levels
sound     shifts, wander, swaps, noise, music, gain, clipping, band limits, silence
tune      the piece of music that is put under a sound
picture   grain, blur, flicker, marks, drops, repeats, freezes, black, another's pictures
coding    what only a file can suffer: H.264 at a rate factor, displaced timestamps
ladders   the table of all of them with their levels
"""

from metrics.synthetic.damage import Damage
from metrics.synthetic.ladders import DAMAGES

__all__ = ["DAMAGES", "Damage"]
