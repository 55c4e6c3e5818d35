"""What the page says of criteria, flags and columns."""

CRITERIA = {
    "consensus": (
        "Consensus: the clustering that several algorithms and encoders find alike, more than they do on structureless "
        "data, and whose groups are well separated. It looks at no near-label."
    ),
    "agreement": (
        "Agreement: the encoder on whose features different algorithms agree most with each other, beyond what they "
        "do on structureless data; the smallest k at which they nearly do so most, and there the algorithm that the "
        "others agree with most. It looks at no near-label."
    ),
    "stability": (
        "Stability: the clustering that changes least when images are left out, beyond what structureless data gives. "
        "It looks at no near-label."
    ),
    "min_max": (
        "Min-Max: within each encoder, an algorithm is excluded when another one, itself not excluded, has lower "
        "entropy and higher silhouette at more than half of the k. Among all that are left, the highest silhouette "
        "wins; ties go to lower entropy, then to fewer clusters."
    ),
    "convergence_difference": (
        "Convergence difference: the smallest (min(l, m) − C-Score) / (l·m), of l near-labels and m clusters, wins; "
        "ties go to the higher silhouette, then to fewer clusters. By construction this measure favours many clusters."
    ),
    "ami": "Adjusted mutual information: the clustering that agrees best with the near-labels, corrected for chance.",
    "chosen": "Chosen by hand: the configuration names this clustering.",
    "silhouette": "Silhouette: the clustering whose clusters are tightest and best separated.",
}
CRITERION_NAMES = {
    "consensus": "found alike by algorithms and encoders, and well separated (consensus)",
    "min_max": "Min-Max, as the paper's main clustering",
    "silhouette": "tightest and best separated groups (silhouette)",
    "agreement": "most agreement between the algorithms, beyond chance (agreement)",
    "stability": "groups that come back most surely from other samples (stability)",
    "convergence_difference": "smallest convergence difference, as the paper's sub-clustering",
    "ami": "nearest to the near-labels (adjusted mutual information)",
}
FLAGS = {
    "lopsided": "one group holds nearly all images, and no other one is large enough to say something",
    "degenerate": "a mixture component has fewer members than the features have dimensions: its shape is a guess",
    "reg_covar_raised": "a mixture's covariance was ill-defined; its regularisation was raised until it fitted",
    "fewer_clusters": "fewer clusters than k came out, as where images have the same features",
    "identical_points": "identical images were put into different clusters, for no reason but their order",
    "sampled_silhouette": "the silhouette is estimated from a sample of the images, see silhouette_error.csv",
    "not_converged": "the iteration limit ended the fit before it settled",
    "outliers": "one of the clusters holds the images that the algorithm left out of every group, this share of them",
    "disconnected_graph": "the neighbourhood graph falls into separate parts: spectral clustering cannot weigh "
    "them, agglomerative clustering joins them by their means",
}
SCORE_HEADERS = {
    "encoder": ("Encoder", ""),
    "algorithm": ("Algorithm", ""),
    "k": ("k", "number of clusters asked for"),
    "entropy": ("Entropy", "entropy of the cluster sizes in bits; lower is more uneven"),
    "silhouette": ("Silhouette", "from −1 to 1; higher means tighter, better separated clusters"),
    "c_score": ("C-Score", "sum of the Jaccard overlaps of all l near-labels and m clusters; from 1 to min(l, m)"),
    "normalized_c_score": ("Normalised C-Score", "C-Score / (l·m)"),
    "convergence_difference": ("Convergence difference", "(min(l, m) − C-Score) / (l·m); lower is better"),
    "null_ratio": (
        "Null ratio",
        "convergence difference divided by its mean over permuted near-labels, the paper's measure; it tells little "
        "where there are few clusters",
    ),
    "null_p": ("Null p", "chance of a convergence difference at least as small with permuted near-labels"),
    "ami": ("AMI", "adjusted mutual information with the near-labels; 0 is chance, 1 is identity"),
    "ari": ("ARI", "adjusted Rand index with the near-labels; 0 is chance, 1 is identity"),
    "homogeneity": ("Homogeneity", "1 where every cluster holds one near-label only"),
    "completeness": ("Completeness", "1 where every near-label lies in one cluster only"),
    "best_match_jaccard": ("Best-match Jaccard", "mean overlap of near-labels and clusters with their best partners"),
    "smallest": ("Smallest", "images in the smallest cluster"),
    "largest": ("Largest", "images in the largest cluster"),
    "flags": ("Flags", ""),
}
EVIDENCE_HEADERS = {
    "cluster": ("Cluster", ""),
    "name": ("Name", "the user's"),
    "size": ("Images", ""),
    "silhouette": ("Silhouette", "mean over the cluster's own images"),
    "stability": (
        "Stability",
        "mean Jaccard overlap with the best matching cluster over bootstraps: below 0.6 not to be trusted, from 0.75 "
        "valid",
    ),
    "near_label": ("Near-label", "the most enriched one"),
    "count": ("Its images", "images of the cluster with that near-label"),
    "share": ("Share", "of the cluster's labelled images"),
    "fold_enrichment": ("Enrichment", "that share divided by the near-label's share in the node"),
    "q_value": (
        "q",
        "hypergeometric p-value of the enrichment, adjusted after Benjamini and Hochberg over the node's clusters and "
        "near-labels",
    ),
}
