"""The examination: what the critique of Simonyan et al. 2013 asks, put to one network and answered with numbers.

`choosing` finds images and classes, `plan` holds the rows, `ordering` says what is to be computed, `questions` chooses
each answer from its numbers, `results` is what they ask, `drawing`, `pictures` and `wording` show, `page` puts all
together. No torch here: workers compute.
"""
