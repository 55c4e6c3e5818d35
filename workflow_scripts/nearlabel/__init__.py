"""Group industrial images and spend labelling effort well."""
