"""Vendors that make clips elsewhere: asked over HTTP, waited for, paid.

route.py      what one vendor is told and what its answers mean: pure translation, no network
catalogue.py  its models, limits and prices, read from data/adapters/*.toml
exchange.py   the values that pass between them

What routes share: address.py (hosts), credentials.py (keys), reading.py (values out of unknown answers),
faults.py (what went wrong, in a sentence), first_frames.py (which pictures a vendor takes).
"""
