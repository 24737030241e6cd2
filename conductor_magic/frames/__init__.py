"""Frames in Arrow files that give back an equal frame: of pandas, polars and Arrow.

Workers' kernels write them and the notebook reads them. In a kernel this folder stands alone, under another name:
within it, imports are relative and nothing else of the package is known.
"""
