"""Vendors that make clips elsewhere: asked over HTTP, waited for, paid.

route.py       what one vendor is told and what its answers mean: pure translation, no network
catalogue.py   its models, limits and prices, read from data/adapters/*.toml
exchange.py    the values that pass between them
adapter.py     what makes a route into an adapter: the straight line from a request to a clip
  cell.py        from what a study asks for to what a model is asked for, exactly or not at all
  submission.py  asking once: on record before it is sent, never repeated on a guess
  waiting.py     asking how a task stands, patiently
  download.py    fetching the clip, whole and bounded
line.py        calls in their turn, with the key, to the vendor's own host alone
client.py      sending one call, and whether it certainly did not arrive
limits.py      what an account may do at once

What routes share: address.py (hosts), credentials.py (keys), reading.py (values out of unknown answers),
faults.py (what went wrong, in a sentence), pictures.py (which pictures a vendor takes).
"""
