"""Benchmarks of the engine beside a plain asyncio program: `python -m bench`."""
