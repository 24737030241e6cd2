"""Claude and every server that speaks its Messages API.

`client` makes one attempt of one request, `stream` reads the reply's bytes, `faults` names what went wrong,
`limiter` spaces the requests of a whole run, `tiers` finds model ids and `prices` says what they cost.
"""
