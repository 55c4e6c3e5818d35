"""Pictures that the page shows of groups: contact sheets, faces, candidates, the tree."""
