"""The plane of the first two principal components."""

import numpy as np


def principal_plane(values: np.ndarray, method: str, explained_variance_ratio) -> tuple[np.ndarray, np.ndarray]:
    """Return the first two principal components of reduced features and their shares of the variance.

    Signs are fixed by scikit-learn: the largest loading of a component is positive.

    Parameters
    ----------
    values : array of shape (n, c)
        Reduced features. After ``pca`` the first two columns are the components; otherwise they are computed here,
        and the shares refer to the reduced features.
    method : str
        ``pca``, ``random_projection`` or ``none``.
    explained_variance_ratio : array of shape (c,)
        Used for ``pca`` only.

    Returns
    -------
    points : float64 array of shape (n, 2)
        The second column is zero where the features have one dimension.
    shares : float64 array of shape (2,)
    """
    values = np.asarray(values, dtype=np.float64)
    if method == "pca":
        points, shares = values[:, :2], np.asarray(explained_variance_ratio, dtype=np.float64)[:2]
    else:
        from sklearn.decomposition import PCA

        components = PCA(n_components=min(2, *values.shape), random_state=0)
        # Identical images have no variance to share out.
        with np.errstate(invalid="ignore"):
            points = components.fit_transform(values)
        shares = np.nan_to_num(components.explained_variance_ratio_)
    missing = 2 - points.shape[1]
    return np.pad(points, ((0, 0), (0, missing))), np.pad(shares, (0, 2 - len(shares)))
