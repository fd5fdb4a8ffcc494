"""The untrusted side of the wall: the fork server, the fence around each run, and the worker in it.

Copied into the runtime folder, so nothing here may import more than the standard library, NumPy and
`cs_utils.checking.outcome`. The trusted side uses `wire` and nothing else of this folder.
"""
