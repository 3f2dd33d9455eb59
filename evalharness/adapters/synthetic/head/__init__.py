"""A talking head of our own geometry: shaded stills and frames whose mouth follows four numbers.

    head = Head(seed, 854, 480)
    frame = head.frame(tracks[i], t_s)      # uint8 RGB, shape (480, 854, 3)

The same seed is the same person at any size, so a clip can start from that person's portrait:
`Head(seed, w, h).frame(MouthShape(), 0.0)` equals `draw_portrait(seed, w, h)`.
"""

from evalharness.adapters.synthetic.head.compose import Head, draw_portrait

__all__ = ["Head", "draw_portrait"]
