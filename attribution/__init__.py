"""Images in, pictures of a network's reasons out; this package has never heard of participants."""
