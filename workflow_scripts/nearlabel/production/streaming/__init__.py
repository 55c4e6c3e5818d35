"""Groups that follow confirmed images, in shadow, and new groups that are proposed."""
