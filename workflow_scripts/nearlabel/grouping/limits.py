"""How many images the grouping half takes whole; standard library only, as the configuration reads it."""

# Images whose silhouettes are computed exactly. Time grows with n²: 245 clusterings of 30,000 images take 2 minutes.
EXACT_UP_TO = 30_000
# Images whose silhouettes are computed above that, each against all others. Silhouettes of a clustering have a standard
# deviation below 0.3 as a rule: the standard error of their mean is then below 0.003.
SAMPLE = 10_000

# Images that algorithms take which hold numbers for all pairs, so that a job stays below 8 GiB: measured, SciPy's
# linkage holds 8 bytes · n² (6.7 GiB at this limit), spectral clustering with rbf affinities 34 bytes · n² (7.1 GiB).
MOST_AGGLOMERATIVE = 30_000
MOST_SPECTRAL = 15_000
# Images up to which the neighbour graph's eigenvectors come from its factors, which fill up: 9 bytes · n², time n³.
MOST_FACTORED = 5_000
