"""Whether the line still makes what the bundle knows: a conformal test martingale."""
