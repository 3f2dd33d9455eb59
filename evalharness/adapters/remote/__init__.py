"""Vendors that make clips elsewhere: asked over HTTP, waited for, paid.

route.py      what one vendor is told and what its answers mean: pure translation, no network
catalogue.py  its models, limits and prices, read from data/adapters/*.toml
exchange.py   the values that pass between them
"""
