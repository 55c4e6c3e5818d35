"""Why an image file cannot be used."""


class UnreadableImageError(ValueError):
    """An image file that cannot be used; the text is the reason, without the file's name."""


class ChangedImageError(UnreadableImageError):
    """The file is not the one that was asked for."""
