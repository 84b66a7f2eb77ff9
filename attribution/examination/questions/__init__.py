"""The questions of the critique, one file each: ``answer`` chooses a sentence from numbers, ``ask`` makes the section.

No sentence is fixed: opposite numbers give opposite ones. What a question needs is ordered in ``ordering``.
"""
