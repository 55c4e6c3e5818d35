"""The page's first screen: what was found in each data set, how sure that is, and what to do next."""
