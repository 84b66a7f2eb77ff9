"""Pictures are shown to people and their answers become conclusions."""
