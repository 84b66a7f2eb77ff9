"""What may be entered on a page, checked where it enters."""
