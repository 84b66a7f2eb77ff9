"""Exclusions: declared rules that leave participants out.

``excluded(participants, responses, *, ...) -> {participant: reason}``:
``participants`` and ``responses`` are the frames of ``study.analysis.Answers``; the reason is a sentence. A rule judges
each participant by their own rows alone, so that it may be given any part of the participants at a time.
A rule that looks at what the study measures has ``OUTCOME_DEPENDENT = True``: reports flag it.
"""

VERB = "excluded"


class ExclusionError(ValueError):
    """A rule cannot be applied as it is declared; the message says what would be right."""
