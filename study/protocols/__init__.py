"""Protocols: a study document for one question. ``document(*, ...) -> dict``: plain data; computes nothing."""

VERB = "document"
