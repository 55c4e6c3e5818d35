"""Making a bundle of a run: what is learnt, what is held out, and what the held-out images say."""
