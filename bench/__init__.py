"""How fast the gateway is, beside two references that run on the same machine in the same minutes.

F is a bare FastAPI no-op that reads the same signed request (``noop.py``): what the framework alone allows. N is the
same duties done plainly (``naive.py``): what a team in a hurry would have. Figures of one machine on one day say
little; ratios taken in one run say much. Tokens are plain ones, which the gateway takes here by a setting; what it
costs to bind them to a certificate or a key, the part ``security`` tells. ``make bench`` prints a line per goal; see
``python -m bench --help``.
"""
