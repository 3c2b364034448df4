"""Training of JSPNet on labelled rooms."""
