"""The network that labelling ends with: its threshold, how good it is, which labels are doubtful."""
