"""The examination: what the critique of Simonyan et al. 2013 asks, put to one network and answered with numbers.

`plan` says what is to be computed, `answers` chooses a sentence from a number and its interval, `sections` puts the
questions together, `drawing` draws. No torch here: workers compute.
"""
