"""Formulae in the text of an examination."""

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def formula(text: str) -> SafeString:
    """Text in which S_c is an S with a subscript; everything else is escaped."""
    return mark_safe(re.sub(r"\b([Sp])_([a-z])\b", r"<i>\1</i><sub>\2</sub>", escape(text)))  # noqa: S308
