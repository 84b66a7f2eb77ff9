"""The cookies besides the security token, each sent to the pages that need it alone."""

COOKIE = "participation"  # leads a plain link's browser back to the participation it began
EXCLUSIVE = "exclusive"  # signed: in which studies that exclude each other this browser took part by a plain link
KIOSK = "at_this_device"  # of a shared device: whose participation is open on it now
