"""How many images silhouettes are exact for; standard library only, as the configuration reads it."""

# Images whose silhouettes are computed exactly. Time grows with n²: 245 clusterings of 30,000 images take 2 minutes.
EXACT_UP_TO = 30_000
# Images whose silhouettes are computed above that, each against all others. Silhouettes of a clustering have a standard
# deviation below 0.3 as a rule: the standard error of their mean is then below 0.003.
SAMPLE = 10_000
