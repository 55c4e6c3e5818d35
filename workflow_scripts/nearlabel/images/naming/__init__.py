"""What names, suffixes and places of files say of them."""
