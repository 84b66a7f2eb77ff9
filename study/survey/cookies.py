"""The one cookie besides the security token: it leads a plain link's browser back to the participation it began."""

COOKIE = "participation"
